"""Where a series is heading: a slope that outliers hardly move, its interval, and when a threshold is reached.

The slope is the median of the slopes between all pairs of points (Theil 1950; Sen 1968, "Estimates of the regression coefficient based on
Kendall's tau"). Its interval is that of Gilbert 1987 ("Statistical methods for environmental pollution monitoring", 16.5): of the N
ordered slopes those at ranks (N - C) / 2 and (N + C) / 2 + 1, where C = z * sqrt(Var S) and
``Var S = (n (n-1) (2n+5) - sum over ties t (t-1) (2t+5)) / 18`` is that of Kendall's S (ties among values). The line's height is the
median of ``value - slope * time`` (Conover 1980). The interval takes the points to be independent: of a series that wanders it is too
narrow.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from keepwell.kernel.comparisons import Comparison
from keepwell.rooms.samples.model import Instants, Values

MOST_POINTS = 300
"""Points between whose pairs slopes are taken: 44,850 pairs. More points are thinned to the median of each of so many equal stretches."""
FEWEST_POINTS = 10
"""With fewer, Gilbert's interval does not hold."""

_Z = {0.8: 1.2815515655446004, 0.9: 1.6448536269514722, 0.95: 1.959963984540054, 0.99: 2.5758293035489004}
CONFIDENCES = tuple(_Z)
_DAY = 86_400_000.0
_FAR = 36_500.0  # a hundred years: nothing that grows so slowly is heading anywhere

Answer = Literal["in", "never", "already", "unclear"]


@dataclass(frozen=True, slots=True)
class Until:
    """When a threshold is reached. ``answer`` is ``already`` (the line is beyond it now), ``in`` so many ``days`` (``earliest`` to
    ``latest``; a ``latest`` of None is never, since the slope's interval reaches to none or away), or ``never`` (``earliest`` may still be
    a number)."""

    answer: Answer
    days: float | None = None
    earliest: float | None = None
    latest: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """``per_day`` with its interval ``low`` to ``high`` at ``confidence``, in the series' unit; ``level`` is the line at the end, that of
    the two outer slopes ``level_low`` and ``level_high``. ``points`` were used, of ``of`` that there were."""

    per_day: float
    low: float
    high: float
    confidence: float
    level: float
    level_low: float
    level_high: float
    points: int
    of: int


def thin(at: Instants, values: Values, most: int = MOST_POINTS) -> tuple[Values, Values]:
    """At most ``most`` points: the medians (of time and of value) of the points of as many equal stretches of time. ``at`` ascends and may
    be any number of points; NaN and infinities are left out. Times come back as float milliseconds."""
    finite = np.isfinite(values)
    at, values = at[finite], values[finite]
    times = at.astype(np.float64)
    if len(at) <= most:
        return times, values
    length = (times[-1] - times[0]) / most or 1.0
    stretch = np.minimum((times - times[0]) // length, most - 1).astype(np.int64)
    order = np.lexsort((values, stretch))
    ordered = values[order]
    begins = np.flatnonzero(np.concatenate(([True], stretch[1:] != stretch[:-1])))
    counts = np.diff(begins, append=len(stretch))
    lower, upper = begins + (counts - 1) // 2, begins + counts // 2
    return (times[lower] + times[upper]) / 2, ordered[lower] / 2 + ordered[upper] / 2


def slope(at: Instants, values: Values, end: int, confidence: float = 0.95) -> Line | None:
    """The line through points, ``at`` ascending in milliseconds since 1970. None of fewer than ``FEWEST_POINTS`` points,
    and of values whose differences no float holds.

    ``confidence`` is one of ``CONFIDENCES``. At most ``MOST_POINTS`` points are used, so the cost is bounded.
    """
    times, numbers = thin(at, values)
    if len(times) < FEWEST_POINTS or times[-1] <= times[0]:
        return None
    days = (times - end) / _DAY
    spread = _Z[confidence] * _standard_deviation(numbers)
    with np.errstate(all="ignore"):  # differences of the largest floats are infinite
        slopes = _slopes(days, numbers)
        low, high = _ranked(slopes, (len(slopes) - spread) / 2 - 1), _ranked(slopes, (len(slopes) + spread) / 2)
        middle = float(np.median(slopes))
        level, level_low, level_high = (float(np.median(numbers - one * days)) for one in (middle, low, high))
    if not np.isfinite([middle, low, high, level, level_low, level_high]).all():
        return None
    return Line(middle, low, high, confidence, level, level_low, level_high, len(times), int(np.isfinite(values).sum()))


def _slopes(days: Values, numbers: Values) -> Values:
    """Those between all pairs of points at different times, in order."""
    first, second = np.triu_indices(len(days), 1)
    apart = days[second] - days[first]
    found = (numbers[second] - numbers[first])[apart > 0] / apart[apart > 0]
    return np.sort(found)


def _standard_deviation(numbers: Values) -> float:
    """That of Kendall's S, with its correction for ties."""
    count = len(numbers)
    _, ties = np.unique(numbers, return_counts=True)
    variance = (count * (count - 1) * (2 * count + 5) - int((ties * (ties - 1) * (2 * ties + 5)).sum())) / 18
    return float(np.sqrt(max(variance, 0.0)))


def _ranked(slopes: Values, place: float) -> float:
    """The slope at a place counted from 0 that need not be whole: between its neighbours in proportion, within the slopes there are."""
    return float(np.interp(place, np.arange(len(slopes)), slopes))


def until(line: Line, threshold: Comparison) -> Until:
    """When ``threshold`` (such as ``> 90%``) begins to hold, in days from the end of the line."""
    upward = threshold.operator in (">", ">=")
    if not upward and threshold.operator not in ("<", "<="):
        return Until("unclear")
    if threshold.holds(line.level):
        return Until("already", 0.0, 0.0, 0.0)
    quick, slow = ((line.high, line.level_high), (line.low, line.level_low))
    if not upward:
        quick, slow = slow, quick
    days = _reach(line.per_day, line.level, threshold.bound, upward)
    earliest = _reach(*quick, threshold.bound, upward)
    latest = _reach(*slow, threshold.bound, upward)
    return Until("in" if days is not None else "never", days, earliest, latest)


def _reach(per_day: float, level: float, bound: float, upward: bool) -> float | None:
    """In how many days a line is at the bound; None where it is not within a hundred years, 0 where it is there."""
    if (level >= bound) if upward else (level <= bound):
        return 0.0
    if (per_day <= 0) if upward else (per_day >= 0):
        return None
    days = (bound - level) / per_day
    return days if days <= _FAR else None
