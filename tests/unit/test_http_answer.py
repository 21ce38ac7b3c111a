"""An answer is read the same however it is cut into pieces, and what is none is told apart."""

import asyncio
import gzip
import zlib
from dataclasses import dataclass

import pytest

from keepwell.machine.http_answer import Answering, BrokenAnswer, Flaw

_PLAIN = zlib.compress(b"packed " * 50)
_BARE = zlib.compress(b"packed " * 50)[2:-4]
_GZIP = gzip.compress(b"packed " * 50)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer holds."""

    status: int = 200
    body: bytes = b"hello"
    truncated: bool = False


def _packed(encoding: str, body: bytes) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


ANSWERS: dict[str, tuple[bytes, Wanted]] = {
    "with a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Wanted()),
    "until its end": (b"HTTP/1.1 200 OK\r\n\r\nhello", Wanted()),
    "of version 1.0": (b"HTTP/1.0 200 OK\r\n\r\nhello", Wanted()),
    "in chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n", Wanted()),
    "with trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-B: 2\r\n\r\n", Wanted()),
    "without a body": (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", Wanted(204, b"")),
    "unchanged": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", Wanted(304, b"")),
    "without a reason": (b"HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n", Wanted(500, b"")),
    "after interim ones": (
        b"HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        Wanted(),
    ),
    "that changes the protocol": (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\x00\x01\x02", Wanted(101, b"")),
    "with bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", Wanted()),
    "longer than wanted": (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 500, Wanted(200, b"x" * 400, True)),
    "packed by gzip": (_packed("gzip", _GZIP), Wanted(200, b"packed " * 50)),
    "packed by x-gzip in two members": (_packed("X-GZIP", gzip.compress(b"hel") + gzip.compress(b"lo")), Wanted()),
    "packed by gzip with zeros behind": (_packed("gzip", _GZIP + bytes(9)), Wanted(200, b"packed " * 50)),
    "packed by deflate": (_packed("deflate", _PLAIN), Wanted(200, b"packed " * 50)),
    "packed by deflate without a frame": (_packed("deflate", _BARE), Wanted(200, b"packed " * 50)),
    "packed, and longer than wanted": (_packed("gzip", gzip.compress(bytes(1 << 20))), Wanted(200, bytes(400), True)),
    "of nothing, said to be packed": (_packed("gzip", b""), Wanted(200, b"")),
    "in an encoding that nobody asked for": (_packed("br", b"hello"), Wanted()),
}


class _Wire(asyncio.Transport):
    """A transport that nothing is sent on."""


async def _taken(data: bytes, size: int, head_only: bool = False) -> Answering:
    """What came of these bytes in pieces of that size, and of the end of the connection."""
    answering = Answering(head_only, 400)
    answering.connection_made(_Wire())
    for start in range(0, len(data), size):
        answering.data_received(data[start : start + size])
    answering.connection_lost(None)
    await answering.head()
    await answering.end()
    return answering


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("kind", ANSWERS)
async def test_an_answer(kind: str, size: int) -> None:
    data, wanted = ANSWERS[kind]
    answering = await _taken(data, size)
    assert Wanted(answering.status, bytes(answering.body), answering.truncated) == wanted


@pytest.mark.parametrize("size", [1, 1 << 20])
async def test_headers_are_found_in_any_case_and_kept_in_order(size: int) -> None:
    lines = b"Set-Cookie: a=1\r\nX-Folded: one\r\n two\r\nset-cookie: b=2 \r\nX-Name: \xc3\xa4\xff\r\nContent-Length: 0\r\n"
    headers = (await _taken(b"HTTP/1.1 200 OK\r\n" + lines + b"\r\n", size)).headers
    assert headers.getall("SET-cookie") == ["a=1", "b=2"]
    assert headers["x-folded"].split() == ["one", "two"]
    assert headers["X-Name"].encode("utf-8", "surrogateescape") == b"\xc3\xa4\xff"


async def test_interim_headers_and_trailers_are_not_those_of_the_answer() -> None:
    for kind in ("after interim ones", "with trailers"):
        assert not {"X-A", "X-Sum", "X-B"} & set((await _taken(ANSWERS[kind][0], 3)).headers)


@pytest.mark.parametrize("head", [b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip\r\nContent-Length: 5"])
@pytest.mark.parametrize("behind", [b"", b"hello"])
async def test_the_answer_to_head_has_no_body(head: bytes, behind: bytes) -> None:
    answering = await _taken(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + behind, 1 << 20, head_only=True)
    assert (answering.status, bytes(answering.body)) == (200, b"")


BROKEN: dict[str, tuple[bytes, Flaw]] = {
    "nothing": (b"", Flaw.CLOSED),
    "half a head": (b"HTTP/1.1 200 OK\r\nX-", Flaw.CLOSED),
    "only an interim answer": (b"HTTP/1.1 100 Continue\r\n\r\n", Flaw.CLOSED),
    "a banner": (b"SSH-2.0-OpenSSH_9.2\r\n", Flaw.NOT_HTTP),
    "a version that is none": (b"HTTP/x.y 200 OK\r\n\r\n", Flaw.NOT_HTTP),
    "a status that is none": (b"HTTP/1.1 2x0 OK\r\n\r\n", Flaw.NOT_HTTP),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", Flaw.RULES),
    "a NUL in a header": (b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\n\r\n", Flaw.RULES),
    "a line without end": (b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 9000, Flaw.ENDLESS),
    "a line that is too long": (b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 9000 + b"\r\n\r\n", Flaw.ENDLESS),
    "too many headers": (b"HTTP/1.1 200 OK\r\n" + b"X-A: x\r\n" * 129 + b"\r\n", Flaw.ENDLESS),
    "a folded header without end": (b"HTTP/1.1 200 OK\r\nX-A: x\r\n" + b" x\r\n" * 300_000, Flaw.ENDLESS),
    "trailers without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + b"X-A: x\r\n" * 200_000,
        Flaw.ENDLESS,
    ),
    "less than stated": (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", Flaw.CUT),
    "chunks without end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Flaw.CUT),
    "a chunk without size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n", Flaw.RULES),
    "half a packed body": (_packed("gzip", _GZIP[:-9]), Flaw.PACKED),
    "text that is said to be packed": (_packed("gzip", b"hello"), Flaw.PACKED),
    "text that is said to be deflated": (_packed("deflate", b"\x78hello"), Flaw.PACKED),
}


@pytest.mark.parametrize("size", [1, 1000, 1 << 18])
@pytest.mark.parametrize("kind", BROKEN)
async def test_what_is_no_answer(kind: str, size: int) -> None:
    data, flaw = BROKEN[kind]
    if size == 1 and len(data) > 100_000:
        size = 1000
    with pytest.raises(BrokenAnswer) as caught:
        await _taken(data, size)
    assert caught.value.flaw is flaw


async def test_the_error_of_the_socket_is_passed_on() -> None:
    answering = Answering(False, 400)
    answering.connection_lost(ConnectionResetError(104, "as prepared"))
    with pytest.raises(ConnectionResetError):
        await answering.head()


async def test_whoever_waits_for_the_head_need_not_wait_for_the_body() -> None:
    answering = Answering(False, 400)
    waiting = asyncio.create_task(answering.head())
    await asyncio.sleep(0)
    answering.data_received(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 500\r\n\r\nhe")
    await asyncio.wait_for(waiting, 5)
    ended = asyncio.create_task(answering.end())
    await asyncio.sleep(0)
    answering.data_received(b"llo")
    await asyncio.sleep(0)
    assert not ended.done()
    answering.data_received(b"x" * 495)
    await asyncio.wait_for(ended, 5)
    assert answering.truncated
