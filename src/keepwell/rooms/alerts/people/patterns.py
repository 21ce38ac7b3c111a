"""What can be learned from a span of alerts: which make the most noise, which come and go, which nobody ever takes up, how long people and
repairs take, and when it happens. Pure.

Time to acknowledge is from when an alert fired to the first sign that somebody knows; time to resolve from when it fired to its end (ITIL's
mean times). Means stand beside medians, because a single forgotten alert moves a mean by days.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median
from typing import TypeVar
from zoneinfo import ZoneInfo

RETURNS_WITHIN = timedelta(minutes=15)
"""An alert that fires again so soon after its end was not over: it comes and goes."""

RETURNS_AT_LEAST = 3
"""So many returns in a span make it one that flaps."""

MOST_LISTED = 20
"""Rows of each table of the report."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from when it fired to its end, if it has ended."""

    fingerprint: str
    name: str
    severity: str
    service: str
    fired_at: datetime
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, in seconds, in ``count`` cases; None where there are none."""

    count: int
    mean: float | None = None
    median: float | None = None
    longest: float | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """One name of alerts: how often it fired, its share of all, how long it fired altogether (seconds), how often somebody acknowledged it,
    and how long an episode takes."""

    name: str
    service: str
    severity: str
    count: int
    share: float
    firing_seconds: float
    acknowledged: int
    times: Times


@dataclass(frozen=True, slots=True)
class Flapping:
    """One alert that comes and goes: how often it fired, and how often it came back within ``RETURNS_WITHIN``."""

    fingerprint: str
    name: str
    service: str
    count: int
    returns: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything of one span. ``by_hour`` are 24 counts and ``by_weekday`` 7 (Monday first) of the zone's own clock; ``by_day`` counts
    every date of the span."""

    start: datetime
    end: datetime
    zone: str
    count: int
    alerts: int
    firing: int
    acknowledged: int
    noisiest: Sequence[Noise]
    flapping: Sequence[Flapping]
    never_acknowledged: Sequence[Noise]
    to_acknowledge: Times
    to_resolve: Times
    severities: Mapping[str, tuple[int, Times, Times]] = field(default_factory=dict)
    by_hour: Sequence[int] = ()
    by_weekday: Sequence[int] = ()
    by_day: Mapping[date, int] = field(default_factory=dict)


def report(episodes: Sequence[Episode], start: datetime, end: datetime, zone: ZoneInfo) -> Report:
    """The report of what began to fire in a span, in the order in which it did."""
    named = [_noise(group, len(episodes), end) for group in _grouped(episodes, lambda one: (one.name, one.service))]
    walls = [one.fired_at.astimezone(zone) for one in episodes]
    hours, weekdays = Counter(at.hour for at in walls), Counter(at.weekday() for at in walls)
    severities = {group[0].severity: group for group in _grouped(episodes, lambda one: one.severity)}
    return Report(
        start=start,
        end=end,
        zone=zone.key,
        count=len(episodes),
        alerts=len({one.fingerprint for one in episodes}),
        firing=sum(1 for one in episodes if one.resolved_at is None),
        acknowledged=sum(1 for one in episodes if one.acknowledged_at is not None),
        noisiest=sorted(named, key=lambda one: (-one.count, -one.firing_seconds, one.name))[:MOST_LISTED],
        flapping=_flapping(episodes),
        never_acknowledged=sorted((one for one in named if not one.acknowledged), key=lambda one: (-one.firing_seconds, one.name))[
            :MOST_LISTED
        ],
        to_acknowledge=_to_acknowledge(episodes),
        to_resolve=_to_resolve(episodes),
        severities={word: (len(group), _to_acknowledge(group), _to_resolve(group)) for word, group in severities.items()},
        by_hour=[hours[hour] for hour in range(24)],
        by_weekday=[weekdays[day] for day in range(7)],
        by_day=_by_day(walls, start.astimezone(zone).date(), (end - timedelta.resolution).astimezone(zone).date()),
    )


def _grouped(episodes: Iterable[Episode], key: Callable[[Episode], K]) -> list[list[Episode]]:
    found: defaultdict[K, list[Episode]] = defaultdict(list)
    for one in episodes:
        found[key(one)].append(one)
    return list(found.values())


def _noise(group: Sequence[Episode], total: int, end: datetime) -> Noise:
    newest = group[-1]
    return Noise(
        name=newest.name,
        service=newest.service,
        severity=newest.severity,
        count=len(group),
        share=len(group) / total,
        firing_seconds=sum(_seconds(one.fired_at, one.resolved_at or end) for one in group),
        acknowledged=sum(1 for one in group if one.acknowledged_at is not None),
        times=_to_resolve(group),
    )


def _flapping(episodes: Sequence[Episode]) -> list[Flapping]:
    found = []
    for group in _grouped(episodes, lambda one: one.fingerprint):
        returns = sum(1 for before, after in pairwise(group) if _came_back(before, after))
        if returns >= RETURNS_AT_LEAST or any(one.flapping for one in group):
            found.append(Flapping(group[-1].fingerprint, group[-1].name, group[-1].service, len(group), returns))
    return sorted(found, key=lambda one: (-one.returns, -one.count, one.name))[:MOST_LISTED]


def _came_back(before: Episode, after: Episode) -> bool:
    return before.resolved_at is not None and after.fired_at - before.resolved_at <= RETURNS_WITHIN


def _to_acknowledge(episodes: Iterable[Episode]) -> Times:
    return _times(_seconds(one.fired_at, one.acknowledged_at) for one in episodes if one.acknowledged_at is not None)


def _to_resolve(episodes: Iterable[Episode]) -> Times:
    return _times(_seconds(one.fired_at, one.resolved_at) for one in episodes if one.resolved_at is not None)


def _times(seconds: Iterable[float]) -> Times:
    found = list(seconds)
    return Times(len(found), fmean(found), median(found), max(found)) if found else Times(0)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _by_day(walls: Iterable[datetime], first: date, last: date) -> dict[date, int]:
    counted = Counter(at.date() for at in walls)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return {day: counted[day] for day in days}
