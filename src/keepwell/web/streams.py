"""Server-sent events (WHATWG HTML, 9.2): what keeps a page live.

A listener that does not keep up is dropped once so many events wait for it; its browser connects anew, and the page then
fetches itself again, so nothing is missed and the memory of a slow listener is bounded.
"""

import asyncio
import logging
import re
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from keepwell.kernel.problems import KeepwellError, Problem
from keepwell.ports.offer import Event, Stream

HEARTBEAT_SECONDS = 15.0
"""A comment is sent after so much silence, so that proxies and both ends notice a connection that is gone."""

PAUSE_SECONDS = 1.0
"""Once everything is sent, the next events are gathered for so long: a browser then lays a long table out once for all of them."""

CHUNK_EVENTS = 50
"""Events rendered at a time (some 5 ms); others get their turn before the next ones."""

WAITING_LIMIT = 5000
"""Events that may wait for one listener."""

REMEMBERED = 2000
"""Rendered events that are kept for the listeners that come to them later."""

_RETRY = b"retry: 2000\n\n"
_LINE_ENDS = re.compile("\r\n|\r|\n")
_log = logging.getLogger(__name__)

Render = Callable[[Event], str]


def encode(name: str, html: str) -> bytes:
    """One event as it stands on the wire. Line ends of any kind become lines of data; in the name they are dropped."""
    lines = [f"event: {_LINE_ENDS.sub('', name)}", *(f"data: {line}" for line in _LINE_ENDS.split(html.strip())), "", ""]
    return "\n".join(lines).encode("utf-8", "replace")


class _Once:
    """Puts each event on the wire once, however many listeners hear it; the newest are remembered."""

    def __init__(self, render: Render) -> None:
        self._render = render
        self._newest: OrderedDict[int, tuple[Event, bytes]] = OrderedDict()

    def __call__(self, event: Event) -> bytes:
        """The event's bytes. Raises what its template raises."""
        known = self._newest.get(id(event))  # what is remembered is held, so its id is nobody else's
        if known is not None:
            return known[1]
        wire = encode(event.name, self._render(event))
        self._newest[id(event)] = (event, wire)
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)
        return wire


class Listeners:
    """All listeners of all streams of one server: counted, and ended together."""

    def __init__(self, render: Render, limit: int) -> None:
        self._on_the_wire = _Once(render)
        self._limit = limit
        self._open: set[_Listener] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._open)

    def listen(self, stream: Stream) -> StreamingResponse:
        """A response that stays open. Raises KeepwellError (``busy``, status 503) past the limit or after the end."""
        if self._closed:
            raise KeepwellError(Problem("busy", "Keepwell is stopping"))
        if len(self._open) >= self._limit:
            message = f"There are {self._limit} live pages open already"
            raise KeepwellError(Problem("busy", message, "close some; this page still shows the newest state when it is reloaded"))
        listener = _Listener(stream, self._on_the_wire)
        self._open.add(listener)
        return _EventStream(listener, lambda: self._open.discard(listener))

    def close(self) -> None:
        """Ends every stream and refuses new ones."""
        self._closed = True
        for listener in self._open:
            listener.end()


class _Listener:
    """One open page: a task of its own runs ``take``, and ``chunks`` sends what waits whenever the page can take it."""

    def __init__(self, stream: Stream, on_the_wire: Callable[[Event], bytes]) -> None:
        self._stream = stream
        self._on_the_wire = on_the_wire
        self._waiting: deque[Event] = deque()
        self._something = asyncio.Event()
        self._over = asyncio.Event()

    def end(self) -> None:
        """What waits is still sent; then the stream ends."""
        self._over.set()
        self._something.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What goes over the wire, until the end."""
        yield _RETRY
        while self._waiting or not self._over.is_set():
            chunk = await self._next_chunk()
            if chunk:
                yield chunk
                await _wait(self._over, 0 if self._waiting else PAUSE_SECONDS)

    async def _next_chunk(self) -> bytes:
        if not await _wait(self._something, HEARTBEAT_SECONDS):
            return b": still here\n\n"
        now = [self._waiting.popleft() for _ in range(min(CHUNK_EVENTS, len(self._waiting)))]
        if not self._waiting:
            self._something.clear()
        return b"".join(map(self._encoded, now))

    def _encoded(self, event: Event) -> bytes:
        """A template that fails costs its own event, not the page."""
        try:
            return self._on_the_wire(event)
        except Exception:
            _log.exception("the event %s of %s cannot be rendered", event.name, self._stream.path)
            return b""

    async def take(self) -> None:
        """Takes events as they come, until the stream's end."""
        try:
            async for event in self._stream.events():
                self._waiting.append(event)
                self._something.set()
                if len(self._waiting) > WAITING_LIMIT:
                    _log.info("a listener of %s was dropped: it does not keep up", self._stream.path)
                    self._waiting.clear()
                    return
        except Exception:
            _log.exception("the events of %s broke off", self._stream.path)
        finally:
            self.end()


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event at most so long, and says whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await asyncio.sleep(0)
            return await event.wait()
    except TimeoutError:
        return False


class _EventStream(StreamingResponse):
    """The response of one listener; ``gone`` is called when it ends, whoever ended it."""

    def __init__(self, listener: _Listener, gone: Callable[[], None]) -> None:
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        super().__init__(listener.chunks(), media_type="text/event-stream", headers=headers)
        self._listener = listener
        self._gone = gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taking = asyncio.create_task(self._listener.take(), name="stream")
        try:
            await super().__call__(scope, receive, send)
        finally:
            taking.cancel()
            self._gone()
