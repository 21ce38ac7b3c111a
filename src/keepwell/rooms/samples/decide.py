"""What is done to the files of samples now: which hours are compacted, which days merged, what has been kept long enough. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.model import DAY, HOUR, Keep, Tier

SETTLED = 300_000
"""How long after its end (milliseconds) an hour is compacted: samples that are late by less are in it at once."""

LATE_EVERY = 600_000
"""How long after one try an hour is compacted again: with samples that came later, or because the try failed."""

MERGE_AFTER = 900_000
"""How long after its end a day is merged, when its last hour is compacted."""

MERGE_EVERY = HOUR
"""How long after one try a day is merged again. It has no hurry: the hours' own files answer until then."""

BELIEVED = 24
"""How many hours of samples there must be after a gap of a day or more before their time counts for what is old: so that a clock which
is wrong by years, and is set right within a day, deletes nothing."""


VERIFY_EVERY = DAY
"""How long after one check all files are checked again, byte by byte."""


@dataclass(frozen=True, slots=True)
class There:
    """What there is: files by tier, earliest first; the names of those that cannot be read; hours with samples in the log; when all files
    were checked (milliseconds since 1970; None where they never were)."""

    files: Mapping[Tier, Sequence[File]] = field(default_factory=dict)
    damaged: Collection[str] = ()
    logged: Collection[int] = ()
    verified: int | None = None

    def of(self, tier: Tier) -> list[File]:
        """The files of a tier that can be read."""
        return [file for file in self.files.get(tier, ()) if file.name not in self.damaged]


def hours_to_compact(now: int, there: There, tried: Mapping[int, int]) -> list[int]:
    """The hours, earliest first, whose samples go from the log into files now. ``now`` is milliseconds since 1970, ``tried`` when each hour
    was last tried (a time that lies ahead, because the clock was set back, counts as none)."""
    return [hour for hour in sorted(there.logged) if hour + HOUR + SETTLED <= now and _rested(now, tried.get(hour), LATE_EVERY)]


def hours_to_roll(now: int, there: There, tried: Mapping[int, int]) -> list[int]:
    """The hours, earliest first, whose roll-up is missing or damaged while their samples are there."""
    rolled = there.of(Tier.FIVE_MINUTES)
    hours = {file.start for file in rolled if file.is_hour}
    days = {file.start for file in rolled if not file.is_hour}
    return [
        file.start
        for file in there.of(Tier.RAW)
        if file.start not in hours
        and file.start - file.start % DAY not in days
        and file.start not in there.logged
        and _rested(now, tried.get(file.start), LATE_EVERY)
    ]


def days_to_merge(now: int, there: There, tried: Mapping[int, int]) -> list[int]:
    """The days, earliest first, whose hours become one file now, or whose roll-up to hours is missing or damaged."""
    rolled = there.of(Tier.FIVE_MINUTES)
    by_hours = {file.start for file in there.of(Tier.HOUR)}
    days = {_day(file.start) for file in rolled if file.is_hour} | {file.start for file in rolled if file.start not in by_hours}
    waiting = {_day(hour) for hour in there.logged}
    return [
        day
        for day in sorted({_day(day) for day in days} - waiting)
        if day + DAY + MERGE_AFTER <= now and _rested(now, tried.get(day), MERGE_EVERY)
    ]


def kept_long_enough(now: int, there: There, keep: Keep) -> list[File]:
    """The files, earliest first, that are older than their tier is kept.

    Time counts from ``now``, but never from later than a day after the newest samples: a server that was off for a year keeps
    what it had until there is something new, and so does one whose clock jumps forward (see ``BELIEVED``).
    """
    newest = newest_believed(file for files in there.files.values() for file in files if file.is_hour)
    if newest is None:
        ends = [file.end for files in there.files.values() for file in files]
        newest = max(ends, default=now)
    counted = min(now, newest + DAY)
    kept = {Tier.RAW: keep.raw, Tier.FIVE_MINUTES: keep.five_minutes, Tier.HOUR: keep.hour}
    return [file for tier in Tier for file in there.files.get(tier, ()) if file.end <= counted - kept[tier] // timedelta(milliseconds=1)]


def newest_believed(files: Iterable[File]) -> int | None:
    """The end of the newest hour whose time is believed; None where there is no hour at all."""
    runs: list[set[int]] = []
    for hour in sorted({file.start for file in files}):
        if not runs or hour - max(runs[-1]) > DAY:
            runs.append(set())
        runs[-1].add(hour)
    doubted = 0
    while len(runs) > 1 and doubted + len(runs[-1]) < BELIEVED:
        doubted += len(runs.pop())
    return max(runs[-1]) + HOUR if runs else None


def is_to_verify(now: int, there: There, tried: Mapping[int, int]) -> bool:
    """Whether all files are checked now."""
    some = any(there.files.values())
    return some and _rested(now, there.verified, VERIFY_EVERY) and _rested(now, tried.get(0), MERGE_EVERY)


def lost_hours(there: There) -> list[File]:
    """The hours' files of raw samples that ought to be there and are not: an hour of roll-ups has one as long as an older one is kept."""
    raw = {file.start for file in there.files.get(Tier.RAW, ())}
    if not raw:
        return []
    hours = (file for file in there.files.get(Tier.FIVE_MINUTES, ()) if file.is_hour and file.start > min(raw))
    return [file for file in hours if file.start not in raw]


def _day(instant: int) -> int:
    return instant - instant % DAY


def _rested(now: int, tried: int | None, pause: int) -> bool:
    return tried is None or now < tried or now - tried >= pause
