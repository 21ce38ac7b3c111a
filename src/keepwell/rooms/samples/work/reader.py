"""Reads samples for questions: what is in memory and what is in files of any tier, put together as one."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Protocol

import numpy as np

from keepwell.kernel.problems import UsageError
from keepwell.ports.clock import Clock
from keepwell.ports.samples import NAME, Column, Matcher
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.admission import first_of_each, order
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import HOUR, Ids, Instants, Keep, Labels, Metric, Rolled, Rows, Tier, Values
from keepwell.rooms.samples.questions.asked import milliseconds
from keepwell.rooms.samples.tiers import Answered, Need, choose

MOST_PIECES = 400_000
"""Series times files that one question may read; a year of one series by the hour reads 365."""
MOST_ROWS = 1_000_000
"""Rolled-up rows that one question may hold, 100 MB of them; a day of 2,500 series by five minutes has 720,000."""
_BEFORE = 300_000
"""How long before a question's start, at least, the last sample is looked for with which an increase begins: as Prometheus looks back."""

Latest = Sequence[tuple[Labels, int, float]]
"""Series with the instant (milliseconds since 1970) and value of their newest sample."""


class Store(Protocol):
    """What is asked of the store: its index, and what it holds in memory."""

    def ids(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit, ascending. Raises Refused for a pattern that is none."""
        ...

    def labels(self, number: int) -> Labels:
        """The labels of a series. Raises KeyError."""
        ...

    def metric(self, name: str) -> Metric:
        """What a metric is."""
        ...

    @property
    def since(self) -> int:
        """From this instant on, memory has every sample."""
        ...

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """What memory holds of these series, both instants included, sorted by (series, at)."""
        ...

    async def latest(self, matchers: Sequence[Matcher], now: int, within: int) -> Latest:
        """The newest sample of every series that fits and has not ended."""
        ...


class Files(Protocol):
    """What is asked of the files. A damaged one is named elsewhere and gives nothing."""

    def count(self, tier: Tier, start: int, end: int) -> int:
        """How many files of a tier hold something of this time (both included)."""
        ...

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """Raw samples, sorted by (series, at)."""
        ...

    def nans(self, tier: Tier, start: int, end: int) -> Collection[int] | None:
        """The series of which roll-ups of this time (both included) left out a NaN that is no staleness marker; None: not known."""
        ...

    def rolled(self, tier: Tier, ids: Ids, start: int, end: int, bins: bool) -> tuple[Rolled, list[tuple[int, int]]]:
        """Rolled-up rows (without ``bins`` none has any), and the stretches (start, end not contained) of which it has everything."""
        ...


@dataclass(slots=True)
class Nans:
    """The series of which roll-ups left out a NaN that is no staleness marker, and whether all of these are known."""

    series: set[int] = field(default_factory=set)
    known: bool = True

    def add(self, found: Collection[int] | None) -> None:
        """Some more; None where they are not known."""
        self.series.update(found or ())
        self.known = self.known and found is not None


@dataclass(frozen=True, slots=True)
class Extent:
    """What is to be read: these series (ascending), from ``start`` to ``end`` (not contained); with ``bins`` where quantiles are wanted.
    ``nans`` takes down of which series a NaN was left out."""

    ids: Ids
    start: int
    end: int
    bins: bool = False
    nans: Nans | None = None


class Reader:
    """Answers over memory and files. ``keep`` is how long each tier is kept."""

    def __init__(self, store: Store, files: Files, keep: Callable[[], Keep], clock: Clock) -> None:
        self._store = store
        self._files = files
        self._keep = keep
        self._clock = clock

    def now(self) -> int:
        """Milliseconds since 1970."""
        return milliseconds(self._clock.now())

    def ids(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit, ascending."""
        return self._store.ids(matchers)

    def labels(self, number: int) -> Labels:
        """The labels of a series; one that was forgotten while a question was answered has an empty name and no others."""
        try:
            return self._store.labels(number)
        except KeyError:
            return {NAME: ""}

    async def latest(self, matchers: Sequence[Matcher], within: int) -> Latest:
        """The newest sample, at most so many milliseconds old, of every series that has not ended."""
        return await self._store.latest(matchers, self.now(), within)

    def plan(self, start: int, end: int, step: int, need: Need = Need.WHOLE) -> Answered:
        """Which tier answers; see ``tiers.choose``."""
        return choose(start, end, step, need, self._keep(), self.now())

    async def rolled(
        self, matchers: Sequence[Matcher], start: int, end: int, step: int, need: Need = Need.WHOLE
    ) -> tuple[list[tuple[Labels, Rolled]], Answered]:
        """Every series that fits and has samples from ``start`` to ``end`` (milliseconds since 1970, the end not contained), in steps of
        ``Answered.step``, and how it was answered. ``start`` is to be a multiple of the step. The rows of a series may begin before
        ``start`` with one row, from whose last sample an increase is counted. Raises UsageError where it is too much for one question.
        """
        answered = self.plan(start, end, step, need)
        ids = self.ids(matchers)
        rolled = await self.rolled_rows(Extent(ids, start, end, need is Need.QUANTILE), answered)
        return [(self.labels(number), one) for number, one in by_series(rolled) if one.start[-1] >= start], answered

    async def columns(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Column]:
        """Every series that fits, as it was sampled from ``start`` to ``end`` (not contained)."""
        rows = await self.rows(Extent(self.ids(matchers), start, end))
        return [Column(self.labels(number), at, value) for number, at, value in samples_by_series(rows)]

    async def rows(self, extent: Extent) -> Rows:
        """Samples of memory and files, sorted by (series, at)."""
        self._bound(extent, Tier.RAW)
        memory = self._store.rows(extent.ids, extent.start, extent.end - 1)
        return await asyncio.to_thread(lambda: together([self._files.rows(extent.ids, extent.start, extent.end - 1), memory]))

    async def rolled_rows(self, extent: Extent, answered: Answered) -> Rolled:
        """Rows of ``answered.step``, sorted by (series, start), with the row before the start where there is one."""
        back = -(-max(answered.step, _BEFORE) // answered.step) * answered.step
        wide = Extent(extent.ids, max(0, extent.start - back), extent.end, extent.bins)
        self._bound(wide, answered.tier)
        memory = self._store.rows(wide.ids, wide.start, wide.end - 1)
        counters = self.counters(wide.ids)
        found = await asyncio.to_thread(self.assemble, wide, answered, memory, counters)
        return from_last_before(found, extent.start)

    def counters(self, ids: Ids) -> Ids:
        """Those of the series that are counters."""
        named = [(number, self.labels(number).get(NAME, "")) for number in ids.tolist()]
        return np.array([number for number, name in named if rollup.is_counter(name, self._store.metric(name).kind)], np.int32)

    def _bound(self, extent: Extent, tier: Tier) -> None:
        files = self._files.count(tier, extent.start, extent.end - 1)
        rows = len(extent.ids) * ((extent.end - extent.start) // tier.step) if tier.step else 0
        if len(extent.ids) * files > MOST_PIECES or rows > MOST_ROWS:
            raise UsageError(
                f"{len(extent.ids)} series over {files} files are too much for one question",
                hint="select fewer series, a shorter time, or a step of whole hours",
            )

    def assemble(self, extent: Extent, answered: Answered, memory: Rows, counters: Ids) -> Rolled:
        """Rows of ``answered.step``, sorted by (series, start).

        Each hour comes from one source, so that nothing counts twice: one that memory has something of from raw samples (of file and
        memory), others from the coarsest tier allowed that has them, else a finer one.
        """
        open_hours = np.unique(memory.at // HOUR * HOUR)
        missing = [(extent.start, extent.end)]
        for hour in open_hours.tolist():
            missing = _without(missing, hour, hour + HOUR)
        parts: list[Rolled] = []
        for tier in (Tier.HOUR, Tier.FIVE_MINUTES):
            if tier.step > answered.tier.step or answered.step % tier.step:
                continue
            found, missing = self._of_tier(tier, extent, missing)
            parts.append(found)
        gaps = _joined([*missing, *((max(hour, extent.start), min(hour + HOUR, extent.end)) for hour in open_hours.tolist())])
        raw = together([*(self._files.rows(extent.ids, first, last - 1) for first, last in gaps), memory])
        if extent.nans is not None:
            extent.nans.add(rollup.with_nan(raw))
        base = Tier.FIVE_MINUTES.step if parts else answered.step
        parts.append(rollup.roll(raw, base, counters))
        return rollup.merge(rollup.join(parts), answered.step)  # rows of several lengths lie side by side: they cover different hours

    def _of_tier(self, tier: Tier, extent: Extent, missing: list[tuple[int, int]]) -> tuple[Rolled, list[tuple[int, int]]]:
        """What a tier has of the time that is missing, and what is missing then. Only whole rows are taken."""
        parts, left = [], missing
        for first, last in missing:
            whole = (-(-first // tier.step) * tier.step, last // tier.step * tier.step)
            if whole[0] >= whole[1]:
                continue
            found, covered = self._files.rolled(tier, extent.ids, whole[0], whole[1] - 1, extent.bins)
            parts.append(found)
            for begins, ends in _joined(covered) if extent.nans is not None else ():
                assert extent.nans is not None
                extent.nans.add(self._files.nans(tier, begins, ends - 1))
            for begins, ends in covered:
                left = _without(left, begins, ends)
        return rollup.join(parts), left


def _without(stretches: Sequence[tuple[int, int]], begins: int, ends: int) -> list[tuple[int, int]]:
    """The stretches but for what lies from ``begins`` to ``ends``."""
    left = []
    for first, last in stretches:
        left += [(first, min(last, begins)), (max(first, ends), last)]
    return [(first, last) for first, last in left if first < last]


def _joined(stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(stretches):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def together(parts: Sequence[Rows]) -> Rows:
    """All rows sorted by (series, at), each key once: that of the earliest part."""
    rows = joined([part for part in parts if len(part)])
    placed = order(rows)
    rows = Rows(rows.series[placed], rows.at[placed], rows.value[placed])
    first = first_of_each(rows)
    return Rows(rows.series[first], rows.at[first], rows.value[first])


def by_series(rolled: Rolled) -> list[tuple[int, Rolled]]:
    """The rows of each series by its number; ``rolled`` is sorted by series."""
    return [(int(rolled.series[first]), _part(rolled, first, last)) for first, last in _runs(rolled.series)]


_PLAIN = tuple(each.name for each in fields(Rolled) if each.name not in ("edges", "bin", "weight"))


def _part(rolled: Rolled, first: int, last: int) -> Rolled:
    """The rows from ``first`` to before ``last``; nothing is copied."""
    begins, ends = int(rolled.edges[first]), int(rolled.edges[last])
    return Rolled(
        **{name: getattr(rolled, name)[first:last] for name in _PLAIN},
        edges=rolled.edges[first : last + 1] - begins,
        bin=rolled.bin[begins:ends],
        weight=rolled.weight[begins:ends],
    )


def increases(rolled: Rolled, start: int) -> dict[int, float]:
    """What each series gained in its rows from ``start`` on, since the last sample before them; NaN of what is no counter."""
    gained = np.where(rolled.start >= start, rollup.gained(rolled), 0.0)
    runs = _runs(rolled.series)
    if not runs:
        return {}
    with np.errstate(all="ignore"):
        sums = np.add.reduceat(gained, [first for first, _ in runs])
    return dict(zip((int(rolled.series[first]) for first, _ in runs), sums.tolist(), strict=True))


def samples_by_series(rows: Rows) -> list[tuple[int, Instants, Values]]:
    """The samples of each series by its number; ``rows`` are sorted by series."""
    return [(int(rows.series[first]), rows.at[first:last], rows.value[first:last]) for first, last in _runs(rows.series)]


def _runs(series: Ids) -> list[tuple[int, int]]:
    """Where the rows of each series begin and end."""
    edges = [*np.flatnonzero(np.diff(series, prepend=-1)).tolist(), len(series)]
    return list(pairwise(edges))


def from_last_before(rolled: Rolled, start: int) -> Rolled:
    """The rows from ``start`` on, and of each series the last one before it."""
    if not len(rolled):
        return rolled
    wanted = rolled.start >= start
    last_before = np.zeros(len(rolled), np.bool_)
    last_before[:-1] = ~wanted[:-1] & ((rolled.series[1:] != rolled.series[:-1]) | wanted[1:])
    last_before[-1] = not wanted[-1]
    return rollup.take(rolled, np.flatnonzero(wanted | last_before))
