"""One fresh connection for each request, made in steps that are timed one by one: name resolution, TCP connection, TLS handshake."""

import asyncio
import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, field
from enum import Enum

from yarl import URL

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError

from .addresses import Address, Resolver, connected
from .http_answer import Answering
from .network_errors import certificate_fault, handshake_fault, socket_fault, worst_fault
from .tls_trust import refused_certificate

SHUTDOWN = 1.0
"""Seconds that a TLS peer gets to say goodbye (close_notify, RFC 8446 section 6.1) after its answer was read."""


class Stage(Enum):
    """How far a hop has come: what its time limit then says."""

    RESOLVING = "resolving"
    CONNECTING = "connecting"
    SHAKING_HANDS = "handshake"
    WAITING = "waiting"
    READING = "reading"


@dataclass(slots=True, eq=False)
class Hop:
    """One request on one connection, as it goes: the seconds of each phase so far, until when (seconds since 1970) the verified
    certificate is valid, and the connection itself."""

    peer: str
    stage: Stage = Stage.RESOLVING
    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    certificate_ends: float | None = None
    fault: KeepwellError | None = None
    answering: Answering | None = field(default=None, repr=False)

    @property
    def first_byte(self) -> float:
        """Seconds from the connection's being ready to the first byte of the answer; 0 where none came."""
        if self.answering is None or self.answering.first_byte_at == 0.0:
            return 0.0
        return self.answering.first_byte_at - self.answering.made_at

    def abort(self) -> None:
        """Drops the connection at once, with whatever is still to be sent or read."""
        if self.answering is not None and self.answering.wire is not None:
            # asyncio of Python 3.11.2 has no way to abort a TLS connection that is closed already (its transport lost its protocol).
            with contextlib.suppress(AttributeError):
                self.answering.wire.abort()

    def late(self, seconds: float) -> KeepwellError:
        """What it means that the time limit struck now."""
        limit = f"within {seconds:g} s"
        if self.fault is not None:
            return self.fault
        if self.stage is Stage.RESOLVING:
            return AskError(f"the resolver gave no answer for {self.peer.rpartition(':')[0]} {limit}")
        if self.stage is Stage.CONNECTING:
            return AnswerError(f"{self.peer} accepted no connection {limit}")
        connected_after = f"connected after {self.connect * 1000:.0f} ms"
        if self.stage is Stage.SHAKING_HANDS:
            return AnswerError(f"no end of the TLS handshake {limit} ({connected_after})")
        if self.stage is Stage.WAITING and not self.first_byte:
            return AnswerError(f"no answer {limit} ({connected_after})")
        return AnswerError(f"the answer did not end {limit} (its first byte came after {self.first_byte * 1000:.0f} ms)")


class FreshConnector:
    """Makes a new connection for each request and keeps none. Raises AskError or AnswerError itself, so nothing is to be translated."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._loop = asyncio.get_running_loop()

    async def connect(self, url: URL, context: ssl.SSLContext | None, hop: Hop, answering: Answering) -> None:
        """A connection to the address, encrypted where there is a ``context``; ``hop`` is told how far it is, ``answering`` gets it."""
        host = url.raw_host or ""
        started = time.monotonic()
        addresses = await self._resolver.addresses(host, url.port or 0)
        resolved = time.monotonic()
        hop.dns, hop.stage, hop.answering = resolved - started, Stage.CONNECTING, answering
        if context is None and len(addresses) == 1 and addresses[0][0] is socket.AF_INET:
            await self._straight(addresses[0], hop.peer, answering)
            hop.connect = answering.made_at - resolved
        else:
            connection = await connected(addresses, hop.peer)
            hop.connect = time.monotonic() - resolved
            if context is not None:
                hop.stage = Stage.SHAKING_HANDS
                await self._handshake(connection, context, host, hop, answering)
            else:
                await self._loop.create_connection(lambda: answering, sock=connection)
        hop.stage = Stage.WAITING

    async def _straight(self, address: Address, peer: str, answering: Answering) -> None:
        """A connection to the one address there is, in one step: two cost uvloop half as much again."""
        try:
            await self._loop.create_connection(lambda: answering, *address[1])
        except OSError as error:
            raise worst_fault(peer, [error]) from error

    async def _handshake(self, connection: socket.socket, context: ssl.SSLContext, host: str, hop: Hop, answering: Answering) -> None:
        address = (connection.family, connection.getpeername())
        name = host.rstrip(".")
        started = time.monotonic()
        try:
            transport, _ = await self._loop.create_connection(
                lambda: answering, sock=connection, ssl=context, server_hostname=name, ssl_shutdown_timeout=SHUTDOWN
            )
        except ssl.SSLCertVerificationError as error:
            hop.fault = certificate_fault(name, error, None)
            raise certificate_fault(name, error, await refused_certificate(address, name)) from error
        except ssl.SSLError as error:
            raise handshake_fault(hop.peer, error) from error
        except ConnectionError as error:
            raise AnswerError(f"{hop.peer} closed the connection during the TLS handshake") from error
        except OSError as error:
            raise socket_fault(hop.peer, error) from error
        finally:
            hop.tls = time.monotonic() - started
        hop.certificate_ends = _end_of_certificate(transport)


def _end_of_certificate(transport: asyncio.BaseTransport) -> float | None:
    """None where nothing was verified (then nothing is known of the certificate), or the connection has gone already."""
    with contextlib.suppress(AttributeError):
        if certificate := transport.get_extra_info("peercert"):
            return float(ssl.cert_time_to_seconds(certificate["notAfter"]))
    return None
