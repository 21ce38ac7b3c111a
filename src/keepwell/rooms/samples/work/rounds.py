"""The queue before the log: batches wait here, and those that wait together are stored together, about once a second."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from keepwell.kernel.problems import Problem, StorageError
from keepwell.rooms.samples.admission import DUPLICATE, Kept, first_of_each, order
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import Rows
from keepwell.rooms.samples.window import Window, picked

MOST_WAITING = 1_000_000
"""Samples (of 20 bytes) that wait for a disk that does not take them. Beyond it they are shed, oldest first."""

_MOST_TOGETHER = 250_000
"""Samples in one write."""

SHED = Problem("samples.shed", "samples that waited too long for the disk were dropped", "See what holds the disk up.")

HURRIED = 0.2
"""Seconds between two rounds where somebody waits for what is in them."""

RETRY_AFTER = (0.5, 1.0, 2.0, 5.0)
"""Seconds before each new try of a write that failed; the last is repeated."""

_log = logging.getLogger("keepwell.samples")


@dataclass(slots=True)
class Waiting:
    """Samples on their way to the log. ``is_old``: those before the window are not wanted in memory."""

    rows: Rows
    refused: Mapping[str, int]
    outcome: "asyncio.Future[Kept] | None" = None
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """What one write stores: the samples, sorted by (series, at); of each, from which of the batches it is; and how many each batch loses
    as duplicates. Once stored: ``places``, (hour, number in the log) of what was written."""

    batches: Sequence[Waiting]
    rows: Rows
    batch: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    duplicates: Sequence[int]
    places: Sequence[tuple[int, int]] = ()


def prepare(batches: Sequence[Waiting], window: Window) -> Round:
    """Brings batches together, each key once: those that are in memory already, or come twice, are duplicates."""
    rows = joined([batch.rows for batch in batches])
    of = np.repeat(np.arange(len(batches)), [len(batch.rows) for batch in batches])
    placed = order(rows)
    rows, of = picked(rows, placed), of[placed]
    new = first_of_each(rows) & ~window.known(rows)
    duplicates = np.bincount(of[~new], minlength=len(batches)).tolist()
    return Round(batches, picked(rows, new), of[new], duplicates) if not new.all() else Round(batches, rows, of, duplicates)


@dataclass(slots=True)
class RoundFigures:
    """What the queue says of itself: samples waiting, stored, shed, refused by reason; the fault that holds it up now."""

    waiting: int = 0
    stored: int = 0
    shed: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    fault: str = ""

    def refuse(self, counts: Mapping[str, int]) -> None:
        """Counts refused samples."""
        for reason, count in counts.items():
            self.refused[reason] = self.refused.get(reason, 0) + count


class Keeper(Protocol):
    """Who has the log and the memory."""

    def plan(self) -> Callable[[Sequence[Waiting]], Round]:
        """How the next batches are stored; what it gives runs in a thread, and raises StorageError where nothing of them was stored."""
        ...

    async def stored(self, done: Round) -> None:
        """These are committed."""
        ...

    async def failed(self, error: StorageError) -> None:
        """They are not. Before the next try something may be done about it."""
        ...


class Rounds:
    """Takes batches at once, and has them stored in rounds, ``every`` so many seconds at most."""

    def __init__(self, keeper: Keeper, writer: Executor, every: float) -> None:
        self.figures = RoundFigures()
        self._keeper = keeper
        self._writer = writer
        self._waiting: deque[Waiting] = deque()
        self._every = every
        self._wake = asyncio.Event()
        self._end = asyncio.Event()
        self._hurry = asyncio.Event()

    def put(self, batch: Waiting) -> None:
        """Takes one batch; never waits."""
        self._waiting.append(batch)
        self.figures.waiting += len(batch.rows)
        while self.figures.waiting > MOST_WAITING and len(self._waiting) > 1:
            self._drop([self._waiting.popleft()], StorageError(SHED))
        self._wake.set()

    def hurry(self) -> None:
        """Somebody waits for a batch that was taken: it is stored within ``HURRIED`` seconds of the round before."""
        self._hurry.set()

    async def run(self) -> None:
        """Writes rounds until ``end`` was called and everything is written (or cannot be)."""
        last = -self._every
        clock = asyncio.get_running_loop().time
        while not self._end.is_set():
            await self._wake.wait()
            self._wake.clear()
            await self._between(last)
            last = clock()
            await self._write_all()

    async def _between(self, last: float) -> None:
        """Until the next round may begin: ``every`` after the one at ``last``, or sooner where somebody waits for what is in it."""
        clock = asyncio.get_running_loop().time
        await self._pause(last + min(self._every, HURRIED) - clock())
        rest = last + self._every - clock()
        if rest > 0 and not self._end.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), rest)
        self._hurry.clear()

    async def _write_all(self) -> None:
        tries = 0
        while self._waiting:
            if await self._round():
                tries = 0
                continue
            tries += 1
            if self._end.is_set() and tries > 2:
                _log.error("stopped with samples that could not be stored", extra={"facts": {"lost": self.figures.waiting}})
                return
            await self._pause(RETRY_AFTER[min(tries, len(RETRY_AFTER)) - 1])

    async def _pause(self, seconds: float) -> None:
        """Not while it is ending."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), seconds)

    async def _round(self) -> bool:
        batches = self._take()
        try:
            done = await asyncio.get_running_loop().run_in_executor(self._writer, self._keeper.plan(), batches)
        except StorageError as error:
            self._put_back(batches, error)
            await self._keeper.failed(error)
            return False
        except Exception as error:
            # Our own fault, which would come again: these samples must not hold up all others.
            _log.exception(
                "samples could not be stored and were dropped", extra={"facts": {"lost": sum(len(batch.rows) for batch in batches)}}
            )
            self._drop(batches, StorageError(Problem("samples.error", f"these samples could not be stored: {error!r}", "")))
            return True
        if self.figures.fault:
            _log.info("samples are stored again")
        self.figures.fault = ""
        self.figures.waiting -= sum(len(batch.rows) for batch in batches)
        self.figures.stored += len(done.rows)
        await self._keeper.stored(done)
        for batch, duplicates in zip(batches, done.duplicates, strict=True):
            self._settle(batch, duplicates)
        return True

    def _take(self) -> list[Waiting]:
        batches: list[Waiting] = []
        samples = 0
        while self._waiting and (not batches or samples + len(self._waiting[0].rows) <= _MOST_TOGETHER):
            batches.append(self._waiting.popleft())
            samples += len(batches[-1].rows)
        return batches

    def _put_back(self, batches: list[Waiting], error: StorageError) -> None:
        """They stay in the queue; who waits for one is told at once, and may bring it again: it is stored once all the same."""
        if not self.figures.fault:
            _log.error("samples cannot be stored; everything else goes on", extra={"facts": {"why": str(error)}})
        self.figures.fault = str(error)
        self._waiting.extendleft(reversed(batches))
        for batch in batches:
            _fail(batch, error)

    def _drop(self, batches: Sequence[Waiting], error: StorageError) -> None:
        for batch in batches:
            self.figures.waiting -= len(batch.rows)
            self.figures.shed += len(batch.rows)
            _fail(batch, error)

    def _settle(self, batch: Waiting, duplicates: int) -> None:
        if duplicates:
            self.figures.refuse({DUPLICATE: duplicates})
        if batch.outcome is not None and not batch.outcome.done():
            refused = dict(batch.refused) | ({DUPLICATE: duplicates} if duplicates else {})
            batch.outcome.set_result(Kept(len(batch.rows) - duplicates, refused))

    def end(self) -> None:
        """Lets ``run`` return once what waits is written."""
        self._end.set()
        self._hurry.set()
        self._wake.set()


def _fail(batch: Waiting, error: StorageError) -> None:
    if batch.outcome is not None and not batch.outcome.done():
        batch.outcome.set_exception(error)
