"""Quantile bins that can be added up: what a stored percentile cannot do.

The bins are those of DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019): bin ``k`` holds what is above gamma^(k-1) and up to gamma^k, with gamma = (1 + a) / (1 - a), so that its middle is
within ``a`` of all of it. A quantile is the value of rank ``floor(q * (n - 1))`` counted from 0 (the paper's definition;
``numpy.quantile`` calls it "lower").

Numbers of bins ascend with the values in them: positive values have numbers above zero, negative ones the same below it, and zero (and what
is too small to be a normal float) has 0. No bin is ever thrown together with another: values that span a factor of 10,000 have 460.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.samples.model import Values

ERROR = 0.01
"""How far a quantile may be from the exact one, relative to it."""

_GAMMA = (1 + ERROR) / (1 - ERROR)
_LN_GAMMA = float(np.log(_GAMMA))
_LN_MIDDLE = float(np.log(2 / (1 + _GAMMA)))

_SMALLEST = float(np.finfo(np.float64).tiny)
_LARGEST = float(np.finfo(np.float64).max)

_SHIFT = 40_000
"""Makes the numbers of positive values positive: those of all normal floats are from -35,420 to 35,489."""

INFINITE = 100_000
"""The bin of infinity; that of minus infinity is its negative."""

_BIN_BITS = 18
_WEIGHT_BITS = 24
_PACKED_ROWS = 1 << (62 - _BIN_BITS - _WEIGHT_BITS)

Numbers = NDArray[np.int64]


class Binned(Protocol):
    """Rows of bins: those of row ``i`` are ``bin[edges[i]:edges[i+1]]``, ascending, with ``weight`` samples each. A ``Rolled`` is one."""

    @property
    def edges(self) -> Numbers: ...
    @property
    def bin(self) -> NDArray[np.int32]: ...
    @property
    def weight(self) -> Numbers: ...


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows of bins and nothing else."""

    edges: Numbers
    bin: NDArray[np.int32]
    weight: Numbers


def bin_of(values: Values) -> NDArray[np.int32]:
    """The number of the bin of each value; NaN is not allowed."""
    size = np.abs(values)
    ordinary = (size >= _SMALLEST) & (size <= _LARGEST)
    numbers = np.zeros(len(values), np.float64)
    np.log(size, out=numbers, where=ordinary)
    numbers /= _LN_GAMMA
    np.ceil(numbers, out=numbers)
    numbers += _SHIFT
    numbers[~ordinary] = 0
    numbers[size > _LARGEST] = INFINITE
    return np.copysign(numbers, values).astype(np.int32)


def value_of(numbers: NDArray[np.int32]) -> Values:
    """The middle of each bin, in the sense of the relative error."""
    power = np.abs(numbers).astype(np.float64)
    exponent = (power - _SHIFT) * _LN_GAMMA + _LN_MIDDLE
    size = np.exp(np.minimum(exponent, np.log(_LARGEST) - 1e-12))
    size[power == 0] = 0.0
    size[power == INFINITE] = np.inf
    signed: Values = np.copysign(size, numbers)
    return signed


def count(row: Numbers, numbers: NDArray[np.int32], rows: int) -> Bins:
    """Counts samples into bins. ``row`` (ascending, below ``rows``) says to which row each sample belongs, ``numbers`` to which bin."""
    key = (row << _BIN_BITS) | (numbers.astype(np.int64) + INFINITE)
    key.sort()
    begins = _changes(key)
    weight = np.diff(begins, append=len(key))
    return _unpacked(key[begins], weight, rows)


def gather(row: Numbers, numbers: NDArray[np.int32], weight: Numbers, rows: int) -> Bins:
    """Adds bins up: those that ``row`` (in any order, below ``rows``) and ``numbers`` say to be the same become one."""
    key = (row << _BIN_BITS) | (numbers.astype(np.int64) + INFINITE)
    if len(key) and rows <= _PACKED_ROWS and int(weight.max()) < 1 << _WEIGHT_BITS:
        packed = (key << _WEIGHT_BITS) | weight  # one sort of integers is several times quicker than to sort places by them
        packed.sort()
        key, weight = packed >> _WEIGHT_BITS, packed & ((1 << _WEIGHT_BITS) - 1)
    else:
        order = np.argsort(key, kind="stable")
        key, weight = key[order], weight[order]
    begins = _changes(key)
    summed = np.add.reduceat(weight, begins) if len(begins) else weight
    return _unpacked(key[begins], summed, rows)


def weights(bins: Binned) -> Numbers:
    """How many samples the bins of each row hold."""
    ends = np.concatenate(([0], np.cumsum(bins.weight)))
    held: Numbers = ends[bins.edges[1:]] - ends[bins.edges[:-1]]
    return held


def quantile(bins: Binned, q: float) -> Values:
    """The quantile ``q`` (0 to 1) of each row, within ``ERROR`` of the exact one; NaN where the row has no bins."""
    ends = np.cumsum(bins.weight)
    held = weights(bins)
    before = np.concatenate(([0], ends))[bins.edges[:-1]]
    rank = np.floor(q * np.maximum(held - 1, 0)).astype(np.int64)
    found = np.full(len(held), np.nan)
    filled = held > 0
    place = np.searchsorted(ends, (before + rank)[filled], side="right")
    found[filled] = value_of(bins.bin[place])
    return found


def _changes(key: Numbers) -> Numbers:
    """Where a sorted column begins a new value."""
    if not len(key):
        return np.empty(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])))


def _unpacked(key: Numbers, weight: Numbers, rows: int) -> Bins:
    edges = np.searchsorted(key, np.arange(rows + 1, dtype=np.int64) << _BIN_BITS)
    numbers = (key & ((1 << _BIN_BITS) - 1)) - INFINITE
    return Bins(edges.astype(np.int64), numbers.astype(np.int32), weight.astype(np.int64))
