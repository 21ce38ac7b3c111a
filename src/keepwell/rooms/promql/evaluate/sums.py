"""Sums that do not lose what is small beside what is large: Neumaier's compensated summation, as Prometheus uses it, for many sums at once.

A. Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54 (1974). What each addition rounds away is
found by Knuth's TwoSum ("The Art of Computer Programming", volume 2, 4.2.2, theorem B), which needs no comparison and so suits whole
columns.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.evaluate.context import Guard, Places
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.model import Flags, Values

BLOCK = 1 << 15
"""How many windows are summed at once: what a step touches stays in the processor's cache."""

_EXACT = float(1 << 53)


def add(total: Values, lost: Values, value: Values) -> tuple[Values, Values]:
    """The sum with one more value, and all that rounding has taken from it so far."""
    grown = total + value
    taken = grown - total
    lost = lost + ((total - (grown - taken)) + (value - taken))
    return grown, lost


def settled(total: Values, lost: Values) -> Values:
    """The sum with what rounding took. An infinite sum has lost nothing that could be given back."""
    return np.where(np.isfinite(total), total + lost, total)


def positions(windows: Windows) -> Iterator[tuple[slice, "Steps"]]:
    """Blocks of windows; for each the first values of all its windows with a flag where there is one, then the second ones, and so on.

    A window without a value at that place shows 0.
    """
    low, high = windows.low.ravel(), windows.high.ravel()
    padded = np.append(windows.values, 0.0)
    for start in range(0, len(low), BLOCK):
        block = slice(start, start + BLOCK)
        yield block, Steps(padded, low[block], high[block], windows.guard)


class Steps(Iterable[tuple[Values, Flags]]):
    """The values of one block of windows, place by place."""

    def __init__(self, padded: Values, low: Places, high: Places, guard: Guard) -> None:
        self._padded, self._low, self._high, self._guard = padded, low, high, guard

    def __iter__(self) -> Iterator[tuple[Values, Flags]]:
        end = len(self._padded) - 1
        longest = int((self._high - self._low).max(initial=0))
        for step in range(longest):
            self._guard(0)
            place = self._low + step
            there = place < self._high
            yield self._padded[np.where(there, place, end)], there


def window_sums(windows: Windows) -> tuple[Values, Values]:
    """The sum of each window, and what rounding took from it."""
    flat = windows.low.size
    if _is_whole(windows.values):
        before = np.concatenate(([0.0], np.cumsum(windows.values)))
        sums = before[windows.high] - before[windows.low]
        return sums, np.zeros_like(sums)
    totals, losses = np.zeros(flat), np.zeros(flat)
    for block, steps in positions(windows):
        total, lost = totals[block], losses[block]
        for value, _ in steps:
            total, lost = add(total, lost, value)
        totals[block], losses[block] = total, lost
    return totals.reshape(windows.low.shape), losses.reshape(windows.low.shape)


def _is_whole(values: Values) -> bool:
    # Whole numbers whose sum stays below 2^53 are added without any rounding, in whatever order.
    return bool(np.isfinite(values).all() and np.abs(values).sum() < _EXACT and (values == np.rint(values)).all())


def mean_of(values: Iterable[float]) -> float:
    """The mean of values whose sum is beyond what a number can hold: from there on, the mean is carried along instead of the sum.

    One window only; where sums stay finite their quotient is used, which is more exact (prometheus/prometheus issue 16714).
    """
    total = lost = mean = 0.0
    count = 0
    running = False
    for value in values:
        count += 1
        if not running:
            grown, now_lost = _add_one(total, lost, value)
            if count == 1 or not math.isinf(grown):
                total, lost = grown, now_lost if count > 1 else 0.0
                continue
            running = True
            mean, lost = total / (count - 1), lost / (count - 1)
        share = (count - 1) / count
        mean, lost = _add_one(share * mean, share * lost, value / count)
    return mean + lost if running else total / count + lost / count


def _add_one(total: float, lost: float, value: float) -> tuple[float, float]:
    grown = total + value
    if math.isinf(grown):
        return grown, 0.0
    if abs(total) >= abs(value):
        return grown, lost + ((total - grown) + value)
    return grown, lost + ((value - grown) + total)


_LANES = 256
"""In how many lanes the rows of a very large group are summed side by side, before these are summed."""


def row_sums(values: Values, present: Flags, groups: NDArray[np.intp], count: int) -> tuple[Values, Values]:
    """For each group of rows and each column the sum of what is present, in the order of the rows, and what rounding took from it."""
    largest = int(np.bincount(groups, minlength=1).max())
    if values.size <= _ONE_BY_ONE * largest:
        return _sums_one_by_one(values, present, groups, count)
    if largest > 8 * _LANES:
        return _sums_in_lanes(values, present, groups, count)
    return _sums_in_turn(values, present, groups, count)


_ONE_BY_ONE = 24
"""For so many numbers per turn, adding them one after the other is quicker than as columns."""


def _sums_one_by_one(values: Values, present: Flags, groups: NDArray[np.intp], count: int) -> tuple[Values, Values]:
    moments = values.shape[1]
    totals, losses = [0.0] * (count * moments), [0.0] * (count * moments)
    rows, columns = np.nonzero(present)
    places = (groups[rows] * moments + columns).tolist()
    for place, value in zip(places, values[rows, columns].tolist(), strict=True):
        total = totals[place]
        grown = total + value
        taken = grown - total
        losses[place] += (total - (grown - taken)) + (value - taken)
        totals[place] = grown
    return np.array(totals).reshape(count, moments), np.array(losses).reshape(count, moments)


def _sums_in_turn(values: Values, present: Flags, groups: NDArray[np.intp], count: int) -> tuple[Values, Values]:
    total, lost = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    full = bool(present.all())
    for members, targets in members_in_turn(groups, count):
        taken = values[members] if full else np.where(present[members], values[members], 0.0)
        total[targets], lost[targets] = add(total[targets], lost[targets], taken)
    return total, lost


def _sums_in_lanes(values: Values, present: Flags, groups: NDArray[np.intp], count: int) -> tuple[Values, Values]:
    total, lost = np.zeros((count, values.shape[1])), np.zeros((count, values.shape[1]))
    lanes = np.arange(len(groups), dtype=np.intp) % _LANES
    parts, losses = _sums_in_turn(values, present, groups * _LANES + lanes, count * _LANES)
    for lane in range(_LANES):
        total, lost = add(total, lost + losses[lane::_LANES], parts[lane::_LANES])
    return total, lost


def members_in_turn(groups: NDArray[np.intp], count: int) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The first rows of all groups with their groups, then the second ones, and so on."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups, minlength=count)
    starts = np.concatenate(([0], np.cumsum(sizes)))[:-1]
    for turn in range(int(sizes.max(initial=0))):
        targets = np.flatnonzero(sizes > turn)
        yield order[starts[targets] + turn], targets
