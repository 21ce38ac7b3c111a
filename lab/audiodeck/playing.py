"""Time that is played: weeks pass in minutes, and stand still while anything is really done.

The whole server runs as ever, with this clock handed to it. What waits by the clock waits for played time; what asks the machine (a
program, an address, the disk, the database) takes real time, and meanwhile the clock is *held*.
"""

import asyncio
import contextlib
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

QUIET = 0.002
"""Seconds for which nothing may begin or be held before time goes on: what was just woken gets its turn first."""

PAUSE = 1.0
"""Seconds up to which a sleep is a pause."""

PACE = 0.02
"""Seconds that time goes on by where it is played as fast as it passes."""

P = ParamSpec("P")
T = TypeVar("T")
_holding: ContextVar["Hold | None"] = ContextVar("_holding", default=None)


class Hold:
    """Something that is being done. While it waits by the clock itself, it holds nothing."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.asleep = 0


class PlayedClock:
    """A clock (ports.clock.Clock) that stands until ``play`` moves it on. ``note`` is a file that says what time it is, in seconds since
    1970: the operated service writes that time, and a server that was killed goes on there."""

    def __init__(self, now: datetime, note: Path | None = None) -> None:
        self._start = now.astimezone(UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()
        self._holds: set[Hold] = set()
        self._changes = 0
        self._note = note
        self.jumps = 0

    def now(self) -> datetime:
        """The instant that is played."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """Seconds played."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Returns when so much time was played. A job that sleeps does not hold the clock; one that only pauses waits for something real
        (a program that starts): it really sleeps, and so much time is played."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if _holding.get() is not None and seconds <= PAUSE:
            until = self._elapsed + seconds
            await asyncio.sleep(seconds)
            self._jump(until)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._count), future))
        self._changes += 1
        hold = _holding.get()
        if hold is not None:
            hold.asleep += 1
        try:
            await future
        finally:
            self._changes += 1
            if hold is not None:
                hold.asleep -= 1

    @contextlib.contextmanager
    def held(self, what: str = "") -> Iterator[None]:
        """Time stands still inside."""
        hold = Hold(what)
        self._holds.add(hold)
        self._changes += 1
        token = _holding.set(hold)
        try:
            yield
        finally:
            _holding.reset(token)
            self._holds.discard(hold)
            self._changes += 1

    def holding(self, call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        """The same asynchronous function, holding the clock."""

        @wraps(call)
        async def held(*arguments: P.args, **named: P.kwargs) -> T:
            with self.held(call.__qualname__):
                return await call(*arguments, **named)

        return held

    async def play(self, until: datetime) -> None:
        """Moves time on to ``until``, from one sleeper's end to the next."""
        end = (until.astimezone(UTC) - self._start).total_seconds()
        while self._elapsed < end:
            await self._quiet()
            while self._sleepers and self._sleepers[0][2].done():
                heapq.heappop(self._sleepers)
            self._jump(min(end, self._sleepers[0][0]) if self._sleepers else end)
        await self._quiet()

    @contextlib.asynccontextmanager
    async def slowly(self) -> AsyncIterator[None]:
        """Inside, played time passes as fast as real time: for what is measured over time."""
        real = asyncio.get_running_loop().time
        begun, before = real(), self._elapsed

        async def keep_pace() -> None:
            while True:
                await asyncio.sleep(PACE)
                self._jump(before + real() - begun)

        hold = Hold("slowly")
        self._holds.add(hold)
        pace = asyncio.create_task(keep_pace())
        try:
            yield
        finally:
            pace.cancel()
            self._holds.discard(hold)
            self._changes += 1

    async def _quiet(self) -> None:
        while True:
            seen = self._changes
            await asyncio.sleep(QUIET)
            if seen == self._changes and all(hold.asleep for hold in self._holds):
                return

    def _jump(self, to: float) -> None:
        self.jumps += 1
        self._elapsed = max(self._elapsed, to)
        if self._note is not None:
            fresh = self._note.with_name("clock.new")
            fresh.write_text(str(self.now().timestamp()), "ascii")
            fresh.replace(self._note)  # a kill in the middle leaves a whole one
        while self._sleepers and self._sleepers[0][0] <= self._elapsed:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)


class HeldLoop(asyncio.SelectorEventLoop):
    """A loop whose threads hold the clock while they work."""

    clock: PlayedClock

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """As ever, holding."""
        hold = Hold(getattr(func, "__qualname__", ""))
        self.clock._holds.add(hold)
        self.clock._changes += 1
        future = super().run_in_executor(executor, func, *args)

        def let_go(_: object) -> None:
            self.clock._holds.discard(hold)
            self.clock._changes += 1

        future.add_done_callback(let_go)
        return future


class Holding:
    """Any port, every asynchronous method of which holds the clock."""

    def __init__(self, port: object, clock: PlayedClock) -> None:
        self._port, self._clock = port, clock

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        return self._clock.holding(value) if asyncio.iscoroutinefunction(value) else value
