"""Mail: one message handed to a mail server, and what the server said to each recipient."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in (RFC 6409). ``protection``: TLS from the first byte on, STARTTLS that must work (RFC 3207), or none.

    ``password`` is a reference to the secret. ``authority`` is the path of a PEM file with the authorities to trust instead of the
    system's. ``hello`` is the name under which we introduce ourselves; empty: this machine's own."""

    host: str
    port: int = 587
    protection: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    password: str = ""
    verify: bool = True
    authority: str | None = None
    hello: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as text and as HTML (RFC 2046 section 5.1.4). ``message_id`` is the same in every attempt to send it; ``headers`` are
    further fields. ``timeout`` (seconds) covers the whole conversation."""

    server: MailServer
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class MailReply:
    """What a mail server said last, or to one recipient: its code (RFC 5321 section 4.2) and text."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """What became of a message. ``reply`` is the server's last word on the message as a whole; ``refused`` holds the recipients that it did
    not take, each with its reply (taken are all others, where ``reply`` is positive)."""

    reply: MailReply
    refused: Mapping[str, MailReply] = field(default_factory=dict)


class Mailer(Protocol):
    """Hands mail in."""

    async def post(self, mail: Mail) -> MailAnswer:
        """Hands the message to its server.

        What the server says of the message or a recipient is the answer. Raises AnswerError where it gives none (refused, hung up, garbage,
        no STARTTLS, a certificate that is not valid, a log-in that is not accepted, time limit), and AskError where the fault is ours (no
        route, a secret that cannot be had).
        """
        ...
