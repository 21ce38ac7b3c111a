"""Numbers that are short decimals, as most measured ones are, kept as whole numbers: a quarter of the bytes, and nothing lost.

0.043125 is 43125 with 6 digits. It is kept so only where ``43125 / 10**6`` gives the same float64 to the last bit: both are exact in
float64, so the division rounds as reading the decimal did (IEEE 754, 5.4.1). The idea is that of ALP (Afroozeh, Kuffo, Boncz: "ALP:
Adaptive Lossless floating-Point Compression", SIGMOD 2024); the number of digits is chosen for each series here.
"""

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.samples.model import Ids, Values

_TRIED = (0, 1, 2, 3, 4, 6, 9)
_POWERS = 10.0 ** np.arange(max(_TRIED) + 1)
_LARGEST = float(1 << 53)
_SHARE = 0.9
"""How much of a series must be exact for it to be kept in whole numbers; the rest is kept as it is, beside them."""

Digits = NDArray[np.int32]
Wholes = NDArray[np.int64]
Flags = NDArray[np.bool_]


def digits_of(series: Ids, values: Values) -> Digits:
    """How many digits after the point each row's series has (rows sorted by series); 0 also where it has too many."""
    if not len(series):
        return np.empty(0, np.int32)
    run = _runs(series)
    finite = np.bincount(run, np.isfinite(values))
    chosen = np.zeros(len(finite), np.int32)
    open_ = finite > 0
    for digits in _TRIED:
        rows = np.flatnonzero(open_[run])
        if not len(rows):
            break
        exact, _ = _exact(values[rows], np.full(len(rows), digits))
        found = open_ & (np.bincount(run[rows], exact, len(finite)) >= _SHARE * finite)
        chosen[found] = digits
        open_ &= ~found
    return chosen[run]


def split(series: Ids, values: Values, digits: Digits) -> tuple[Wholes, Flags]:
    """Which rows are kept in whole numbers, and these (0 elsewhere). A series of which few rows would be is kept as it is."""
    if not len(series):
        return np.empty(0, np.int64), np.empty(0, np.bool_)
    exact, scaled = _exact(values, digits)
    run = _runs(series)
    worth = np.bincount(run, exact) >= _SHARE * np.bincount(run, np.isfinite(values))
    exact &= worth[run]
    return np.where(exact, scaled, 0.0).astype(np.int64), exact


def snapped(sums: Values, digits: Digits, error: Values) -> Values:
    """Sums of decimals with so many digits have no more of them: those that are within ``error``, the bound of what adding up float64 may
    lose, of such a number become it. So they are short again, and closer to the true sum."""
    power = _POWERS[digits]
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(sums * power)
        near = scaled / power
        return np.where((np.abs(near - sums) <= error) & (np.abs(scaled) < _LARGEST), near, sums)


def restored(wholes: Wholes, digits: Digits) -> Values:
    """The numbers that were kept in whole numbers."""
    numbers: Values = wholes / _POWERS[digits]
    return numbers


def _exact(values: Values, digits: Digits) -> tuple[Flags, Values]:
    power = _POWERS[digits]
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.rint(values * power)
        exact = (scaled / power == values) & (np.abs(scaled) < _LARGEST)
    exact &= ~((scaled == 0) & np.signbit(values))
    return exact, scaled


def _runs(series: Ids) -> Wholes:
    """Counts the series: 0 for all rows of the first, and so on."""
    changes = np.zeros(len(series), np.int64)
    changes[1:] = series[1:] != series[:-1]
    return np.cumsum(changes)
