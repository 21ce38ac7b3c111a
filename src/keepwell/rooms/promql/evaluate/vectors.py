"""Instant vectors over many moments at once: a row a series, a column a moment."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import ExecutionError, Flags, Values

Rows = NDArray[np.intp]
"""Numbers of rows."""

SAME_LABELS = "vector cannot contain metrics with the same labelset"


@dataclass(frozen=True, slots=True)
class Vector:
    """``values`` and ``present`` have a row for each of ``labels`` and a column a moment. A value where nothing is present means nothing.

    ``nameless`` says of which series the name is to go in the end: until then it still tells series apart, can be grouped by and relabelled
    (Prometheus' delayed removal of names).
    """

    labels: Sequence[Labels]
    nameless: Sequence[bool]
    values: Values
    present: Flags

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def moments(self) -> int:
        """How many columns it has."""
        return int(self.values.shape[1])

    def rows(self, rows: Sequence[int] | Rows) -> "Vector":
        """Only these rows, in this order."""
        return Vector([self.labels[row] for row in rows], [self.nameless[row] for row in rows], self.values[rows], self.present[rows])

    def dropping_names(self, values: Values, present: Flags | None = None) -> "Vector":
        """The same series with other values, which the names do not fit any more."""
        return Vector(self.labels, [True] * len(self), values, self.present if present is None else present)


def any_row(flags: Flags) -> Flags:
    """At which moments any row is set."""
    found: Flags = np.logical_or.reduce(flags, axis=0)
    return found


def any_moment(flags: Flags) -> Flags:
    """Which rows are set at any moment."""
    found: Flags = np.logical_or.reduce(flags, axis=1)
    return found


def empty(moments: int) -> Vector:
    """No series."""
    return Vector([], [], np.empty((0, moments)), np.empty((0, moments), dtype=np.bool_))


def one(values: Values, labels: Labels | None = None, present: Flags | None = None) -> Vector:
    """One series, without labels unless some are given."""
    there = np.ones(values.shape, dtype=np.bool_) if present is None else present
    return Vector([labels or Labels()], [False], values.reshape(1, -1), there.reshape(1, -1))


def grouped(keys: Iterable[object]) -> tuple[list[int], int]:
    """For each key the number of its group, in the order in which groups come up; and how many there are."""
    numbers: dict[object, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys], len(numbers)


def merged(vector: Vector) -> Vector:
    """Rows with the same labels become one, where at no moment more than one of them has a value. Raises ExecutionError where two have."""
    groups, count = grouped(labels.key for labels in vector.labels)
    if count == len(vector):
        return vector
    values = np.full((count, vector.moments), np.nan)
    present = np.zeros((count, vector.moments), dtype=np.bool_)
    first: dict[int, int] = {}
    for row, group in enumerate(groups):
        first.setdefault(group, row)
        here = vector.present[row]
        if (present[group] & here).any():
            raise ExecutionError(SAME_LABELS)
        values[group][here] = vector.values[row][here]
        present[group] |= here
    kept = list(first.values())
    return Vector([vector.labels[row] for row in kept], [vector.nameless[row] for row in kept], values, present)


def finished(vector: Vector) -> Vector:
    """The vector as it is answered: without rows that are nowhere present, and without the names that are to go. Raises ExecutionError
    where two series are the same then."""
    there = vector.rows(np.flatnonzero(any_moment(vector.present)))
    labels = [labels.nameless if nameless else labels for labels, nameless in zip(there.labels, there.nameless, strict=True)]
    return merged(Vector(labels, [False] * len(labels), there.values, there.present))
