"""Points of series over time: one value for each step, from rolled-up rows.

A point at ``t`` is of the samples from ``t`` (contained) to ``t`` plus the step (not contained). An increase begins at the last sample
before the step, so that those of neighbouring steps add up to that of both, and nothing is extrapolated (as VictoriaMetrics'
``increase``, MetricsQL; Prometheus' own extrapolates to the edges of its range). A rate is the increase divided by the step's seconds.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.problems import UsageError
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.model import Instants, Rolled, Values
from keepwell.rooms.samples.tiers import Need

QUANTILES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}

_READ: Mapping[str, Callable[[Rolled, int], Values]] = {
    "avg": lambda rolled, _: rolled.sum / rolled.count,
    "min": lambda rolled, _: rolled.minimum,
    "max": lambda rolled, _: rolled.maximum,
    "sum": lambda rolled, _: rolled.sum,
    "count": lambda rolled, _: rolled.count.astype(np.float64),
    "last": lambda rolled, _: rolled.last,
    "increase": lambda rolled, _: rollup.gained(rolled),
    "rate": lambda rolled, step: rollup.gained(rolled) / (step / 1000),
}
KINDS = (*_READ, *QUANTILES)
"""What a point may be."""


def read_kinds(text: str) -> tuple[str, ...]:
    """The kinds of points that a list such as ``avg,max`` names, each once. Raises UsageError with one sentence."""
    kinds = tuple(dict.fromkeys(word.strip() for word in text.split(",")))
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise UsageError(f"of: {unknown[0][:20]!r} is not known", hint=f"write one or more of {', '.join(KINDS)}, with commas between them")
    return kinds


def need_of(kinds: tuple[str, ...]) -> Need:
    """What these kinds ask of the rows."""
    return Need.QUANTILE if any(kind in QUANTILES for kind in kinds) else Need.WHOLE


def points(rolled: Rolled, kind: str, step: int) -> Values:
    """The value of each row of one series, whose rows are each one step long; NaN where it is not known."""
    with np.errstate(all="ignore"):
        return _READ[kind](rolled, step) if kind in _READ else rollup.quantile(rolled, QUANTILES[kind])


def spread(at: Instants, values: Values, start: int, end: int, step: int) -> Values:
    """One value for each step from ``start`` to ``end``, NaN where there is none; ``at`` are the starts of steps."""
    grid = np.full((end - start) // step, np.nan)
    place: NDArray[np.int64] = (at - start) // step
    inside = (place >= 0) & (place < len(grid))
    grid[place[inside]] = values[inside]
    return grid


def as_points(values: Values, start: int, step: int) -> list[tuple[float, float | None]]:
    """The points for JSON: seconds since 1970, and the number or None where there is none (or one that JSON cannot say)."""
    finite = np.isfinite(values)
    return [
        ((start + number * step) / 1000, float(value) if known else None)
        for number, (value, known) in enumerate(zip(values.tolist(), finite.tolist(), strict=True))
    ]


def quantile_of(values: Values, q: float) -> float:
    """The quantile of all these values (without NaN): the value of rank ``floor(q * (n - 1))``, counted from 0, as ``bins.py`` has it too,
    so that raw and rolled-up answers mean the same. NaN of nothing."""
    numbers = values[~np.isnan(values)]
    return float(np.quantile(numbers, q, method="lower")) if len(numbers) else float("nan")


def quantiles_by_step(at: Instants, values: Values, q: float, step: int) -> tuple[Instants, Values]:
    """The exact quantile of the samples of each step: the starts of the steps that have samples, and the quantile of each.

    ``at`` ascends. NaN (a staleness marker is one) is left out.
    """
    numbers = ~np.isnan(values)
    at, values = at[numbers] // step, values[numbers]
    if not len(at):
        return np.empty(0, np.int64), np.empty(0)
    order = np.lexsort((values, at))
    begins = np.flatnonzero(np.concatenate(([True], at[1:] != at[:-1])))
    counts = np.diff(begins, append=len(at))
    ranks = np.floor(q * (counts - 1)).astype(np.int64)
    return at[begins] * step, values[order][begins + ranks]
