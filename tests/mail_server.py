"""A real mail server for tests (aiosmtpd): STARTTLS or TLS, log-in, and recipients that it does not take."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.support import free_port


@dataclass
class Mailbox:
    """What came in. ``recipients`` are the replies to recipients that are not simply taken, ``reply`` the one to the message."""

    port: int
    recipients: dict[str, str] = field(default_factory=dict)
    reply: str = "250 OK"
    users: dict[str, str] = field(default_factory=dict)
    envelopes: list[tuple[tuple[str, ...], EmailMessage]] = field(default_factory=list)
    logged_in: list[str] = field(default_factory=list)
    was_sealed: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """As the test wants it."""
        reply = self.recipients.get(address, "250 OK")
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the message."""
        if self.reply.startswith("2"):
            message = message_from_bytes(envelope.content or b"", policy=policy.default)  # type: ignore[arg-type]
            self.envelopes.append((tuple(envelope.rcpt_tos), message))  # type: ignore[arg-type]
            self.was_sealed.append(session.ssl is not None)
        return self.reply

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """By name and password."""
        assert isinstance(data, LoginPassword)
        name = data.login.decode()
        if self.users.get(name) != data.password.decode():
            return AuthResult(success=False, handled=False)
        self.logged_in.append(name)
        return AuthResult(success=True)

    @property
    def texts(self) -> list[str]:
        """The plain text of each message."""
        return [message.get_body(("plain",)).get_content() for _, message in self.envelopes]  # type: ignore[union-attr]


@asynccontextmanager
async def mail_server(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    users: dict[str, str] | None = None,
    port: int | None = None,
) -> AsyncIterator[Mailbox]:
    """A server on a free port for the length of a ``with``, in the test's own loop."""
    mailbox = Mailbox(port or free_port(), users=users or {})
    talks: list[SMTP] = []

    def talk() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = SMTP(
                mailbox,
                hostname="mail.test",
                tls_context=starttls,
                require_starttls=starttls is not None,
                auth_required=bool(mailbox.users),
                auth_require_tls=starttls is not None,
                authenticator=mailbox.authenticate,
            )
        talks.append(made)
        return made

    server = await asyncio.get_running_loop().create_server(talk, "127.0.0.1", mailbox.port, ssl=tls)
    try:
        yield mailbox
    finally:
        server.close()
        for one in talks:
            if one.transport is not None:
                one.transport.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        await server.wait_closed()
