"""This hour beside the same hour a week ago: mean, p95 and count of both, their ratios, and whether that is enough to say anything."""

import math
from dataclasses import dataclass

from .percentiles import Percentiles

FEWEST = 30
"""Samples on each side below which a p95 says little: two of thirty lie above it."""
_ALIKE = 0.5
"""The smaller number of samples is at least this part of the larger; otherwise one side was not measured as the other."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Now divided by then, None where one of them is not known or then was zero. ``enough`` says whether there is enough data on both
    sides; where not, ``why`` says what is missing."""

    mean: float | None
    p95: float | None
    count: float | None
    enough: bool
    why: str = ""


def compare(now: Percentiles, then: Percentiles) -> Compared:
    """Two stretches of one series."""
    why = _missing(now, then)
    return Compared(
        _ratio(now.mean, then.mean), _ratio(now.percentiles["p95"], then.percentiles["p95"]), _ratio(now.count, then.count), not why, why
    )


def _missing(now: Percentiles, then: Percentiles) -> str:
    for words, side in (("now", now), ("then", then)):
        if side.count < FEWEST:
            return f"{side.count} samples {words}: fewer than {FEWEST}"
    if min(now.count, then.count) < _ALIKE * max(now.count, then.count):
        return f"{now.count} samples now and {then.count} then: one was not measured as the other"
    return ""


def _ratio(now: float, then: float) -> float | None:
    ratio = now / then if then else math.nan
    return ratio if math.isfinite(ratio) else None
