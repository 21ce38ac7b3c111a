"""Classic histograms: quantiles and fractions of their buckets ("Query functions", histogram_quantile and histogram_fraction)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.vectors import Rows, Vector, empty
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.literals import general
from keepwell.rooms.promql.model import Flags, Values

BUCKET = "le"
"""The label with a bucket's upper bound."""

_TOLERANCE = 1e-12
"""Relative differences of counts below this are rounding, in whichever direction (promql/quantile.go, smallDeltaTolerance)."""

_MONOTONIC = (
    "input to histogram_quantile needed to be fixed for monotonicity "
    "(see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)


@dataclass(frozen=True, slots=True)
class _Histogram:
    """The buckets of one histogram: their rows by ascending upper bound."""

    labels: Labels
    bounds: Values
    rows: Rows


@dataclass(frozen=True, slots=True)
class _Buckets:
    """One histogram at the moments at which it has the same buckets: ``counts`` has a row for each of the ascending ``bounds``."""

    bounds: Values
    counts: Values


def bound_of(text: str) -> float | None:
    """A bucket's upper bound as Go's ``strconv.ParseFloat`` reads it; None where it is none."""
    if not text or text != text.strip() or "_" in text:
        return None
    try:
        return float.fromhex(text) if text.lower().lstrip("+-").startswith("0x") else float(text)
    except ValueError:
        return None


def _histograms(vector: Vector, context: Context, place: int) -> Iterator[_Histogram]:
    found: dict[Key, list[tuple[float, int]]] = {}
    labels: dict[Key, Labels] = {}
    for row, own in enumerate(vector.labels):
        if not vector.present[row].any():
            continue
        bound = bound_of(own.get(BUCKET, ""))
        if bound is None:
            text, name = own.get(BUCKET, ""), own.get("__name__", "")
            of = f' for metric name "{name}"' if name else ""
            context.remarks.warn(f'bucket label "{BUCKET}" is missing or has a malformed value of "{text}"{of} {context.spot(place)}')
            continue
        rest = own.without((BUCKET,))
        key = rest.key
        labels.setdefault(key, rest)
        found.setdefault(key, []).append((bound, row))
    for key, buckets in found.items():
        buckets.sort()
        rows = np.array([row for _, row in buckets], dtype=np.intp)
        yield _Histogram(labels[key], np.array([bound for bound, _ in buckets]), rows)


def _by_buckets(histogram: _Histogram, vector: Vector) -> Iterator[tuple[_Buckets, Rows]]:
    # Moments at which the same buckets are there are computed together; mostly that is all of them.
    present = vector.present[histogram.rows]
    if present.all():
        patterns, which = present[:, :1].T, np.zeros(vector.moments, dtype=np.intp)
    else:
        patterns, which = np.unique(present.T, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        columns = np.flatnonzero(which.ravel() == number)
        if pattern.any():
            counts = vector.values[np.ix_(histogram.rows[pattern], columns)]
            yield _coalesced(histogram.bounds[pattern], counts), columns


def _coalesced(bounds: Values, counts: Values) -> _Buckets:
    # The same bound may be written in several ways: `0.2` and `2e-1`.
    kept, inverse = np.unique(bounds, return_inverse=True)
    if len(kept) == len(bounds):
        return _Buckets(bounds, counts)
    summed = np.zeros((len(kept), counts.shape[1]))
    np.add.at(summed, inverse, counts)
    return _Buckets(kept, summed)


def histogram_quantile(wanted: Values, vector: Vector, context: Context, places: tuple[int, int]) -> Vector:
    """For each histogram the value below which that share of its observations lies. ``places`` are those of both arguments."""
    for bad in np.unique(wanted[~((wanted >= 0) & (wanted <= 1))]):
        context.remarks.warn(f"quantile value should be between 0 and 1, got {general(float(bad))} {context.spot(places[0])}")

    def found(buckets: _Buckets, columns: Rows, name: str) -> Values:
        values, forced = _quantile(wanted[columns], buckets)
        if forced:
            of = f' for metric name "{name}"' if name else ""
            context.remarks.info(f"{_MONOTONIC}{of} {context.spot(places[1])}")
        return values

    return _each(vector, context, places[1], found)


def histogram_fraction(lower: Values, upper: Values, vector: Vector, context: Context, place: int) -> Vector:
    """For each histogram the share of its observations between two values."""
    return _each(vector, context, place, lambda buckets, columns, name: _fraction(lower[columns], upper[columns], buckets))


def _each(vector: Vector, context: Context, place: int, found: Callable[[_Buckets, Rows, str], Values]) -> Vector:
    context.guard(2 * vector.values.size)
    histograms = list(_histograms(vector, context, place))
    if not histograms:
        return empty(vector.moments)
    values = np.full((len(histograms), vector.moments), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    for row, histogram in enumerate(histograms):
        for buckets, columns in _by_buckets(histogram, vector):
            context.guard(0)
            values[row, columns] = found(buckets, columns, histogram.labels.get("__name__", ""))
            present[row, columns] = True
    return Vector([histogram.labels for histogram in histograms], [True] * len(histograms), values, present)


def _quantile(wanted: Values, buckets: _Buckets) -> tuple[Values, bool]:
    bounds, counts = buckets.bounds, buckets.counts.copy()
    outside = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, np.nan))
    inside = (wanted >= 0) & (wanted <= 1)
    if bounds[-1] != np.inf:
        return outside, False
    forced = _made_monotonic(counts, inside)
    if len(bounds) < 2:
        return outside, forced
    rank = wanted * counts[-1]
    reached = counts[:-1] >= rank
    bucket = np.where(reached.any(axis=0), reached.argmax(axis=0), len(bounds) - 1)
    below = np.maximum(bucket - 1, 0)
    column = np.arange(len(wanted))
    start = np.where(bucket > 0, bounds[below], 0.0)
    before = np.where(bucket > 0, counts[below, column], 0.0)
    within = start + (bounds[bucket] - start) * ((rank - before) / (counts[bucket, column] - before))
    found = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], within)
    found = np.where(bucket == len(bounds) - 1, bounds[-2], found)
    return np.where(inside & (counts[-1] != 0), found, outside), forced


