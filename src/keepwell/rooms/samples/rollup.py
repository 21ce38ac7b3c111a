"""What stretches of time of series are rolled up to, and how finer roll-ups become coarser ones. Pure; whole columns at a time."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import is_stale
from keepwell.rooms.samples import bins as binning
from keepwell.rooms.samples.model import Ids, Rolled, Rows, Values

_PLAIN = tuple(field.name for field in fields(Rolled) if field.name not in ("edges", "bin", "weight"))
_TYPES = {"series": np.int32, "start": np.int64, "count": np.int64, "first_at": np.int64, "last_at": np.int64}
_COUNTING_ENDS = ("_total", "_bucket", "_count", "_sum")
_NO_COUNTERS = ("gauge", "info", "stateset")

Places = NDArray[np.int64]


def is_counter(name: str, kind: str) -> bool:
    """Whether a metric only ever grows: as its exposition says (``kind``), otherwise by the ends of names that OpenMetrics reserves for
    counters, histograms and summaries."""
    return kind == "counter" or (kind not in _NO_COUNTERS and name.endswith(_COUNTING_ENDS))


def nothing_rolled() -> Rolled:
    """No rows."""
    columns = {name: np.empty(0, _TYPES.get(name, np.float64)) for name in _PLAIN}
    return Rolled(**columns, edges=np.zeros(1, np.int64), bin=np.empty(0, np.int32), weight=np.empty(0, np.int64))


def roll(rows: Rows, step: int, counters: Ids) -> Rolled:
    """Rolls samples, sorted by (series, at) and without duplicates, up to stretches of ``step`` milliseconds of the UTC calendar.

    ``counters`` are the series that are counters: they alone have an ``increase`` (it is NaN elsewhere), and they alone have no bins.
    """
    numbers = ~np.isnan(rows.value)
    series, at, value = (rows.series, rows.at, rows.value)
    if not numbers.all():
        series, at, value = series[numbers], at[numbers], value[numbers]
    if not len(at):
        return nothing_rolled()
    stretch = at // step
    begins = _begins(series, stretch)
    ends = np.append(begins[1:], len(at))
    counting = np.isin(series[begins], counters)
    held = _bins(value, begins, ends, counting)
    with np.errstate(invalid="ignore", over="ignore"):
        return Rolled(
            series=series[begins],
            start=stretch[begins] * step,
            count=ends - begins,
            sum=np.add.reduceat(value, begins),
            minimum=np.minimum.reduceat(value, begins),
            maximum=np.maximum.reduceat(value, begins),
            first=value[begins],
            last=value[ends - 1],
            first_at=at[begins],
            last_at=at[ends - 1],
            increase=_increases(value, begins, counting),
            edges=held.edges,
            bin=held.bin,
            weight=held.weight,
        )


def with_nan(rows: Rows) -> set[int]:
    """The series that have a NaN which is no staleness marker: what is rolled up leaves it out, and cannot tell afterwards."""
    nan = np.isnan(rows.value)
    if not nan.any():
        return set()
    nan &= ~is_stale(rows.value)
    return set(np.unique(rows.series[nan]).tolist())


def merge(rolled: Rolled, step: int) -> Rolled:
    """The same in stretches of ``step`` milliseconds, a multiple of those that are given: equal to rolling up the samples themselves, but
    for the last digits of sums."""
    if not len(rolled):
        return rolled
    stretch = rolled.start // step
    begins = _begins(rolled.series, stretch)
    lasts = np.append(begins[1:], len(rolled)) - 1
    row = np.repeat(np.arange(len(begins)), lasts + 1 - begins)
    held = binning.gather(np.repeat(row, np.diff(rolled.edges)), rolled.bin, rolled.weight, len(begins))
    between = between_rows(rolled)
    between[begins] = 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        return Rolled(
            series=rolled.series[begins],
            start=stretch[begins] * step,
            count=np.add.reduceat(rolled.count, begins),
            sum=np.add.reduceat(rolled.sum, begins),
            minimum=np.minimum.reduceat(rolled.minimum, begins),
            maximum=np.maximum.reduceat(rolled.maximum, begins),
            first=rolled.first[begins],
            last=rolled.last[lasts],
            first_at=rolled.first_at[begins],
            last_at=rolled.last_at[lasts],
            increase=np.add.reduceat(rolled.increase + between, begins),
            edges=held.edges,
            bin=held.bin,
            weight=held.weight,
        )


def between_rows(rolled: Rolled) -> Values:
    """What each row's counter gained from the last sample of the row before it to its own first; 0 for the first row of a series.

    Where the counter is smaller than it was, it began again at zero (Prometheus, "increase").
    """
    gained = np.zeros(len(rolled))
    if len(rolled) > 1:
        same = rolled.series[1:] == rolled.series[:-1]
        gained[1:] = np.where(same, _gains(rolled.last[:-1], rolled.first[1:]), 0.0)
    return gained


def gained(rolled: Rolled) -> Values:
    """What each row's counter gained since the last sample of the row before it (the first row of a series: since its own first sample)."""
    with np.errstate(invalid="ignore", over="ignore"):
        return rolled.increase + between_rows(rolled)


