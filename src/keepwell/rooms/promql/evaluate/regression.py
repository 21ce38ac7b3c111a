"""Straight lines through a window's samples, by least squares: deriv and predict_linear."""

from dataclasses import dataclass

import numpy as np

from keepwell.rooms.promql.evaluate.context import Places
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.evaluate.sums import BLOCK, add
from keepwell.rooms.promql.model import Flags, Instants, Values


@dataclass(frozen=True, slots=True)
class _Lines:
    """Lines: their slope per second, and their height at the time that was asked for."""

    slope: Values
    height: Values


def deriv(windows: Windows) -> tuple[Values, Flags]:
    """The slope per second; needs two samples."""
    two = windows.counts >= 2
    at = np.append(windows.at, 0)
    # A time near the samples, so that nothing is lost by squaring large numbers.
    return _lines(windows, at[np.where(two, windows.low, -1)]).slope, two


def predict_linear(windows: Windows, moments: Instants, ahead: Values) -> tuple[Values, Flags]:
    """The line's height ``ahead`` seconds after the moment; needs two samples."""
    lines = _lines(windows, np.broadcast_to(moments, windows.shape))
    return lines.slope * ahead + lines.height, windows.counts >= 2


def _lines(windows: Windows, zero: Instants) -> _Lines:
    slope, height = np.full(windows.low.size, np.nan), np.full(windows.low.size, np.nan)
    low, high, zeros = windows.low.ravel(), windows.high.ravel(), zero.ravel()
    for start in range(0, len(low), BLOCK):
        block = slice(start, start + BLOCK)
        slope[block], height[block] = _fitted(windows, low[block], high[block], zeros[block])
    return _Lines(slope.reshape(windows.shape), height.reshape(windows.shape))


def _fitted(windows: Windows, low: Places, high: Places, zero: Instants) -> tuple[Values, Values]:
    at, values = np.append(windows.at, 0), np.append(windows.values, 0.0)
    first = values[np.where(low < high, low, -1)]
    level = np.ones(len(low), dtype=np.bool_)
    x = lost_x = y = lost_y = xy = lost_xy = xx = lost_xx = np.zeros(len(low))
    for step in range(int((high - low).max(initial=0))):
        windows.guard(0)
        place = low + step
        there = place < high
        place = np.where(there, place, -1)
        value = values[place]
        seconds = np.where(there, (at[place] - zero) / 1000.0, 0.0)
        level &= ~there | (value == first)
        x, lost_x = add(x, lost_x, seconds)
        y, lost_y = add(y, lost_y, value)
        xy, lost_xy = add(xy, lost_xy, seconds * value)
        xx, lost_xx = add(xx, lost_xx, seconds * seconds)
    count = np.maximum(high - low, 1).astype(np.float64)
    x, y, xy, xx = x + lost_x, y + lost_y, xy + lost_xy, xx + lost_xx
    slope = (xy - x * y / count) / (xx - x * x / count)
    height = y / count - slope * x / count
    flat = np.where(np.isinf(first), np.nan, 0.0)
    return np.where(level, flat, slope), np.where(level, np.where(np.isinf(first), np.nan, first), height)
