"""What a window's samples come to: sums, means, extremes, quantiles, spread."""

from collections.abc import Callable

import numpy as np

from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.evaluate.sums import add, mean_of, positions, settled, window_sums
from keepwell.rooms.promql.model import Flags, Values

_GATHERED = 1 << 21
"""How many samples are laid out side by side at once."""


def sum_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The sum."""
    return settled(*window_sums(windows)), windows.counts > 0


def avg_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The mean, also where the sum is beyond what a number can hold."""
    there = windows.counts > 0
    count = np.maximum(windows.counts, 1)
    total, lost = window_sums(windows)
    mean = np.where(np.isfinite(total), total / count + lost / count, np.nan)
    for row, column in np.argwhere(there & ~np.isfinite(total)):
        values = windows.values[windows.low[row, column] : windows.high[row, column]]
        mean[row, column] = np.nan if np.isnan(values).any() else mean_of(values.tolist())
    return mean, there


def min_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The smallest value; NaN only where there is nothing else."""
    return _reduced(windows, np.fmin)


def max_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The largest value; NaN only where there is nothing else."""
    return _reduced(windows, np.fmax)


def _reduced(windows: Windows, function: np.ufunc) -> tuple[Values, Flags]:
    there = windows.counts > 0
    values = np.full(windows.shape, np.nan)
    if there.any():
        edges = np.stack((windows.low[there], windows.high[there]), axis=1).ravel()
        values[there] = function.reduceat(np.append(windows.values, np.nan), edges)[::2]
    return values, there


def count_over_time(windows: Windows) -> tuple[Values, Flags]:
    """How many samples."""
    return windows.counts.astype(np.float64), windows.counts > 0


def present_over_time(windows: Windows) -> tuple[Values, Flags]:
    """1 where there is any sample."""
    return np.ones(windows.shape), windows.counts > 0


def last_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The newest sample."""
    there = windows.counts > 0
    return np.append(windows.values, np.nan)[np.where(there, windows.high - 1, -1)], there


def first_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The oldest sample."""
    there = windows.counts > 0
    return np.append(windows.values, np.nan)[np.where(there, windows.low, -1)], there


def stdvar_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The population variance.

    B. P. Welford, "Note on a method for calculating corrected sums of squares and products", Technometrics 4 (1962), with both of its
    running sums compensated, as Prometheus does.
    """
    flat = np.zeros(windows.low.size)
    for block, steps in positions(windows):
        mean = mean_lost = square = square_lost = np.zeros(len(windows.low.ravel()[block]))
        count = np.zeros(len(mean))
        for value, there in steps:
            count = count + there
            divisor = np.maximum(count, 1.0)
            distance = value - (mean + mean_lost)
            new_mean, new_mean_lost = add(mean, mean_lost, distance / divisor)
            new_square, new_square_lost = add(square, square_lost, distance * (value - (new_mean + new_mean_lost)))
            mean, mean_lost = np.where(there, new_mean, mean), np.where(there, new_mean_lost, mean_lost)
            square, square_lost = np.where(there, new_square, square), np.where(there, new_square_lost, square_lost)
        flat[block] = (square + square_lost) / np.maximum(count, 1.0)
    return flat.reshape(windows.shape), windows.counts > 0


def stddev_over_time(windows: Windows) -> tuple[Values, Flags]:
    """The population standard deviation."""
    variance, there = stdvar_over_time(windows)
    return np.sqrt(variance), there


def quantile_over_time(windows: Windows, quantile: Values) -> tuple[Values, Flags]:
    """The quantile of each moment's window, interpolated between neighbours; NaN counts as the smallest value."""
    there = windows.counts > 0
    result = np.full(windows.low.size, np.nan)
    low, counts = windows.low.ravel(), windows.counts.ravel()
    wanted = np.broadcast_to(quantile, windows.shape).ravel()
    for length in np.unique(counts[counts > 0]):
        members = np.flatnonzero(counts == length)
        for start in range(0, len(members), max(1, _GATHERED // int(length))):
            windows.guard(0)
            some = members[start : start + max(1, _GATHERED // int(length))]
            gathered = windows.values[low[some, np.newaxis] + np.arange(length)]
            result[some] = quantiles(gathered, wanted[some])
    return result.reshape(windows.shape), there


def quantiles(rows: Values, wanted: Values, counts: Values | None = None) -> Values:
    """The wanted quantile of each row, whose order is lost. With ``counts``, a row has only so many values and NaN elsewhere besides.

    promql/quantile.go, quantile: rank q * (n - 1), its two neighbours weighted; -Inf below 0, +Inf above 1, NaN for NaN.
    """
    rows.sort(axis=1)
    nans = np.isnan(rows).sum(axis=1)
    count = np.full(len(rows), rows.shape[1], dtype=np.float64) if counts is None else counts
    nans = nans - (rows.shape[1] - count)
    rank = np.clip(wanted, 0.0, 1.0) * (count - 1)
    rank = np.where(np.isnan(rank), 0.0, np.maximum(rank, 0.0))
    lower = np.floor(rank)
    upper = np.minimum(count - 1, lower + 1)
    weight = rank - lower
    found = _ranked(rows, lower - nans) * (1 - weight) + _ranked(rows, upper - nans) * weight
    found = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, found))
    return np.where(np.isnan(wanted), np.nan, found)


def _ranked(rows: Values, rank: Values) -> Values:
    # Sorted rows have their NaN at the end, and rank 0 is the smallest number: what is below it is one of the NaN.
    taken = np.take_along_axis(rows, np.maximum(rank, 0).astype(np.intp)[:, np.newaxis], axis=1)[:, 0]
    return np.where(rank < 0, np.nan, taken)


OVER_TIME: dict[str, Callable[[Windows], tuple[Values, Flags]]] = {
    "avg_over_time": avg_over_time,
    "count_over_time": count_over_time,
    "first_over_time": first_over_time,
    "last_over_time": last_over_time,
    "max_over_time": max_over_time,
    "min_over_time": min_over_time,
    "present_over_time": present_over_time,
    "stddev_over_time": stddev_over_time,
    "stdvar_over_time": stdvar_over_time,
    "sum_over_time": sum_over_time,
}
"""Functions of a range vector alone."""
