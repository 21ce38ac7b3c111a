"""Round numbers and times for the axes of a plot. Pure; times are seconds since 1970."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from keepwell.kernel.comparisons import Unit, describe

_ROUND = (1.0, 2.0, 5.0, 10.0)
_CLOCK = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
_DAYS = (172_800, 432_000, 864_000, 2_592_000, 5_184_000, 15_552_000, 31_536_000, 63_072_000, 157_680_000, 315_360_000)
_TIMES = (1, 2, 5, 10, 15, 30, *_CLOCK, *_DAYS)
_DAY, _YEAR = 86_400, 31_536_000
_GREATEST = 1e290


@dataclass(frozen=True, slots=True)
class Scale:
    """The values that a plot reaches from ``low`` to ``high``, with a tick every ``tick``."""

    low: float
    high: float
    tick: float

    @property
    def ticks(self) -> Sequence[float]:
        """Every tick, ascending."""
        return [self.low + self.tick * number for number in range(round((self.high - self.low) / self.tick) + 1)]

    def share(self, value: float) -> float:
        """Where the value lies, from 0 at the lower end to 1 at the upper."""
        return (within(value) - self.low) / (self.high - self.low)


def scale(lowest: float, highest: float, most: int, unit: Unit) -> Scale:
    """A scale with round ends around these values and at most ``most`` ticks (three or more). It begins at zero where the values lie nearer
    to it than to each other. Of sizes round means powers of 1024, of times whole minutes, hours and days."""
    lowest, highest = within(lowest), within(highest)
    if 0 < lowest <= highest / 2 or lowest >= 0 >= highest:
        lowest = 0.0
    if highest / 2 <= highest <= 0 and highest > lowest / 2:
        highest = 0.0
    # Values that differ by what rounding leaves are one value.
    if highest - lowest <= max(1e-12 * max(abs(highest), abs(lowest)), 1 / _GREATEST):
        margin = abs(highest) / 10 or 1.0
        lowest, highest = lowest - margin, highest + margin
    whole = 1024.0 ** math.floor(math.log(max(abs(highest), abs(lowest)), 1024)) if unit is Unit.BYTES else 1.0
    tick = _tick((highest - lowest) / (most - 1), unit, whole)
    while _ends(lowest, highest, tick)[2] + 1 > most:
        tick = _tick(tick * 1.01, unit, whole)
    low, high, _ = _ends(lowest, highest, tick)
    return Scale(low, high, tick)


def within(value: float) -> float:
    """The value, or the greatest of its sign by which an axis can be divided."""
    return max(-_GREATEST, min(_GREATEST, value))


def _ends(lowest: float, highest: float, tick: float) -> tuple[float, float, int]:
    below, above = math.floor(lowest / tick + 1e-9), math.ceil(highest / tick - 1e-9)
    return below * tick, above * tick, above - below


def _tick(least: float, unit: Unit, whole: float) -> float:
    """The smallest round number that is at least so large. ``whole`` is what counts as one."""
    if unit is Unit.SECONDS and least > 30:
        found = next((step for step in (*_CLOCK, *_DAYS) if step >= least), None)
        return float(found) if found else _DAY * _tick(least / _DAY, Unit.NUMBER, 1.0)
    power = 10.0 ** math.floor(math.log10(least / whole) + 1e-9)
    return whole * power * next(step for step in _ROUND if step * power >= least / whole * (1 - 1e-9))


def value_labels(found: Scale, unit: Unit) -> Sequence[str]:
    """The ticks in words, ascending."""
    digits = max(0, -math.floor(math.log10(found.tick) + 1e-9)) if found.tick < 1 else 0
    if unit is Unit.NUMBER and digits <= 6 and max(abs(found.low), abs(found.high)) < 1e7:
        return [f"{_without_dust(tick, found.tick):.{digits}f}" for tick in found.ticks]
    return [describe(_without_dust(tick, found.tick), unit) for tick in found.ticks]


def _without_dust(value: float, tick: float) -> float:
    """A tick of zero is zero, also where adding up left a little."""
    return 0.0 if abs(value) < tick * 1e-6 else value


def time_ticks(start: float, end: float, most: int) -> tuple[Sequence[float], str]:
    """Round instants in UTC between both, at most so many, and the form in which all of them are told apart (``strftime``)."""
    length = max(end - start, 1.0)
    step = next((step for step in _TIMES if end // step - -(-start // step) < most), _TIMES[-1])
    first = math.ceil(start / step) * step
    found = [float(at) for at in range(first, math.floor(end) + 1, step)]
    return found[:most], _form(length, step)


def _form(length: float, step: float) -> str:
    if step >= _DAY:
        return "%Y-%m-%d" if length > _YEAR * 0.8 else "%m-%d"
    if length > _DAY:
        return "%m-%d %H:%M"
    return "%H:%M" if step >= 60 else "%H:%M:%S"


def time_label(at: float, form: str) -> str:
    """An instant in UTC, in that form."""
    return datetime.fromtimestamp(at, UTC).strftime(form)
