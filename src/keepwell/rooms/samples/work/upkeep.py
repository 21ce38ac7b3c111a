"""Keeps the samples small: hours of the log become files, days are merged, what is old goes. An activity of the engine.

Each minute it looks at what there is; what is done then is decided in ``decide.py``, and done in a child process, one piece after another.
Nothing that fails here stops anything else: it is said once, and tried again later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.rooms.samples.decide import There, days_to_merge, hours_to_compact, hours_to_roll, kept_long_enough, lost_hours
from keepwell.rooms.samples.model import HOUR, Keep
from keepwell.rooms.samples.work.child import WorkFailed, work_in_child

if TYPE_CHECKING:
    from keepwell.rooms.samples.files.reading import Files

EVERY = 60.0
"""Seconds between two looks."""

_log = logging.getLogger("keepwell.samples")


class Logged(Protocol):
    """What is asked of the store."""

    async def used_hours(self) -> Sequence[int]:
        """The hours (their starts in milliseconds) of which the log has samples."""
        ...

    async def compacted(self, hour: int, batches: Sequence[int], damaged: Sequence[int] = ()) -> None:
        """These batches of an hour are in its file, the damaged ones are not and never will be: the log can forget them."""
        ...


class Work(Protocol):
    """Does one piece of work: ``work_in_child``."""

    def __call__(self, kind: str, folder: Path, log: Path, start: int) -> Awaitable[Mapping[str, Any]]:
        """Raises WorkFailed."""
        ...


@dataclass(frozen=True, slots=True)
class UpkeepFigures:
    """What was done since the start. ``seconds`` is CPU time of the children, ``peak`` the most memory one of them had, in bytes."""

    compacted: int = 0
    rows: int = 0
    rolled: int = 0
    merged: int = 0
    dropped: int = 0
    seconds: float = 0.0
    peak: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What ``everything`` brought into files: hours, samples taken from the log, and how many of them were there already."""

    hours: int = 0
    rows: int = 0
    duplicates: int = 0


class Upkeep:
    """The folder of one store. ``keep`` says how long each tier is kept now."""

    def __init__(
        self, store: Logged, files: "Files", log: Path, keep: Callable[[], Keep], clock: Clock, work: Work = work_in_child
    ) -> None:
        self.figures = UpkeepFigures()
        self._store = store
        self._files = files
        self._log_path = log
        self._keep = keep
        self._clock = clock
        self._work = work
        self._due = clock.monotonic()
        self._busy = asyncio.Lock()
        self._tried: dict[str, dict[int, int]] = {"compact": {}, "roll": {}, "merge": {}}
        self._faults: dict[str, str] = {}
        self._lost: list[str] = []
        self._aside: list[str] = []
        self._running: asyncio.Task[Any] | None = None

    async def begin(self) -> None:
        """Makes the folders, and removes what writers that died left unfinished."""
        try:
            await asyncio.to_thread(self._files.layout.begin)
        except OSError as error:
            self._fault("the folder of samples", f"cannot be used ({error.strerror or error})")

    async def end(self) -> None:
        """Ends what runs. What it left unfinished is done after the next start."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    def next_due(self) -> float | None:
        """When it looks next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The next look. One that still runs is not doubled."""
        if monotonic < self._due:
            return ()
        due, self._due = self._due, monotonic + EVERY
        return () if self._busy.locked() else (Job(due, "upkeep of samples", self.look),)

    def problems(self) -> list[str]:
        """What people should know: faults that last, files that are damaged, were put aside or are missing."""
        faults = [f"{what} {why}" for what, why in self._faults.items()]
        return [*faults, *self._files.damages.sentences(), *self._lost, *self._aside]

    async def look(self) -> None:
        """Does all that is due now."""
        async with self._busy:
            self._running = asyncio.current_task()
            try:
                await self._round()
            finally:
                self._running = None

    async def everything(self) -> Taken:
        """Compacts every hour that is over and has samples in the log, at once. Raises StorageError where one cannot be."""
        taken = Taken()
        async with self._busy:
            now = self._now()
            for hour in sorted(await self._store.used_hours()):
                if hour + HOUR > now:
                    continue
                done = await self._compact(hour)
                if done is None:
                    raise StorageError(self._faults.get("compacting samples", "samples cannot be compacted"))
                duplicates = done["taken"] - done["added"]
                taken = Taken(taken.hours + 1, taken.rows + done["taken"], taken.duplicates + duplicates)
        return taken

    async def _round(self) -> None:
        there = await self._there()
        await self._drop(there)
        for hour in hours_to_compact(self._now(), there, self._tried["compact"]):
            if await self._compact(hour) is None:
                break
        there = await self._there()
        for hour in hours_to_roll(self._now(), there, self._tried["roll"]):
            done = await self._try("roll", "rolling up samples", hour)
            self.figures = replace(self.figures, rolled=self.figures.rolled + (done is not None))
        for day in days_to_merge(self._now(), await self._there(), self._tried["merge"]):
            done = await self._try("merge", "merging the samples of a day", day)
            self.figures = replace(self.figures, merged=self.figures.merged + (done is not None))

    async def _there(self) -> There:
        logged = await self._store.used_hours()
        files = await asyncio.to_thread(self._files.inspect)
        there = There(files, self._files.damages.paths(), logged)
        self._lost = [f"samples/raw/{file.path.name} is missing; its roll-ups are served" for file in lost_hours(there)]
        aside = await asyncio.to_thread(self._files.layout.aside)
        self._aside = [f"samples/{path.parent.name}/{path.name} was damaged and is kept to be looked at" for path in aside]
        return there

    async def _drop(self, there: There) -> None:
        old = kept_long_enough(self._now(), there, self._keep())
        if not old:
            return
        try:
            await asyncio.to_thread(self._files.layout.drop, old)
        except OSError as error:
            self._fault("removing old samples", f"does not work ({error.strerror or error})")
            return
        self._faults.pop("removing old samples", None)
        self.figures = replace(self.figures, dropped=self.figures.dropped + len(old))
        _log.info("old samples were removed", extra={"facts": {"files": len(old), "until": old[-1].name}})

    async def _compact(self, hour: int) -> Mapping[str, Any] | None:
        done = await self._try("compact", "compacting samples", hour)
        if done is None:
            return None
        try:
            await self._store.compacted(hour, done["batches"], done["damaged"])
        except StorageError as error:
            self._fault("compacting samples", f"does not work ({error}); they stay in the log")
            return None
        self.figures = replace(self.figures, compacted=self.figures.compacted + 1, rows=self.figures.rows + done["added"])
        return done

    async def _try(self, kind: str, what: str, start: int) -> Mapping[str, Any] | None:
        """Has a piece of work done; None where it failed, which is said once."""
        self._tried[kind][start] = self._now()
        try:
            done = await self._work(kind, self._files.layout.folder, self._log_path, start)
        except WorkFailed as error:
            self._fault(what, f"does not work ({error}); nothing is lost, it is tried again later")
            return None
        self._faults.pop(what, None)
        for sentence in done["said"]:
            _log.error(sentence)
        self.figures = replace(
            self.figures,
            seconds=self.figures.seconds + done.get("seconds", 0.0),
            peak=max(self.figures.peak, done.get("peak", 0)),
        )
        return done

    def _fault(self, what: str, why: str) -> None:
        if self._faults.get(what) != why:
            _log.error(f"{what} {why}")
        self._faults[what] = why

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)
