"""Log files are read as they grow, and what fits a pattern is counted: each line once, whatever is renamed, and whoever is killed.

How far a file was read and what was counted in it are written in one transaction. Samples are left of sums that are stored, so no value
is ever taken back.
"""

import asyncio
import fnmatch
import logging
import os
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.ports.samples import Sample, Samples
from keepwell.rooms.logs import counts
from keepwell.rooms.logs.files.following import Place, end_of, read_on
from keepwell.rooms.logs.files.listing import live_files
from keepwell.rooms.logs.lines import test
from keepwell.rooms.logs.model import Policy, Watch
from keepwell.storage.database import Database

from .rotate import Blocking

EVERY = 1.0
"""Seconds between two looks at files that are watched."""
SAMPLED = 15.0
"""Seconds between samples of what was counted."""
LINES = "lines"
"""The name under which all lines of a policy are counted."""
_log = logging.getLogger("keepwell.logs")


@dataclass(slots=True)
class _Followed:
    """One file that is watched."""

    path: str
    archive: str
    watches: Sequence[Watch]
    place: Place | None = None
    fault: str = ""


@dataclass(slots=True)
class _Group:
    """A policy with what it watches."""

    policy: Policy
    files: dict[str, _Followed] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    faults: Sequence[str] = ()


class Watching:
    """The activity that reads on."""

    def __init__(self, database: Database, clock: Clock, samples: Samples, blocking: Blocking) -> None:
        self._database, self._clock, self._samples, self._blocking = database, clock, samples, blocking
        self._groups: dict[str, _Group] = {}
        self._places: dict[str, Place] = {}
        self._sums: Counter[tuple[str, str]] = Counter()
        self._due: float | None = None
        self._sampled = -SAMPLED
        self._seen: set[str] = set()
        self._patterns: dict[str, set[str]] = {}

    async def begin(self) -> None:
        """Takes what is stored. Raises StorageError."""
        self._places, sums, self._patterns = await self._database.read(
            lambda connection: (counts.places(connection), counts.sums(connection), counts.patterns(connection))
        )
        self._sums = Counter(sums)
        self._seen = {log for log, _ in sums}

    async def configure(self, policies: Mapping[str, Policy]) -> None:
        """Takes the policies in force."""
        kept = {name: group for name, group in self._groups.items() if policies.get(name) == group.policy}
        self._groups = {name: kept.get(name) or _Group(policy) for name, policy in policies.items() if policy.watches}
        for name, group in self._groups.items():
            for watch in (*group.policy.watches, Watch(LINES, ())):
                self._sums[name, watch.name] += 0
        self._due = (self._due or self._clock.monotonic()) if self._groups else None

    def next_due(self) -> float | None:
        """When it looks next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, where it is due."""
        if self._due is None or monotonic < self._due:
            return ()
        job = Job(self._due, "read logs", self._look)
        self._due = monotonic + EVERY
        return (job,)

    async def catch_up(self, policy: str) -> None:
        """Reads a policy's files to their ends."""
        group = self._groups.get(policy)
        if group is not None:
            async with group.lock:
                while await self._read(group):
                    pass

    async def end(self) -> None:
        """Reads and stores what is there, and leaves samples of it."""
        for group in self._groups.values():
            async with group.lock:
                await self._read(group)
        await self._sample()

    def counted(self) -> Mapping[tuple[str, str], int]:
        """What was counted so far, by policy and watch; ``lines`` is all of them."""
        return {key: count for key, count in self._sums.items() if key[0] in self._groups}

    def faults(self) -> list[str]:
        """What cannot be read now, a sentence each."""
        files = [one.fault for group in self._groups.values() for one in group.files.values() if one.fault]
        return [*(fault for group in self._groups.values() for fault in group.faults), *files]

    async def _look(self) -> None:
        try:
            for group in self._groups.values():
                if not group.lock.locked():
                    async with group.lock:
                        await self._read(group)
            if self._clock.monotonic() - self._sampled >= SAMPLED:
                await self._sample()
        except StorageError as error:
            _log.warning("lines of logs are counted later", extra={"facts": {"why": str(error)}})

    async def _read(self, group: _Group) -> bool:
        """Reads on in all files of a policy, and stores that; whether there is more. Where it cannot be stored, nothing was read."""
        await self._find(group)
        moved: dict[str, Place] = {}
        added: Counter[str] = Counter()
        is_behind = False
        for followed in group.files.values():
            found = await self._blocking(_reading(followed))
            self._told(followed, found.said)
            added += found.counts
            is_behind = is_behind or found.is_behind
            if found.place is not None and found.place != followed.place:
                moved[followed.path] = found.place
        if moved:
            await self._store(group, moved, added)
        return is_behind

    async def _store(self, group: _Group, moved: Mapping[str, Place], added: Mapping[str, int], patterns: Collection[str] = ()) -> None:
        name = group.policy.name
        sums = {(name, watch): self._sums[name, watch] + count for watch, count in added.items()}

        def write(connection: Connection) -> None:
            counts.keep(connection, moved, sums)
            counts.keep_patterns(connection, name, patterns)

        await self._database.write(write)
        self._sums.update(Counter({(name, watch): count for watch, count in added.items()}))
        for path, place in moved.items():
            group.files[path].place = place
            self._places[path] = place

    async def _find(self, group: _Group) -> None:
        """Takes up files that are new. What was there when its pattern was first watched is read from its end; what came later, from its
        beginning."""
        policy = group.policy
        live = await self._blocking(lambda: live_files(policy.paths))
        group.faults = live.faults
        read_before = [path for path in self._places if any(_fits(path, pattern) for pattern in policy.paths)]
        for path in dict.fromkeys([*(one.path for one in live.files), *read_before]):
            if path not in group.files:
                watches = [watch for watch in policy.watches if watch.path in ("", path)]
                archive = policy.rotate.archive if policy.rotate is not None else ""
                group.files[path] = _Followed(path, archive, watches, self._places.get(path))
        # A policy that was watched before patterns were stored has watched all that it names.
        known = self._patterns.get(policy.name, set(policy.paths) if policy.name in self._seen else set())
        if policy.name not in self._patterns or not known.issuperset(policy.paths):
            begun = [path for path, one in group.files.items() if one.place is None and not any(_fits(path, each) for each in known)]
            found = {path: await self._blocking(_ending(path)) for path in begun}
            await self._store(group, {path: place for path, place in found.items() if place is not None}, {LINES: 0}, policy.paths)
            self._seen.add(policy.name)
            self._patterns[policy.name] = known.union(policy.paths)

    def _told(self, followed: _Followed, said: str) -> None:
        if said and said != followed.fault:
            _log.warning("a log that is watched", extra={"facts": {"why": said}})
        followed.fault = said

    async def _sample(self) -> None:
        """Leaves samples of all sums."""
        self._sampled = self._clock.monotonic()
        at = self._clock.now()
        named = ((*_named(log, watch), float(count)) for (log, watch), count in self.counted().items())
        await self._samples.append([Sample(name, count, at, labels) for name, labels, count in named])


