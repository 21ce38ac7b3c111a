"""The server: uvicorn on sockets that are bound beforehand, inside an event loop that belongs to somebody else."""

import asyncio
import contextlib
import errno
import os
import socket
import struct
from collections.abc import Callable, Generator, Sequence
from types import TracebackType

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from keepwell.kernel.problems import KeepwellError, UsageError

from .gate import PEER_UID

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive before the connection is closed."""

CONNECTIONS = 256
"""Connections at once; one more is answered with status 503."""

STALLED_SECONDS = 60.0
"""How long a peer may leave what was sent to it untaken before the kernel closes the connection (TCP_USER_TIMEOUT, tcp(7))."""

_HEAD_BYTES = 32 * 1024


def bind_tcp(host: str, port: int) -> socket.socket:
    """A socket that listens already, so that a port in use is known before anything else is started.

    Connections wait in its backlog until a server takes them. Raises UsageError where the address cannot be had.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STALLED_SECONDS * 1000))  # its connections inherit it
        listening.setblocking(False)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            message = f"Port {port} of {host} is in use"
            raise UsageError(
                message, hint=f"something listens there already: another Keepwell? ss -ltnp 'sport = :{port}' shows it"
            ) from error
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"Keepwell cannot listen on {host}, port {port}: {reason}") from error
    return listening


def address_of(listening: socket.socket) -> tuple[str, int]:
    """Host and port of a TCP socket."""
    name = listening.getsockname()
    return str(name[0]), int(name[1])


def page_address(listening: socket.socket) -> str:
    """The address to open in a browser; an IPv6 host stands in brackets (RFC 3986, 3.2.2)."""
    host, port = address_of(listening)
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class Servers:
    """Serves one application on several sockets. ``closing`` is called first at the stop, so that streams without end end.

    ``grace`` is how many seconds replies under way may still take; what is left then is cut off.
    """

    def __init__(
        self, application: ASGIApp, sockets: Sequence[socket.socket], closing: Callable[[], None] = lambda: None, grace: int = 3
    ) -> None:
        config = uvicorn.Config(
            application,
            http=_Protocol,
            loop="none",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=grace,
            h11_max_incomplete_event_size=_HEAD_BYTES,
        )
        self._server = _Server(config)
        self._sockets = list(sockets)
        self._closing = closing
        self._task: asyncio.Task[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self._server.server_state.connections)

    async def start(self) -> None:
        """Returns when requests are answered. Raises KeepwellError where that does not come about."""
        self._task = asyncio.create_task(self._server.serve(self._sockets), name="http-server")
        while not self._server.started:
            if self._task.done():
                raise KeepwellError("The HTTP server did not start") from self._task.exception()
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Ends streams, takes no more connections, waits for replies under way, closes the sockets. A second call does nothing."""
        task, self._task = self._task, None
        if task is None:
            return
        self._closing()
        self._server.should_exit = True
        await task

    async def __aenter__(self) -> "Servers":
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


class _Server(uvicorn.Server):
    """Without uvicorn's signal handlers: signals belong to the program around it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class _Protocol(H11Protocol):
    """Adds who the peer of a Unix socket is, and a time limit for a request's head (slow clients would hold connections for ever)."""

    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_UNIX:
            self.app_state = {**self.app_state, PEER_UID: _peer_uid(connection)}
            self.limit_concurrency = None  # whoever fills the TCP port must not lock out the command line
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._expect_head()
        elif self.conn.their_state is not h11.IDLE:
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head()
        super().connection_lost(exc)

    def _expect_head(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None


def _peer_uid(connection: socket.socket) -> int:
    """The uid of the process at the other end, as the kernel noted it at connect (SO_PEERCRED, unix(7))."""
    credentials = struct.Struct("3i")  # struct ucred: pid, uid, gid
    _, uid, _ = credentials.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(uid)
