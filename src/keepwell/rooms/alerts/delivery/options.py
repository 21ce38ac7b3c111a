"""The sections ``receivers`` (what each of them may have), ``contacts`` and ``smtp``."""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from keepwell.config.options import Duration, ExpandedText, Expands, Options, Reference, Secret, SecretReference
from keepwell.kernel.loopback import means_this_machine
from keepwell.kernel.quoting import quoted
from keepwell.ports.mail import MailServer

from .addresses import is_secret, unfit
from .model import Post

_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*|\[[A-Fa-f0-9.:IPv]{2,60}\])")
_PORTS = {"smtp": 587, "smtps": 465}


def _mailbox(value: str) -> str:
    if not _MAILBOX.fullmatch(value):
        raise ValueError(f"{quoted(value)} is no mail address: write NAME@HOST")
    return value


def _server(value: str) -> str:
    try:
        parts = urlsplit(value)
        fits = parts.scheme in _PORTS and parts.hostname and parts.port != 0 and parts.path in ("", "/") and not parts.query
        secret = parts.password is not None
    except ValueError:
        fits = secret = False
    if secret:
        raise unfit("a password does not stand in this file: write it as password: secret:NAME")
    if not fits or re.search(r"\s", value):
        raise unfit("this is no mail server: write smtp://USER@HOST:587 (STARTTLS), or smtps://USER@HOST:465 (TLS at once)")
    return value


def _slack(value: str) -> str:
    if value.startswith("secret:") and not is_secret(value):
        raise unfit("this refers to no secret: write secret:NAME, secret:file:PATH or secret:command:PROGRAM")
    if "hooks.slack.com" in value:
        raise unfit("a webhook's address is a secret and does not stand in this file: write secret:NAME")
    return value


def _patience(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= timedelta(minutes=5):
        raise ValueError("a timeout is above zero and at most 5m")
    return value


Patience = Annotated[Duration, AfterValidator(_patience)]
"""How long one attempt may take: at most five minutes."""
Mailbox = Annotated[str, Expands(), AfterValidator(_mailbox)]
"""A mail address, ``NAME@HOST`` (RFC 5321 section 4.1.2, without quoted names)."""


class ReceiverOptions(Options):
    """What every receiver may have."""

    send_resolved: bool = True
    """Whether it is told that alerts were resolved too."""
    expires: Duration = timedelta(hours=24)
    """How long delivery of a notice is tried. One that could not be delivered by then is given up, and that is an alert of its own."""

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if not timedelta(minutes=1) <= self.expires <= timedelta(days=7):
            raise ValueError("expires must be from 1m to 7d: so long delivery is tried")
        return self


class SmtpOptions(Options):
    """Where mail is handed in, for receivers of the kind ``email`` and for contacts. Without it no mail is sent."""

    url: Annotated[ExpandedText, Secret(), AfterValidator(_server)] | None = None
    """The server: ``smtp://USER@HOST:587``, or ``smtps://USER@HOST:465`` where TLS is spoken from the first byte on."""
    from_: Mailbox | None = Field(default=None, alias="from")
    """Who the mail is from."""
    password: SecretReference | None = None
    """The user's password, for example ``secret:SMTP_PASSWORD``."""
    starttls: Literal["required", "off"] = "required"
    """Whether STARTTLS must work; ``off`` sends in clear, which is for relays on this machine or in a network of one's own."""
    verify: bool = True
    """Whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    hello: str = Field(default="", pattern=r"^([A-Za-z0-9\[\]:.-]{1,255})?$")
    """The name under which Keepwell introduces itself; without it, this machine's own."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.url is None) != (self.from_ is None):
            raise ValueError("url and from belong together: write url: smtp://USER@HOST and from: NAME@HOST")
        parts = urlsplit(self.url or "")
        if (self.password is None) != (parts.username is None):
            raise ValueError("a user and a password belong together: write url: smtp://USER@HOST and password: secret:NAME")
        if self.password is not None and parts.scheme == "smtp" and self.starttls == "off" and not means_this_machine(self.url or ""):
            raise ValueError("without TLS the password would travel in clear: leave out starttls: off")
        return self

    @property
    def post(self) -> Post | None:
        """The server and the sender; None where nothing is configured."""
        if self.url is None or self.from_ is None:
            return None
        parts = urlsplit(self.url)
        server = MailServer(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            protection="tls" if parts.scheme == "smtps" else "starttls" if self.starttls == "required" else "none",
            user=unquote(parts.username or ""),
            password=self.password or "",
            verify=self.verify,
            authority=self.authority,
            hello=self.hello,
        )
        return Post(server, self.from_)


class ContactOptions(Options):
    """A person, or people, and how they are reached. Keepwell writes to ``email`` (by the section ``smtp``), to ``slack`` where it is a
    secret, and to ``receivers``; the rest is for people to read."""

    name: str = ""
    """Who it is."""
    role: str = ""
    """What they do."""
    hours: str = ""
    """When they can be reached, in words. (Who is on call when is the section ``rotas``.)"""
    email: Mailbox | None = None
    """Their mail address."""
    phone: str = ""
    """Their telephone number."""
    slack: Annotated[str, Secret(), AfterValidator(_slack)] = ""
    """A secret that holds the address of an incoming webhook of Slack, such as ``secret:ANNA_SLACK``; or a channel or a name, to read."""
    url: ExpandedText = ""
    """Where they can be found."""
    reach: str = ""
    """How else they can be reached, in words."""
    receivers: tuple[Annotated[str, Reference("receivers")], ...] = ()
    """Receivers that reach this person, for example their own ntfy topic."""
