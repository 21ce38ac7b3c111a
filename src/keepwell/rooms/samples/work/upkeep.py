"""Keeps the samples small: hours of the log become files, days are merged, what is old goes. An activity of the engine.

Each minute it looks at what there is; what is done then is decided in ``decide.py``, and done in a child process, one piece after another.
Nothing that fails here stops anything else: it is said once, and tried again later.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.rooms.samples.decide import There, days_to_merge, hours_to_compact, hours_to_roll, is_to_verify, kept_long_enough, lost_hours
from keepwell.rooms.samples.model import HOUR, Keep, Tier
from keepwell.rooms.samples.work.child import Done, work_in_child

if TYPE_CHECKING:
    from keepwell.rooms.samples.files.reading import Files

EVERY = 60.0
"""Seconds between two looks."""

TOGETHER = 24
"""Hours or days that one child process does before the log forgets them."""

_COMPACTING = "compacting samples"
_FOLDER = "the folder of samples"

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
    """Does pieces of work of one kind: ``work_in_child``."""

    def __call__(self, kind: str, folder: Path, log: Path, starts: Sequence[int]) -> Awaitable[Done]:
        """Raises nothing: a fault is a part of what it gives."""
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
        self._tried: dict[str, dict[int, int]] = {"compact": {}, "roll": {}, "merge": {}, "verify": {}}
        self._faults: dict[str, str] = {}
        self._lost: list[str] = []
        self._aside: list[str] = []
        self._running: asyncio.Task[Any] | None = None

    async def begin(self) -> None:
        """Makes the folders, and removes what writers that died left unfinished."""
        try:
            await asyncio.to_thread(self._files.layout.begin)
            self._faults.pop(_FOLDER, None)
        except OSError as error:
            self._fault(_FOLDER, f"cannot be used ({error.strerror or error})")

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
            hours = [hour for hour in sorted(await self._store.used_hours()) if hour + HOUR <= now]
            for some in _together(hours):
                for done in (outcomes := await self._compact(some)):
                    duplicates = done["taken"] - done["added"]
                    taken = Taken(taken.hours + 1, taken.rows + done["taken"], taken.duplicates + duplicates)
                if len(outcomes) < len(some):
                    raise StorageError(f"{_COMPACTING} {self._faults.get(_COMPACTING, 'does not work')}")
        return taken

    async def _round(self) -> None:
        if _FOLDER in self._faults:
            await self.begin()
        there = await self._there()
        await self._drop(there)
        await self._verify(there)
        for some in _together(hours_to_compact(self._now(), there, self._tried["compact"])):
            if len(await self._compact(some)) < len(some):
                break
        there = await self._there()
        for some in _together(hours_to_roll(self._now(), there, self._tried["roll"])):
            rolled = await self._try("roll", "rolling up samples", some)
            self.figures = replace(self.figures, rolled=self.figures.rolled + len(rolled))
        for some in _together(days_to_merge(self._now(), await self._there(), self._tried["merge"])):
            merged = await self._try("merge", "merging the samples of a day", some)
            self.figures = replace(self.figures, merged=self.figures.merged + len(merged))

    async def _verify(self, there: There) -> None:
        if is_to_verify(self._now(), there, self._tried["verify"]):
            for done in await self._try("verify", "checking the files of samples", [0]):
                for found in done["found"]:
                    self._files.note(Tier(found["tier"]), found["name"], found["reason"])

    async def _there(self) -> There:
        logged = await self._store.used_hours()
        files = await asyncio.to_thread(self._files.inspect)
        there = There(files, self._files.damages.names(), logged, await asyncio.to_thread(self._files.verified))
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

    async def _compact(self, hours: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        """Gives what became of each hour, up to the first that failed."""
        outcomes = await self._try("compact", _COMPACTING, hours)
        for place, (hour, done) in enumerate(zip(hours, outcomes, strict=False)):
            try:
                await self._store.compacted(hour, done["batches"], done["damaged"])
            except StorageError as error:
                self._fault(_COMPACTING, f"does not work ({error}); they stay in the log")
                return outcomes[:place]
            self.figures = replace(self.figures, compacted=self.figures.compacted + 1, rows=self.figures.rows + done["added"])
        return outcomes

    async def _try(self, kind: str, what: str, starts: Sequence[int]) -> Sequence[Mapping[str, Any]]:
        """Has pieces of work done; gives what became of each, up to the first that failed, which is said once."""
        done = await self._work(kind, self._files.layout.folder, self._log_path, starts)
        self._tried[kind].update((start, self._now()) for start in starts[: len(done.outcomes) + 1])
        if done.fault:
            self._fault(what, f"does not work ({done.fault}); nothing is lost, it is tried again later")
        else:
            self._faults.pop(what, None)
        for outcome in done.outcomes:
            for sentence in outcome["said"]:
                _log.error(sentence)
            seconds, peak = self.figures.seconds + outcome.get("seconds", 0.0), max(self.figures.peak, outcome.get("peak", 0))
            self.figures = replace(self.figures, seconds=seconds, peak=peak)
        return done.outcomes

    def _fault(self, what: str, why: str) -> None:
        if self._faults.get(what) != why:
            _log.error(f"{what} {why}")
        self._faults[what] = why

    def _now(self) -> int:
        return round(self._clock.now().timestamp() * 1000)


def _together(starts: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many hours or days as one child does: starting it costs as much as an hour of a small server."""
    for first in range(0, len(starts), TOGETHER):
        yield starts[first : first + TOGETHER]
