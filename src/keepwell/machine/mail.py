"""Hands mail in: one connection for each message, everything bounded, each failure one sentence. The conversation is aiosmtplib's."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import Redactor
from keepwell.ports.mail import Mail, MailAnswer, MailReply, MailServer
from keepwell.ports.secrets import Secrets

from .addresses import Resolver, connected
from .network_errors import certificate_fault, handshake_fault, socket_fault

if TYPE_CHECKING:
    import aiosmtplib

_GOODBYE = 2.0
"""Seconds for QUIT: by then the server has the message, whatever becomes of the connection."""
_LONGEST = 10_000  # whoever shows it cuts it, once secrets are out of it


@dataclass(frozen=True, slots=True)
class _Talk:
    """A conversation: with whom, as a sentence names them, and the password it may need."""

    server: MailServer
    peer: str
    password: str


class SmtpMailer:
    """Hands mail to the server that each message names. Keeps no connection."""

    def __init__(self, secrets: Secrets, resolver: Resolver | None = None) -> None:
        self._secrets = secrets
        self._resolver = resolver or Resolver()

    async def close(self) -> None:
        """Waits for no name any more."""
        await self._resolver.close()

    async def post(self, mail: Mail) -> MailAnswer:
        """See ``keepwell.ports.mail.Mailer``."""
        server = mail.server
        peer = f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"
        password = ""
        try:
            async with asyncio.timeout(mail.timeout):
                password = await self._secrets.resolve(server.password) if server.password else ""
                return await self._post(mail, _Talk(server, peer, password))
        except TimeoutError:
            raise AnswerError(f"{peer} did not take the mail within {mail.timeout:g} s") from None
        except KeepwellError as error:
            raise type(error)(Redactor([password] if password else ()).redact(str(error))) from error

    async def _post(self, mail: Mail, talk: _Talk) -> MailAnswer:
        connection = await connected(await self._resolver.addresses(talk.server.host, talk.server.port), talk.peer)
        client: aiosmtplib.SMTP | None = None
        try:
            client = await _client(talk, connection)
            return await _conversation(client, mail, talk, _content(mail))
        except Exception as error:
            raise _fault(talk, error) from error
        finally:
            _drop(client, connection)


async def _client(talk: _Talk, connection: socket.socket) -> "aiosmtplib.SMTP":
    from aiosmtplib import SMTP

    context = await asyncio.to_thread(_context, talk.server) if talk.server.protection != "none" else None
    return SMTP(
        hostname=talk.server.host.rstrip("."),
        sock=connection,
        use_tls=talk.server.protection == "tls",
        start_tls=False,
        tls_context=context,
        local_hostname=talk.server.hello or _own_name(connection),
        timeout=None,
    )


def _drop(client: "aiosmtplib.SMTP | None", connection: socket.socket) -> None:
    """Ends the connection at once: what was to be said is said."""
    transport = client.transport if client is not None else None
    if transport is None:
        connection.close()
        return
    # asyncio of Python 3.11.2 has no way to abort a TLS connection that is closed already (its transport lost its protocol).
    with contextlib.suppress(AttributeError):
        transport.abort()  # type: ignore[attr-defined]  # a connection's has it


def _context(server: MailServer) -> ssl.SSLContext:
    """Without ALPN: some mail servers refuse a client that offers HTTP (Exim's ``tls_alpn``)."""
    try:
        context = ssl.create_default_context(cafile=server.authority)
    except (ssl.SSLError, OSError) as error:
        raise AskError(f"the authority file {server.authority} cannot be used: {error.strerror or error}") from error
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_name(connection: socket.socket) -> str:
    """This machine's address as RFC 5321 section 4.1.3 writes it: a name that the other side could look up is not known for sure."""
    address = connection.getsockname()[0]
    return f"[IPv6:{address.partition('%')[0]}]" if connection.family is socket.AF_INET6 else f"[{address}]"


async def _conversation(client: "aiosmtplib.SMTP", mail: Mail, talk: _Talk, content: bytes) -> MailAnswer:
    from aiosmtplib import SMTPAuthenticationError, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

    await client.connect()
    if talk.server.protection == "starttls":
        await client.starttls()
    if talk.server.user:
        try:
            await client.login(talk.server.user, talk.password)
        except SMTPAuthenticationError as error:
            words = f"{error.code} {quoted(_line(error.message), _LONGEST)}"
            raise AnswerError(f"{talk.peer} did not accept the user {quoted(talk.server.user)}: {words}") from error
    try:
        refused, words = await client.sendmail(mail.sender, mail.to, content)
    except SMTPRecipientsRefused as error:
        return MailAnswer(MailReply(250, ""), {one.recipient: MailReply(one.code, _line(one.message)) for one in error.recipients})
    except (SMTPSenderRefused, SMTPDataError) as error:
        return MailAnswer(MailReply(error.code, _line(error.message)))
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_GOODBYE):
            await client.quit()
    return MailAnswer(MailReply(250, _line(words)), {one: MailReply(reply.code, _line(reply.message)) for one, reply in refused.items()})


def _content(mail: Mail) -> bytes:
    from email.message import EmailMessage  # a megabyte that only those need who send mail
    from email.policy import SMTP as SMTP_POLICY
    from email.utils import format_datetime

    message = EmailMessage(policy=SMTP_POLICY)
    headers = {
        "From": mail.sender,
        "To": ", ".join(mail.to),
        "Subject": mail.subject,
        "Date": format_datetime(mail.at),
        "Message-ID": mail.message_id,
        **mail.headers,
    }
    for name, value in headers.items():
        message[name] = value
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _fault(talk: _Talk, error: Exception) -> Exception:
    """What went wrong before there was an answer to the message."""
    from aiosmtplib import SMTPException, SMTPResponseException, SMTPServerDisconnected

    cause = next((one for one in _chain(error) if isinstance(one, ssl.SSLError)), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return AnswerError(f"{talk.peer}: {certificate_fault(talk.server.host, cause, None)}")
    if cause is not None:
        return handshake_fault(talk.peer, cause)
    if isinstance(error, KeepwellError):
        return error
    if isinstance(error, SMTPResponseException):
        return AnswerError(f"{talk.peer} answered {error.code} {quoted(_line(error.message), _LONGEST)}")
    if isinstance(error, SMTPServerDisconnected | asyncio.IncompleteReadError):
        return AnswerError(f"{talk.peer} broke the conversation off")
    system = next((one for one in _chain(error) if isinstance(one, OSError) and one.errno is not None), None)
    if system is not None:
        return socket_fault(talk.peer, system)
    if isinstance(error, SMTPException):
        return AnswerError(f"{talk.peer}: {quoted(_line(error.message), _LONGEST)[1:-1]}")
    return AnswerError(f"{talk.peer} gave no usable answer ({type(error).__name__})")


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in found:
        found.append(current)
        current = current.__cause__ or current.__context__
    return found
