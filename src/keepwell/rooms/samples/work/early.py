"""What comes before the store is open: it waits, bounded, so that a slow disk delays neither the start nor those who bring samples."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from keepwell.kernel.problems import StorageError
from keepwell.rooms.samples.admission import Kept

from .rounds import SHED

MOST_WAITING = 100_000
"""Samples."""


@dataclass(frozen=True, slots=True)
class _Early:
    samples: int
    bring: Callable[[], None]
    outcome: "asyncio.Future[Kept] | None"


class Early:
    """Samples whose series have no numbers yet, in the order in which they came."""

    def __init__(self) -> None:
        self.waiting = 0
        self.shed = 0
        self._waiting: deque[_Early] = deque()

    def put(self, samples: int, bring: Callable[[], None], outcome: "asyncio.Future[Kept] | None") -> None:
        """Keeps so many samples, which ``bring`` takes to the store once it is open. Beyond the most that wait, the oldest are shed."""
        self._waiting.append(_Early(samples, bring, outcome))
        self.waiting += samples
        while self.waiting > MOST_WAITING:
            self._shed(self._waiting.popleft())

    def _shed(self, early: _Early) -> None:
        self.waiting -= early.samples
        self.shed += early.samples
        _fail(early, StorageError(SHED))

    def bring(self) -> None:
        """The store is open."""
        while self._waiting:
            early = self._waiting.popleft()
            self.waiting -= early.samples
            early.bring()

    def failed(self, error: StorageError) -> None:
        """An attempt to open it failed: who waits is told. The samples go on waiting, and may be brought again without harm."""
        for early in self._waiting:
            _fail(early, error)

    def end(self) -> None:
        """It will not be opened any more."""
        while self._waiting:
            self._shed(self._waiting.popleft())


def _fail(early: _Early, error: StorageError) -> None:
    if early.outcome is not None and not early.outcome.done():
        early.outcome.set_exception(error)
