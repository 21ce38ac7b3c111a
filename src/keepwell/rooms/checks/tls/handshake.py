"""A TLS handshake made in timed steps, after a conversation in clear text where the protocol begins with one (STARTTLS)."""

import asyncio
import contextlib
import ssl
import time
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.network_errors import handshake_fault, socket_fault
from keepwell.rooms.checks.connections import Connected, address_text, dial, within

Upgrade = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]
"""Speaks in clear text until the peer (named by the third argument) is ready for TLS. Raises AnswerError where it will not."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to connect, and the name that the certificate must hold."""

    host: str
    port: int
    name: str

    @property
    def peer(self) -> str:
        """``host:port``."""
        return address_text(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Handshake:
    """A finished handshake: what was measured, the protocol's version (``TLSv1.3``), the cipher and its bits, and the certificates that
    the server sent, in DER, its own first."""

    connect: float
    seconds: float
    version: str
    cipher: str
    bits: int
    chain: tuple[bytes, ...]


def verifying(authority: str | None) -> ssl.SSLContext:
    """A context that trusts the authorities in a PEM file, else the system's. Raises AskError where the file cannot be used."""
    try:
        return ssl.create_default_context(cafile=authority)
    except ssl.SSLError as error:
        raise AskError(f"the authority file {authority} holds no certificate in PEM form") from error
    except OSError as error:
        raise AskError(f"the authority file {authority} cannot be read: {error.strerror}") from error


def accepting() -> ssl.SSLContext:
    """A context that accepts any certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def only_older(than: str) -> ssl.SSLContext:
    """A context that offers no protocol but those before ``1.2`` or ``1.3``, and accepts any certificate."""
    context = accepting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # to ask for what is deprecated is the purpose
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_2 if than == "1.3" else ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


async def shake(place: Place, context: ssl.SSLContext, deadline: float, upgrade: Upgrade | None = None) -> Handshake:
    """Connects and shakes hands. SSLCertVerificationError passes through; every other failure is an AnswerError or AskError."""
    connected = await dial(place.host, place.port, deadline)
    started = time.monotonic()
    writer = await _shaken(place, connected, context, deadline, upgrade)
    seconds = time.monotonic() - started
    tls = writer.get_extra_info("ssl_object")
    name, _, bits = tls.cipher() or ("", "", 0)
    made = Handshake(connected.connect, seconds, tls.version() or "", name, bits, sent_chain(tls))
    writer.transport.abort()
    return made


async def _shaken(
    place: Place, connected: Connected, context: ssl.SSLContext, deadline: float, upgrade: Upgrade | None
) -> asyncio.StreamWriter:
    writer: asyncio.StreamWriter | None = None
    left = max(deadline - asyncio.get_running_loop().time(), 0) + 1
    try:
        async with within(deadline, lambda: AnswerError(f"{place.peer} did not finish the TLS handshake in time")):
            if upgrade is None:
                _, writer = await asyncio.open_connection(
                    sock=connected.socket, ssl=context, server_hostname=place.name, ssl_handshake_timeout=left
                )
                return writer
            reader, writer = await asyncio.open_connection(sock=connected.socket, limit=4096)
            await upgrade(reader, writer, place.peer)
            await secured(reader, writer, context, place, left)
            return writer
    except BaseException as error:
        if writer is not None:
            writer.transport.abort()
        if (fault := handshake_error(place, error)) is not None:
            raise fault from error
        raise


async def secured(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext, place: Place, seconds: float
) -> None:
    """TLS from here on, on a connection that spoke in clear text so far.

    What came in clear text after both agreed would be taken for a part of the protected conversation (CVE-2011-0411): AnswerError.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0):
            if await reader.read(1):
                raise AnswerError(f"{place.peer} went on in clear text after it had agreed to TLS")
    await writer.start_tls(context, server_hostname=place.name, ssl_handshake_timeout=seconds)


def handshake_error(place: Place, error: BaseException) -> AnswerError | AskError | None:
    """What went wrong in a handshake; None for what passes through as it is."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return None
    if isinstance(error, ssl.SSLError):
        return handshake_fault(place.peer, error)
    if isinstance(error, ConnectionError | asyncio.IncompleteReadError):
        return AnswerError(f"{place.peer} closed the connection during the TLS handshake")
    if isinstance(error, OSError):
        return socket_fault(place.peer, error)
    return AskError(f"{place.name} cannot be a server's name: {error}") if isinstance(error, ValueError) else None


def sent_chain(tls: ssl.SSLObject) -> tuple[bytes, ...]:
    """Every certificate that the server sent, in DER, its own first."""
    own = tls.getpeercert(binary_form=True) or b""
    public = getattr(tls, "get_unverified_chain", None)  # since Python 3.13; before, the same stands one object deeper
    if public is not None:
        return tuple(bytes(one) for one in public()) or (own,)
    inner = getattr(getattr(tls, "_sslobj", None), "get_unverified_chain", None)
    found = inner() if inner is not None else None
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found) if found else (own,)
