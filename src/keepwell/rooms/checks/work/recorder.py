"""Writes observations in batches, and tells what is stored to those who show it.

Nothing is shown before it is stored: whoever saw a state change on a page, in the API or in the journal finds it there after a crash.
A slow or locked database delays writing, never looking; what waits is bounded, and what was shed is counted.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from keepwell.kernel.histograms import Histogram
from keepwell.kernel.problems import StorageError
from keepwell.ports.samples import Samples
from keepwell.rooms.checks.model import Seen
from keepwell.rooms.checks.sampled import sampled

BATCH_EVERY = 0.2
"""Seconds between two writes: a state is shown at most this much later than it was seen, plus the write itself."""

WAITING_AT_MOST = 20_000
"""Observations that wait for a database that does not take them. Beyond it plain observations are shed, oldest first; changes never."""

RETRY_AFTER = (0.5, 1.0, 2.0, 5.0)
"""Seconds before each new try of a write that failed; the last is repeated."""

_log = logging.getLogger("keepwell.checks")


class Write(Protocol):
    """Stores a batch (observations, standings, changes and their journal entries) in one transaction. Raises StorageError."""

    async def __call__(self, batch: Sequence[Seen], /) -> None: ...


@dataclass(slots=True)
class RecorderFigures:
    """What the recorder says of itself: waiting and shed observations, seconds of writes, and the fault that holds it up now."""

    waiting: int = 0
    shed: int = 0
    last_write_seconds: float = 0.0
    writes: Histogram = field(default_factory=Histogram)
    fault: str = ""


class Recorder:
    """The queue between looking and storing."""

    def __init__(self, write: Write, samples: Samples, stored: Callable[[Sequence[Seen]], None], monotonic: Callable[[], float]) -> None:
        self.figures = RecorderFigures()
        self._write = write
        self._samples = samples
        self._stored = stored
        self._monotonic = monotonic
        self._waiting: list[Seen] = []
        self._wake = asyncio.Event()
        self._ending = False

    def add(self, seen: Seen) -> None:
        """Takes one observation; never waits."""
        self._waiting.append(seen)
        if len(self._waiting) > WAITING_AT_MOST:
            self._shed()
        self.figures.waiting = len(self._waiting)
        self._wake.set()

    def _shed(self) -> None:
        half = len(self._waiting) // 2
        kept = [seen for seen in self._waiting[:half] if seen.change is not None] + self._waiting[half:]
        self.figures.shed += len(self._waiting) - len(kept)
        self._waiting = kept

    async def run(self) -> None:
        """Writes batches until ``end`` was called and everything is written (or cannot be)."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._ending:
                await asyncio.sleep(BATCH_EVERY)
            while self._waiting:
                batch, self._waiting = self._waiting, []
                if not await self._write_until_done(batch):
                    return
            if self._ending:
                return

    async def _write_until_done(self, batch: list[Seen]) -> bool:
        tries = 0
        while True:
            started = self._monotonic()
            try:
                await self._write(batch)
            except StorageError as error:
                if not self.figures.fault:
                    _log.error("observations cannot be stored; looking goes on", extra={"facts": {"why": str(error)}})
                self.figures.fault = str(error)
                if self._ending and tries >= 2:
                    _log.error("stopped with observations that could not be stored", extra={"facts": {"lost": len(batch)}})
                    return False
                await asyncio.sleep(RETRY_AFTER[min(tries, len(RETRY_AFTER) - 1)])
                tries += 1
            else:
                if self.figures.fault:
                    _log.info("observations are stored again")
                self.figures.fault = ""
                self.figures.last_write_seconds = self._monotonic() - started
                self.figures.writes.add(self.figures.last_write_seconds)
                self.figures.waiting = len(self._waiting)
                self._stored(batch)
                await self._samples.append([sample for seen in batch for sample in sampled(seen)])
                return True

    def end(self) -> None:
        """Lets ``run`` return once what waits is written."""
        self._ending = True
        self._wake.set()
