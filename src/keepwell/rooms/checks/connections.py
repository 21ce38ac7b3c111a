"""A TCP connection made in timed steps, for the kinds that speak to a port themselves.

The steps and the sentences of their failures are the HTTP client's own, so that ``tcp`` and ``http`` never blame differently.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError, AskError, KeepwellError
from keepwell.kernel.quoting import quoted
from keepwell.machine.addresses import Resolver, connected


@dataclass(frozen=True, slots=True)
class Connected:
    """A connected socket and the seconds that name resolution and connecting took."""

    socket: socket.socket
    dns: float
    connect: float


@contextlib.asynccontextmanager
async def within(deadline: float, late: Callable[[], KeepwellError]) -> AsyncIterator[None]:
    """A step that ends at ``deadline`` (of the event loop's clock) at the latest; then the fault that ``late`` names is raised."""
    try:
        async with asyncio.timeout_at(deadline):
            yield
    except TimeoutError:
        raise late() from None


async def dial(host: str, port: int, deadline: float) -> Connected:
    """Connects to the first of the host's addresses that accepts.

    Raises AnswerError where the name does not exist, the connection is refused or nobody answers in time; AskError where the fault is
    this machine's or its resolver's.
    """
    resolver = Resolver()
    started = time.monotonic()
    try:
        async with within(deadline, lambda: AskError(f"the resolver does not answer the question for {host}")):
            addresses = await resolver.addresses(host, port)
    finally:
        await resolver.close()
    resolved = time.monotonic()
    peer = address_text(host, port)
    async with within(deadline, lambda: AnswerError(f"no answer from {peer} within {time.monotonic() - started:.3g} s")):
        found = await connected(addresses, peer)
    return Connected(found, resolved - started, time.monotonic() - resolved)


def address_text(host: str, port: int) -> str:
    """``host:port``; an IPv6 address stands in brackets (RFC 3986 section 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_address(text: str) -> tuple[str, int]:
    """``host:port`` or ``[IPv6]:port``. Raises ValueError with one sentence for anything else."""
    host, separator, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    if not separator or not host.strip("[]") or not 0 < number < 65536 or (":" in host and not bracketed) or "/" in host:
        raise ValueError(f"{quoted(text)} is no address: write host:port, such as db.example.org:5432 or [::1]:5432")
    return (host[1:-1] if bracketed else host), number


def target_address(target: Target | None) -> tuple[str, int, str]:
    """Host, port and scheme of the target's url; the port is the scheme's own (80, 443) where the url gives none.

    Raises AskError where the target has no usable url: a check that needs one cannot be made.
    """
    url = target.url if target is not None else None
    if not url:
        raise AskError("the target has no url, so there is no address to connect to")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AskError(f"the target's url {quoted(url)} is not valid: {error}") from None
    if port is None:
        port = {"https": 443, "http": 80}.get(parts.scheme)
    if not host or port is None:
        raise AskError(f"the target's url {quoted(url)} gives no host and port")
    return host, port, parts.scheme
