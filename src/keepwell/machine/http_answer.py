"""One answer on one connection, read by llhttp (httptools) as it comes: head, then body, both bounded.

Of a body no more is kept than the request's limit, also of one that is unpacked on the way; so nothing has to be held back.
"""

import asyncio
import time
from enum import Enum
from typing import cast

from httptools import HttpParserError, HttpParserInvalidStatusError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

from .http_unpacking import Unpacker, unpacker

LONGEST_LINE = 8190
"""Bytes of a line of the head."""

MOST_HEADERS = 128
"""Headers of one head."""

_MOST_WITHOUT_BODY = LONGEST_LINE * MOST_HEADERS
"""Bytes that may come and bring nothing of a body: interim answers, a head, the trailers of a body."""

_SWITCHING = 101


class Flaw(Enum):
    """What is wrong with an answer."""

    NOT_HTTP = "not HTTP"
    ENDLESS = "head without end"
    RULES = "breaks the rules"
    CLOSED = "closed before its head was there"
    CUT = "closed before its body was there"
    PACKED = "not in the encoding that the head states"


class BrokenAnswer(Exception):
    """An answer that is none. ``said`` is what the parser says of it."""

    def __init__(self, flaw: Flaw, said: str = "") -> None:
        super().__init__(flaw.value, said)
        self.flaw, self.said = flaw, said


class Answering(asyncio.Protocol):
    """Takes one answer. ``head_only``: the request was a HEAD, so no body follows. ``limit``: how many bytes of the body are wanted.

    It notes when the connection was ready and when the first byte came (monotonic seconds), and keeps its transport in ``wire``.
    """

    def __init__(self, head_only: bool, limit: int) -> None:
        self.made_at = 0.0
        self.first_byte_at = 0.0
        self.wire: asyncio.Transport | None = None
        self.status = 0
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.body = bytearray()
        self.truncated = False
        self._head_only, self._limit = head_only, limit
        self._has_head = self._is_whole = self._wants_end = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parser: HttpResponseParser | None = _parser(self)
        self._unpacker: Unpacker | None = None
        self._idle = self._line = 0

    async def head(self) -> None:
        """Waits until ``status`` and ``headers`` are there. Raises BrokenAnswer, or the error of the socket."""
        if not self._is_ready():
            await self._wait()
        if not self._has_head and self._failure is not None:
            raise self._failure

    async def end(self) -> None:
        """Waits until ``body`` is whole, or longer than wanted (``truncated``). Raises as ``head`` does."""
        self._wants_end = True
        if not self._is_ready():
            await self._wait()
        if self._failure is not None:
            raise self._failure

    def _is_ready(self) -> bool:
        return self._failure is not None or (self._is_whole if self._wants_end else self._has_head)

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and self._is_ready():
            self._waiter.set_result(None)

    def write(self, request: bytes) -> None:
        """Sends the request, unless the peer has ended the connection: its answer is there then, or never comes."""
        if self.wire is not None and not self.wire.is_closing():
            self.wire.write(request)

    def close(self) -> None:
        """Lets go of the connection."""
        if self.wire is not None:
            self.wire.close()

    # --- asyncio's side ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the transport, and notes when it was there."""
        self.made_at = time.monotonic()
        self.wire = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parses what came; what comes behind the end is not looked at."""
        if self.first_byte_at == 0.0:
            self.first_byte_at = time.monotonic()
        if self._is_whole or self._failure is not None or self._parser is None:
            return
        self._idle += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._is_whole = True
        except HttpParserError as error:
            self._broken(error)
        self._bound(data)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of a body that states no length, and of everything else."""
        if not self._is_whole and self._failure is None:
            self._lost(exc)
        self._parser = None  # it holds this object as well
        self._wake()

    def _lost(self, error: Exception | None) -> None:
        if not self._has_head:
            self._failure = error or BrokenAnswer(Flaw.CLOSED)
        elif self._states_length():
            self._failure = BrokenAnswer(Flaw.CUT)
        else:
            self._finish()

    def _states_length(self) -> bool:
        """Whether the head says where the body ends (RFC 9112 section 6.3)."""
        coding = self.headers.get("Transfer-Encoding")
        return "Content-Length" in self.headers if coding is None else coding.lower().rstrip().endswith("chunked")

    def _bound(self, data: bytes) -> None:
        """Ends a head, or trailers, without end."""
        if not self._has_head:
            last = data.rfind(b"\n")
            self._line = self._line + len(data) if last < 0 else len(data) - last - 1
        if self._line > LONGEST_LINE or self._idle > _MOST_WITHOUT_BODY:
            self._fail(BrokenAnswer(Flaw.ENDLESS))

    def _broken(self, error: HttpParserError) -> None:
        if self._head_only and self._has_head:
            return  # a body that should not be there
        assert self._parser is not None
        is_other = isinstance(error, HttpParserInvalidStatusError) or self._parser.get_status_code() == 0
        self._fail(BrokenAnswer(Flaw.NOT_HTTP if is_other and not self._has_head else Flaw.RULES, str(error)))

    def _fail(self, failure: Exception) -> None:
        if self._failure is None:
            self._failure = failure

    # --- the parser's side ---

    def on_message_begin(self) -> None:
        """Forgets the interim answer before (RFC 9110 section 15.2)."""
        if not self._has_head:
            self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Takes a header; trailers are not kept."""
        if self._has_head or self._failure is not None:
            return
        if len(name) + len(value) > LONGEST_LINE or len(self.headers) >= MOST_HEADERS:
            self._fail(BrokenAnswer(Flaw.ENDLESS))
        elif b"\0" in value:  # RFC 9110 section 5.5
            self._fail(BrokenAnswer(Flaw.RULES, "Invalid character in a header's value"))
        else:
            text = value.rstrip(b" \t").decode("utf-8", "surrogateescape")
            self.headers.add(name.decode("utf-8", "surrogateescape"), text)

    def on_headers_complete(self) -> None:
        """Ends the head, unless the answer is an interim one."""
        if self._has_head or self._failure is not None:
            return
        assert self._parser is not None
        status = self._parser.get_status_code()
        if 100 <= status <= 199 and status != _SWITCHING:
            return
        self.status, self._has_head, self._line = status, True, 0
        self._is_whole = self._head_only or status == _SWITCHING
        self._unpacker = unpacker(self.headers.get("Content-Encoding", ""))

    def on_body(self, data: bytes) -> None:
        """Takes a part of the body, as far as it is wanted."""
        if self._is_whole or self._failure is not None:
            return
        self._idle = 0
        if self._unpacker is None:
            self.body += data
        elif not self._unpacker.unpack(data, self.body, self._limit + 1):
            self._fail(BrokenAnswer(Flaw.PACKED))
        if len(self.body) > self._limit:
            del self.body[self._limit :]
            self.truncated = self._is_whole = True

    def on_message_complete(self) -> None:
        """Ends the body, where this is the end of the answer."""
        if self._has_head and not self._is_whole and self._failure is None:
            self._finish()

    def _finish(self) -> None:
        if self._unpacker is not None and not self._unpacker.is_done:
            self._fail(BrokenAnswer(Flaw.PACKED))
        self._is_whole = True


def _parser(answering: Answering) -> HttpResponseParser:
    """As lenient as browsers are with servers, where only this one answer follows (llhttp calls it dangerous for proxies)."""
    parser = HttpResponseParser(answering)
    parser.set_dangerous_leniencies(lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True)
    return parser
