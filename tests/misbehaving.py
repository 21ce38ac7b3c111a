"""A small server of misbehaviours on loopback: what no target should do, and some do.

In an async test::

    async with misbehaving("never-answers") as port: ...
    async with misbehaving("hello", tls=server_context(authority.issue_cert("localhost"))) as port: ...

For a test that needs it in another process: ``python -m tests.misbehaving never-answers`` prints its port and serves until killed.
"""

import asyncio
import contextlib
import gzip
import ssl
import struct
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET

import trustme

Misbehaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
_FOREVER = 3600.0


async def _hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Behaves: 200 with the body ``hello``."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: 5\r\n\r\nhello")


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Behaves: the body is the request's head."""
    head = await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: %d\r\n\r\n" % len(head) + head)


async def _never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, reads, and says nothing."""
    while await reader.read(65536):
        pass


async def _never_reads(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and neither reads nor writes."""
    await asyncio.sleep(_FOREVER)


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads the request and closes."""
    await reader.readuntil(b"\r\n\r\n")


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads the request and resets the connection."""
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers bytes that are no HTTP."""
    writer.write(bytes(range(256)) * 4 + b"\r\n\r\n")


async def _banner(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers as a server of another protocol."""
    writer.write(b"220 mail.example.org ESMTP ready\r\n")


async def _half_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes in the middle of the head."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Ty")


async def _endless_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One header after another, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: of this\r\n" * 100)
        await writer.drain()


async def _endless_header_line(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One header whose value does not end."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"x" * 4096)
        await writer.drain()


async def _endless_interim(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """100 Continue, again and again (RFC 9110 section 15.2 allows any number)."""
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body without length and without end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Connection: close\r\n\r\n")
    while True:
        writer.write(b"more " * 4096)
        await writer.drain()


async def _slow_drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A body of a thousand bytes, one every tenth of a second."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(1000):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _slow_drip_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A head, one byte every tenth of a second."""
    for byte in _HEAD * 20:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def _short_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """States 100 bytes, sends 5, closes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: 100\r\n\r\nhello")


async def _long_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """States 5 bytes, sends more."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: 5\r\n\r\nhello and more")


async def _bad_length(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """States a length that is no number."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Length: many\r\n\r\nhello")


async def _bad_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Breaks the rules of chunked transfer."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.write(b"xyz\r\n")


async def _gzip_bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Half a gigabyte of zeros in half a megabyte of gzip."""
    await reader.readuntil(b"\r\n\r\n")
    member = gzip.compress(bytes(1 << 24))
    writer.write(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (len(member) * 32))
    for _ in range(32):
        writer.write(member)
        await writer.drain()


async def _not_gzip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Says gzip and sends text."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(_HEAD + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")


async def _redirects_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """``/N`` redirects to ``/N+1``."""
    head = await reader.readuntil(b"\r\n\r\n")
    number = head.split(b" ")[1].strip(b"/") or b"0"
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: /%d\r\nContent-Length: 0\r\n\r\n" % (int(number) + 1))


async def _redirects_nowhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirects to something that is no web address."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 302 Found\r\nLocation: ftp://example.org/\r\nContent-Length: 0\r\n\r\n")


MISBEHAVIOURS: dict[str, Misbehaviour] = {
    name.removeprefix("_").replace("_", "-"): handler
    for name, handler in list(globals().items())
    if name.startswith("_") and asyncio.iscoroutinefunction(handler)
}


@contextlib.asynccontextmanager
async def misbehaving(kind: str | Misbehaviour, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[int]:
    """Serves one misbehaviour (a key of ``MISBEHAVIOURS``, or a handler of the test's own) and gives its port."""
    handler = MISBEHAVIOURS[kind] if isinstance(kind, str) else kind
    going: set[asyncio.Task[None]] = set()
    opened: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        going.add(task)
        opened.append(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
                await handler(reader, writer)
                await writer.drain()
        finally:
            going.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls, backlog=1024)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(going):
            task.cancel()
        if going:
            await asyncio.wait(list(going), timeout=5)
        for writer in opened:  # one that was closed may still wait for somebody to read what it wrote
            writer.transport.abort()
        await asyncio.sleep(0)


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A TLS server's context with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def _main_serve(kind: str) -> None:
    async with misbehaving(kind) as port:
        print(port, flush=True)
        await asyncio.sleep(_FOREVER)


if __name__ == "__main__":
    asyncio.run(_main_serve(sys.argv[1]))
