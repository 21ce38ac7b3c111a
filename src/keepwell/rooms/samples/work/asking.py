"""Questions as they are asked from outside, by text, and their answers as plain values: series, their newest samples, and ranges."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from operator import itemgetter
from typing import Any, Protocol

import numpy as np

from keepwell.kernel.problems import UsageError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.windows import Window
from keepwell.ports.records import Recoveries, Recovery
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.model import Ids, Labels, Rows
from keepwell.rooms.samples.questions import points as pointing
from keepwell.rooms.samples.questions.asked import Stretch, aligned, iso, read_span, read_step, read_stretch
from keepwell.rooms.samples.questions.parameters import Asked, CurrentAsked, RangeAsked, SeriesAsked
from keepwell.rooms.samples.rollup import nothing_rolled
from keepwell.rooms.samples.selectors import read_selector
from keepwell.rooms.samples.tiers import Answered

from .reader import Extent, Latest, Reader, by_series, samples_by_series

MOST_NUMBERS = 200_000
"""Points times series in one answer."""
MOST_SERIES = 10_000
"""Series whose labels are given at once."""
_LISTED = 1000
_MILLISECOND = timedelta(milliseconds=1)
_CURRENT = timedelta(minutes=5)
_INTERVALS = 5
_SHORTEST_STEP = 1000


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What of a check matters here: how often it looks, and the target that it names."""

    every: timedelta
    target: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is in force now: the service's name, the checks, the maintenance windows and the objectives, by name."""

    service: str
    checks: Mapping[str, CheckFacts]
    windows: Mapping[str, Window]
    objectives: Mapping[str, Any]


class Maintenance(Protocol):
    """Tells when work on what a check looks at was begun by hand, as (start, end) in milliseconds since 1970, within a stretch. They may
    overlap, and reach beyond it."""

    async def __call__(self, labels: Labels, start: int, end: int, /) -> Sequence[tuple[int, int]]: ...


async def no_maintenance(labels: Labels, start: int, end: int, /) -> Sequence[tuple[int, int]]:
    """Nobody can begin any."""
    return ()


async def no_recovery(name: str, /) -> Recovery:
    """Nobody keeps backups."""
    return Recovery(None, None, why="nobody keeps backups here")


@dataclass(frozen=True, slots=True)
class Asker:
    """What questions are answered from: the samples, what is in force, when work was begun by hand, and what was measured of backups."""

    reader: Reader
    facts: Callable[[], Facts]
    maintenance: Maintenance = no_maintenance
    recovery: Recoveries = no_recovery


@dataclass(frozen=True, slots=True)
class Selected:
    """Series that a question is about, in the order of their labels; ``total`` is how many fit."""

    ids: Ids
    total: int


def number(value: float) -> float | None:
    """A number as JSON can say it: None for what is not finite."""
    return float(value) if np.isfinite(value) else None


def answered_json(answered: Answered) -> dict[str, Any]:
    """From where a question was answered, and a sentence where not exactly."""
    return {"tier": answered.tier.value, "exact": answered.exact, "note": answered.why}


def stretch_of(asker: Asker, asked: Asked, usual: timedelta) -> Stretch:
    """The stretch of time that a question is about. Raises UsageError."""
    return read_stretch(asked.start, asked.end, asked.over, asker.reader.now(), usual)


def select(asker: Asker, match: str | None, most: int = MOST_SERIES) -> Selected:
    """The series of a selector. Raises UsageError, also where there are more than ``most``."""
    ids = _fitting(asker, match)
    if len(ids) > most:
        raise UsageError(f"{quoted(match or '')} fits {len(ids)} series, more than {most}", hint="select fewer of them")
    return Selected(ids, len(ids))


async def select_some(asker: Asker, match: str | None, limit: int | None) -> Selected:
    """The first series of a selector in the order of their labels, at most ``limit``; None is as many as are allowed. Raises UsageError."""
    if limit is None:
        return select(asker, match)
    if limit < 1:
        raise UsageError("limit is below 1", hint="write how many series are wanted at most")
    ids = _fitting(asker, match)
    wanted = min(limit, MOST_SERIES)
    if len(ids) <= wanted:
        return Selected(ids, len(ids))
    reader = asker.reader
    keyed = await asyncio.to_thread(sorted, ids.tolist(), key=lambda one: sorted(reader.labels(one).items()))
    return Selected(np.sort(np.array(keyed[:wanted], np.int32)), len(ids))


def _fitting(asker: Asker, match: str | None) -> Ids:
    if not match:
        raise UsageError("match is missing", hint='write match=SELECTOR, such as match=up or match=http_requests_total{code=~"5.."}')
    return asker.reader.ids(read_selector(match))