def increase(rolled: Rolled) -> float:
    """What the counter of these rows, all of one series, gained from their first sample to their last. 0 where there are none, NaN where
    the series was no counter."""
    with np.errstate(invalid="ignore", over="ignore"):
        return float(gained(rolled).sum())


def quantile(rolled: Rolled, q: float) -> Values:
    """The quantile ``q`` (0 to 1) of each row, within 1 % of the exact one and never outside of the row's own extremes. NaN where it is not
    known: of counters, and of rows of which a part was rolled up as a counter."""
    known = binning.weights(rolled) == rolled.count
    found = np.clip(binning.quantile(rolled, q), rolled.minimum, rolled.maximum)
    return np.where(known, found, np.nan)


def take(rolled: Rolled, places: Places) -> Rolled:
    """The rows at these places, in this order."""
    lengths = np.diff(rolled.edges)[places]
    edges = np.concatenate(([0], np.cumsum(lengths)))
    within = np.arange(edges[-1]) + np.repeat(rolled.edges[:-1][places] - edges[:-1], lengths)
    columns = {name: getattr(rolled, name)[places] for name in _PLAIN}
    return Rolled(**columns, edges=edges, bin=rolled.bin[within], weight=rolled.weight[within])


def join(parts: Sequence[Rolled]) -> Rolled:
    """All rows of the parts, sorted by (series, start). Where two have a row for the same stretch, that of the earlier part is taken."""
    parts = [part for part in parts if len(part)]
    if len(parts) < 2:
        return parts[0] if parts else nothing_rolled()
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PLAIN}
    shifts = np.cumsum([0, *(len(part.bin) for part in parts)])
    edges = np.concatenate([part.edges[:-1] + shift for part, shift in zip(parts, shifts, strict=False)] + [shifts[-1:]])
    numbers = np.concatenate([part.bin for part in parts])
    weight = np.concatenate([part.weight for part in parts])
    whole = Rolled(**columns, edges=edges, bin=numbers, weight=weight)
    if _ascends(whole):
        return whole
    order = np.lexsort((whole.start, whole.series))
    return take(whole, order[_begins(whole.series[order], whole.start[order])])


def _ascends(rolled: Rolled) -> bool:
    before, after = rolled.series[:-1], rolled.series[1:]
    return bool(np.all((after > before) | ((after == before) & (rolled.start[1:] > rolled.start[:-1]))))


def _begins(series: Ids, stretch: Places) -> Places:
    """Where, in sorted columns, a new series or stretch begins."""
    changes = np.ones(len(series), np.bool_)
    np.not_equal(series[1:], series[:-1], out=changes[1:])
    changes[1:] |= stretch[1:] != stretch[:-1]
    return np.flatnonzero(changes)


def _gains(before: Values, after: Values) -> Values:
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(after < before, after, after - before)


def _increases(value: Values, begins: Places, counting: NDArray[np.bool_]) -> Values:
    gains = np.zeros(len(value))
    gains[1:] = _gains(value[:-1], value[1:])
    gains[begins] = 0.0
    return np.where(counting, np.add.reduceat(gains, begins), np.nan)


def _bins(value: Values, begins: Places, ends: Places, counting: NDArray[np.bool_]) -> binning.Bins:
    row = np.repeat(np.arange(len(begins)), ends - begins)
    sampled = ~counting[row]
    return binning.count(row[sampled], binning.bin_of(value[sampled]), len(begins))
