"""Questions take turns, and end when whoever asked has left."""

import asyncio
import time
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
    """Lets so many run at once; the others wait in order of their coming."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._waiting = 0

    async def take(self, ask: Callable[[float], Awaitable[T]], seconds: float) -> T:
        """What ``ask`` gives, which is told how many of these seconds are left. Raises TimedOut where its turn does not come in time."""
        if self._waiting >= MOST_WAITING:
            raise TimedOut(f"query timed out in query queue: {self._waiting} queries wait already")
        start = time.monotonic()
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError:
            raise TimedOut("query timed out in query queue") from None
        finally:
            self._waiting -= 1
        try:
            return await ask(max(0.0, seconds - (time.monotonic() - start)))
        finally:
            self._room.release()


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