def _made_monotonic(counts: Values, counted: Flags) -> bool:
    # A bucket holds at least what the one below it holds. True where more than rounding had to be repaired.
    forced = np.zeros(counts.shape[1], dtype=np.bool_)
    before = counts[0].copy()
    for row in counts[1:]:
        near = _almost_equal(before, row)
        fell = row < before
        forced |= fell & ~near
        held = near | fell
        row[held] = before[held]
        before = row
    return bool((forced & counted).any())


def _almost_equal(one: Values, other: Values) -> Flags:
    together = np.abs(one) + np.abs(other)
    near = np.abs(one - other) / np.minimum(together, np.finfo(np.float64).max) < _TOLERANCE
    nowhere = (one == 0) | (other == 0)
    found: Flags = (near & ~nowhere) | (one == other)
    return found


def _fraction(lower: Values, upper: Values, buckets: _Buckets) -> Values:
    bounds, counts = buckets.bounds, buckets.counts
    if bounds[-1] != np.inf:
        return np.full(len(lower), np.nan)
    total = counts[-1]
    # A natural lower bound of 0, unless there are buckets below it.
    starts = np.concatenate(([0.0 if bounds[0] > 0 else -np.inf], bounds[:-1]))
    share = (_rank(upper, starts, buckets) - _rank(lower, starts, buckets)) / total
    share = np.where(lower >= upper, 0.0, share)
    return np.where((total == 0) | np.isnan(lower) | np.isnan(upper), np.nan, share)


def _rank(limit: Values, starts: Values, buckets: _Buckets) -> Values:
    """How many observations lie below each limit. A bucket without end on a side is not interpolated: its observations are on no side of a
    limit inside it."""
    found = buckets.counts[-1].copy()
    seen = np.zeros(len(limit), dtype=np.bool_)
    below = np.zeros(len(limit))
    for start, end, count in zip(starts, buckets.bounds, buckets.counts, strict=True):
        at_start = ~seen & (start >= limit)
        found[at_start] = below[at_start]
        seen |= at_start
        inside = ~seen & (start < limit) & (end > limit)
        within = count if np.isinf(start) else below + (count - below) * (limit - start) / (end - start)
        found[inside] = within[inside]
        seen |= inside
        below = count
    limited: Values = np.minimum(found, buckets.counts[-1])
    return limited