@dataclass(frozen=True, slots=True)
class _Found:
    """What one look at a file gave: how many lines fitted each watch, the place behind them, and what is wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    place: Place | None = None
    is_behind: bool = False
    said: str = ""


def _reading(followed: _Followed) -> Callable[[], _Found]:
    """A look at a file, for a thread."""

    def look() -> _Found:
        try:
            read = read_on(followed.path, followed.archive, followed.place)
        except OSError as error:
            return _Found(said=f"{followed.path} cannot be read: {error.strerror}")
        if read is None:
            return _Found()
        counted = Counter({LINES: len(read.lines)})
        for watch in followed.watches:
            tests = [test(pattern) for pattern in watch.patterns]
            counted[watch.name] += sum(1 for line in read.lines if all(fits(line) for fits in tests))
        return _Found(counted, read.place, read.is_behind, read.said)

    return look


def _fits(path: str, pattern: str) -> bool:
    """Whether a path is one that a pattern means: a star stands for no more than one part of it."""
    parts, wanted = path.split("/"), os.path.expanduser(pattern).split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _ending(path: str) -> Callable[[], Place | None]:
    """The end of a file, for a thread."""

    def look() -> Place | None:
        try:
            return end_of(path)
        except OSError:
            return None

    return look


def _named(log: str, watch: str) -> tuple[str, dict[str, str]]:
    return ("log_lines_total", {"log": log}) if watch == LINES else ("log_matches_total", {"log": log, "watch": watch})
