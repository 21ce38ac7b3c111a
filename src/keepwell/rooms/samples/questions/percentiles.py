"""How long things took: the percentiles of each phase of a check, or of any series.

A percentile is the value of rank ``floor(q * (n - 1))`` of the n values in order, counted from 0 (``numpy.quantile`` calls it "lower"; so
do the bins of ``bins.py``, which are within 1 % of it).
"""

import re
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.model import Rolled, Values

from .points import QUANTILES, quantile_of

PHASES = ("dns", "connect", "tls", "first_byte", "duration")
"""The phases that a check of kind http measures, in their order; ``duration`` is the whole."""

NAMES = rf"(?:.+_)?(?:{'|'.join(PHASES)})_seconds"
"""The names of the metrics of phases, as a regular expression: those of a step carry its name before."""

_NAME = re.compile(rf"(?:(.+)_)?({'|'.join(sorted(PHASES, key=len, reverse=True))})_seconds")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of ``count`` values: their mean, extremes, and percentiles by name (``p95``). None of it of no values: NaN."""

    count: int
    mean: float
    minimum: float
    maximum: float
    percentiles: dict[str, float]


def phase_of(name: str) -> tuple[str, str]:
    """The step (empty where there is none) and the phase that a metric's name says; both empty where it is no phase."""
    found = _NAME.fullmatch(name)
    return (found[1] or "", found[2]) if found else ("", "")


def order_of(name: str) -> tuple[str, int]:
    """Sorts metrics by step, then by phase as they follow each other."""
    step, phase = phase_of(name)
    return step, PHASES.index(phase) if phase else len(PHASES)


def of_values(values: Values) -> Percentiles:
    """Of every value by itself: exact. NaN is left out."""
    numbers = values[~np.isnan(values)]
    if not len(numbers):
        return _NOTHING
    found = {name: quantile_of(numbers, q) for name, q in QUANTILES.items()}
    with np.errstate(all="ignore"):  # of infinities there is no mean
        return Percentiles(len(numbers), float(numbers.mean()), float(numbers.min()), float(numbers.max()), found)


def of_rows(rolled: Rolled) -> dict[int, Percentiles]:
    """Of all rows of each series, by its number: count, mean and extremes exact, the percentiles within 1 %."""
    if not len(rolled):
        return {}
    whole = rollup.merge(rolled, int(rolled.start.max()) + 1)
    columns = {name: rollup.quantile(whole, q).tolist() for name, q in QUANTILES.items()}
    with np.errstate(all="ignore"):
        means = (whole.sum / whole.count).tolist()
    rows = zip(whole.series.tolist(), whole.count.tolist(), means, whole.minimum.tolist(), whole.maximum.tolist(), strict=True)
    return {
        series: Percentiles(count, mean, least, most, {name: column[row] for name, column in columns.items()})
        for row, (series, count, mean, least, most) in enumerate(rows)
    }


_NAN = float("nan")
_NOTHING = Percentiles(0, _NAN, _NAN, _NAN, dict.fromkeys(QUANTILES, _NAN))