def in_order(series: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries in the order of their labels."""
    return sorted(series, key=lambda one: sorted(one["labels"].items()))


# --- which series there are, and their newest samples -------------------------------------------------------------------------


async def series(asker: Asker, asked: SeriesAsked) -> dict[str, Any]:
    """The labels of the series that fit, a thousand where no limit is given."""
    chosen = await select_some(asker, asked.match, _LISTED if asked.limit is None else asked.limit)
    labels = [dict(asker.reader.labels(one)) for one in chosen.ids.tolist()]
    return {"series": sorted(labels, key=lambda one: sorted(one.items())), "total": chosen.total}


async def current(asker: Asker, asked: CurrentAsked) -> dict[str, Any]:
    """The newest sample of everything, by the metric's name. ``service`` is the one that is operated, where no label ``service`` says
    otherwise. A sample of a check counts as current for five of its intervals, any other for five minutes, unless ``within`` says."""
    facts = asker.facts()
    matchers = read_selector(asked.match) if asked.match else (Matcher(NAME, "!=", ""),)
    fixed = read_span(asked.within, "within") if asked.within else None
    lasting = {name: max(_CURRENT, one.every * _INTERVALS) // _MILLISECOND for name, one in facts.checks.items()}
    now = asker.reader.now()
    found = await asker.reader.latest(matchers, fixed or max([_CURRENT // _MILLISECOND, *lasting.values()]))
    wanted = _Current(now, facts.service, asked.service, fixed, lasting)
    metrics = await asyncio.to_thread(_by_metric, found, wanted)
    return {"timestamp": iso(now), "service": asked.service or facts.service, "metrics": metrics}


@dataclass(frozen=True, slots=True)
class _Current:
    """Which of the newest samples are given: those of the service ``wanted``, where ``own`` is that of what names none; not older than
    ``fixed``, or than what its check is ``lasting`` (milliseconds)."""

    now: int
    own: str
    wanted: str | None
    fixed: int | None
    lasting: Mapping[str, int]

    def has(self, labels: Labels, at: int) -> bool:
        lasts = self.fixed or self.lasting.get(labels.get("check", ""), _CURRENT // _MILLISECOND)
        return self.now - at <= lasts and (self.wanted is None or labels.get("service", self.own) == self.wanted)


def _by_metric(found: Latest, wanted: _Current) -> dict[str, list[dict[str, Any]]]:
    instants: dict[int, str] = {}  # thousands of series were scraped at one instant
    metrics: dict[str, list[tuple[list[tuple[str, str]], dict[str, Any]]]] = {}
    for labels, at, value in found:
        if wanted.has(labels, at):
            shown = sorted(labels.items())
            text = instants.get(at) or instants.setdefault(at, iso(at))
            one = {"labels": {name: text for name, text in shown if name != NAME}, "value": value if isfinite(value) else None, "at": text}
            metrics.setdefault(labels[NAME], []).append((shown, one))
    return {name: [one for _, one in sorted(metrics[name], key=itemgetter(0))] for name in sorted(metrics)}


# --- ranges -----------------------------------------------------------------------------------------------------------------------


async def range_of(asker: Asker, asked: RangeAsked) -> dict[str, Any]:
    """Points over time: for each series and each kind of point (``avg,max``) one entry, in steps."""
    kinds = pointing.read_kinds(asked.of)
    stretch = stretch_of(asker, asked, timedelta(hours=1))
    wanted = max(read_step(asked.step, stretch), _SHORTEST_STEP)
    need = pointing.need_of(kinds)
    answered = asker.reader.plan(stretch.start, stretch.end, wanted, need)
    whole = aligned(stretch, answered.step)
    chosen = await select_some(asker, asked.match, asked.limit)
    length = whole.length // answered.step
    if length * len(chosen.ids) * len(kinds) > MOST_NUMBERS:
        raise UsageError(
            f"{len(chosen.ids)} series with {length} points are more than {MOST_NUMBERS} numbers",
            hint="select fewer series, a longer step, or write limit=",
        )
    extent = Extent(chosen.ids, whole.start, whole.end, any(kind in pointing.QUANTILES for kind in kinds))
    entries = await _entries(asker, extent, answered, kinds)
    return {
        "start": whole.start / 1000,
        "end": whole.end / 1000,
        "step": answered.step / 1000,
        **answered_json(answered),
        "total": chosen.total,
        "series": in_order(entries),
    }


async def _entries(asker: Asker, extent: Extent, answered: Answered, kinds: Sequence[str]) -> list[dict[str, Any]]:
    sampled = await asker.reader.rows(extent) if answered.exact and extent.bins else None
    needs_rows = sampled is None or any(kind not in pointing.QUANTILES for kind in kinds)
    rolled = await asker.reader.rolled_rows(extent, answered) if needs_rows else nothing_rolled()
    return await asyncio.to_thread(_pointed, asker.reader, extent, answered.step, kinds, (rolled, sampled))


def _pointed(reader: Reader, extent: Extent, step: int, kinds: Sequence[str], found: tuple[Any, Rows | None]) -> list[dict[str, Any]]:
    rolled, sampled = found
    raw = {one: (at, values) for one, at, values in samples_by_series(sampled)} if sampled is not None else {}
    rows_of, none = dict(by_series(rolled)), nothing_rolled()
    entries = []
    for one in dict.fromkeys([*rows_of, *raw]):
        for kind in kinds:
            if kind in pointing.QUANTILES and sampled is not None:
                at, values = pointing.quantiles_by_step(*raw.get(one, _NOTHING), pointing.QUANTILES[kind], step)
            else:
                rows = rows_of.get(one, none)
                at, values = rows.start, pointing.points(rows, kind, step)
            grid = pointing.spread(at, values, extent.start, extent.end, step)
            if np.isfinite(grid).any():
                entries.append({"labels": dict(reader.labels(one)), "of": kind, "points": pointing.as_points(grid, extent.start, step)})
    return entries


_NOTHING = (np.empty(0, np.int64), np.empty(0))
