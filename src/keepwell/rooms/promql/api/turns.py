"""Questions take turns, and end when whoever asked has left."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from starlette.requests import Request

from keepwell.rooms.promql.model import Cancelled, TimedOut

AT_ONCE = 2
"""Queries that are evaluated at the same time. Each keeps a core busy and may hold hundreds of megabytes; Prometheus' twenty are meant for
larger machines (``--query.max-concurrency``)."""

MOST_WAITING = 100
"""One more is told to come again. A page of Grafana asks some thirty at once."""

T = TypeVar("T")


class Turns:
    """Lets so many run at once (``at_once`` may change); the others wait in order of their coming."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self.at_once = at_once
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, ask: Callable[[float], Awaitable[T]], seconds: float) -> T:
        """What ``ask`` gives, which is told how many of these seconds are left. Raises TimedOut where its turn does not come in time."""
        start = time.monotonic()
        await self._enter(seconds)
        try:
            return await ask(max(0.0, seconds - (time.monotonic() - start)))
        finally:
            self._running -= 1
            self._let_in()

    async def _enter(self, seconds: float) -> None:
        if len(self._waiting) >= MOST_WAITING:
            raise TimedOut(f"query timed out in query queue: {MOST_WAITING} queries wait already")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._let_in()
        try:
            async with asyncio.timeout(seconds):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            self._leave(turn)
            if isinstance(error, TimeoutError):
                raise TimedOut("query timed out in query queue") from None
            raise

    def _leave(self, turn: "asyncio.Future[None]") -> None:
        """Whoever waited goes; where the turn had just come, the next one has it."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():
            self._running -= 1
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._running < self.at_once:
            turn = self._waiting.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """What the work gives. It is cancelled when the client goes away, and Cancelled raised; nobody is there to read that."""
    await request.body()  # what comes after it is the client's leaving
    job, leaving = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait([job, leaving], return_when=asyncio.FIRST_COMPLETED)
        if job.done():
            return job.result()
        raise Cancelled("query was canceled: the client has left")
    finally:
        for task in (job, leaving):
            task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await job


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
