"""Series in ranges, so that no step holds more than so many rows at a time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.samples.files.columns import column
from keepwell.rooms.samples.files.parquet import Opened, read_groups
from keepwell.rooms.samples.model import Ids

Counts = NDArray[np.int64]
"""How many rows each series has; the place is the series' number."""


def counted(counts: Counts, series: Ids) -> Counts:
    """The counts with these rows added."""
    more = np.bincount(series, minlength=len(counts))
    more[: len(counts)] += counts
    return more


def counted_in(counts: Counts, opened: Opened) -> Counts:
    """The counts with a file's rows added. Raises Damaged."""
    for table in read_groups(opened, range(len(opened.first_series)), ("series",)):
        counts = counted(counts, column(table, "series"))
    return counts


def series_in(counts: Counts) -> Ids:
    """The series that have rows, ascending."""
    return np.flatnonzero(counts).astype(np.int32)


def ranges(counts: Counts, most: int) -> Iterator[Ids]:
    """The series that have rows, ascending, in ranges of ``most`` rows at most (or one series)."""
    series = series_in(counts)
    ends = np.cumsum(counts[series])
    first = 0
    while first < len(series):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + most, side="right")))
        yield series[first:last]
        first = last
