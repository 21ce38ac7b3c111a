"""A store that a command has opened for itself, because no server runs."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from keepwell.kernel.problems import Problem, StorageError
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import HOUR, Keep
from keepwell.rooms.samples.work.store import SampleStore

from .sinks import Positions, by_time
from .source import StoreSource


class Work(Protocol):
    """Brings an hour of the log into its files, synchronously; gives ``batches``, ``damaged``, ``rows``, ``added`` and ``said``
    (files/child.py)."""

    def __call__(self, kind: str, folder: Path, log: Path, start: int) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """The store, how long it keeps what, and the time in milliseconds since 1970."""

    store: SampleStore
    keep: Keep
    now: Callable[[], int]
    work: Work
    log: Path
    files: Files

    @property
    def source(self) -> StoreSource:
        """The store as an export reads it."""
        return StoreSource(self.store, self.files.hours)

    def refuse(self, at: Any) -> Mapping[str, Positions]:
        """Which instants are not taken."""
        return by_time(at, self.now(), self.keep.raw)

    async def refuse_later(self, at: Any) -> Mapping[str, Positions]:
        """The same, for who waits."""
        return self.refuse(at)

    async def settle(self, watch: Callable[[int, int], None]) -> int:
        """Brings every hour that is over from the log into its files; gives how many samples of the log were in the files before or were in
        the log more than once. ``watch`` hears how many hours are done, of how many. Raises StorageError: the log keeps what it has."""
        try:
            return await self._settle(watch)
        except OSError as error:
            message = f"the samples stay in the log of {self.store.folder}: no file can be made of them ({error.strerror or error})"
            raise StorageError(Problem("samples.files", message, "make room; the next import or server goes on")) from error
        except Damaged as damaged:
            raise StorageError(Problem("samples.files", damaged.sentence, "move it away; the log keeps what it has")) from damaged

    async def _settle(self, watch: Callable[[int, int], None]) -> int:
        self.files.layout.begin()
        hours = [hour for hour in await self.store.used_hours() if hour + HOUR <= self.now()]
        known = 0
        for done, hour in enumerate(hours):
            watch(done, len(hours))
            brought = await asyncio.to_thread(self._logged, hour)
            found = await asyncio.to_thread(self.work, "compact", self.store.folder, self.log, hour)
            await self.store.compacted(hour, found["batches"], found["damaged"])
            known += brought - found["added"]
        if hours:
            await self.store.shrink()
        watch(len(hours), len(hours))
        return known

    def _logged(self, hour: int) -> int:
        """How many samples of an hour the log has."""
        with closing(Log.open_to_read(self.log)) as log:
            return sum(len(batch.rows) for batch in log.batches(hour) if batch.rows is not None)
