"""Many series made one per group, at every moment ("Operators", "Aggregation operators")."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.over_time import quantiles
from keepwell.rooms.promql.evaluate.sums import mean_of, members_in_turn, row_sums, settled
from keepwell.rooms.promql.evaluate.vectors import Vector, any_moment, empty, grouped
from keepwell.rooms.promql.expression import Aggregate
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Values

Groups = NDArray[np.intp]
"""The number of each row's group."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """A vector with the group of each of its rows, and the labels of each group."""

    vector: Vector
    groups: Groups
    labels: Sequence[Labels]

    @property
    def count(self) -> int:
        """How many groups."""
        return len(self.labels)

    def rows_of(self) -> list[Groups]:
        """For each group its rows."""
        return list(np.split(*self._ordered()))

    def reduced(self, function: np.ufunc, rows: NDArray[np.generic]) -> NDArray[Any]:
        """The function over all rows of each group, moment by moment."""
        order, starts = self._ordered()
        return function.reduceat(rows[order], np.concatenate(([0], starts)), axis=0)

    def _ordered(self) -> tuple[Groups, Groups]:
        # Rows by their groups, and where the second group and those after it begin.
        sizes = np.bincount(self.groups, minlength=self.count)
        return np.argsort(self.groups, kind="stable"), np.cumsum(sizes)[:-1]


def group_labels(node: Aggregate, labels: Labels) -> Labels:
    """What a series has in common with its group. ``without`` leaves out the name as well."""
    return labels.unnamed.without(node.labels) if node.without else labels.only(node.labels)


def by_group(node: Aggregate, vector: Vector) -> Grouped:
    """The vector's rows by what ``by`` or ``without`` leaves of their labels."""
    kept = [group_labels(node, labels) for labels in vector.labels]
    groups, count = grouped(labels.key for labels in kept)
    first: dict[int, Labels] = {}
    for group, labels in zip(groups, kept, strict=True):
        first.setdefault(group, labels)
    return Grouped(vector, np.array(groups, dtype=np.intp), [first[group] for group in range(count)])


def aggregated(node: Aggregate, vector: Vector, parameter: Values | None, context: Context) -> Vector:
    """One series per group. ``parameter`` is quantile's, a value per moment."""
    if not len(vector):
        return empty(vector.moments)
    context.guard(3 * vector.values.size)
    grouping = by_group(node, vector)
    if node.operator == "quantile":
        assert parameter is not None
        values = _quantile(grouping, parameter)
    else:
        values = _FUNCTIONS[node.operator](grouping)
    present = grouping.reduced(np.logical_or, vector.present)
    # Which of a group's series has a name that is to go decides for all of them, as in Prometheus.
    leaving = grouping.reduced(np.logical_or, np.array(vector.nameless, dtype=np.bool_) & any_moment(vector.present))
    return Vector(grouping.labels, leaving.tolist(), values, present)


def _counts(grouping: Grouped) -> Values:
    return grouping.reduced(np.add, grouping.vector.present.astype(np.float64))


def _sum(grouping: Grouped) -> Values:
    return settled(*row_sums(grouping.vector.values, grouping.vector.present, grouping.groups, grouping.count))


def _avg(grouping: Grouped) -> Values:
    vector = grouping.vector
    total, lost = row_sums(vector.values, vector.present, grouping.groups, grouping.count)
    count = np.maximum(_counts(grouping), 1.0)
    mean = np.where(np.isfinite(total), total / count + lost / count, np.nan)
    rows_of = grouping.rows_of()
    for group, column in np.argwhere(~np.isfinite(total)):
        rows = rows_of[group]
        values = vector.values[rows, column][vector.present[rows, column]]
        mean[group, column] = np.nan if np.isnan(values).any() else mean_of(values.tolist())
    return mean


def _extreme(function: np.ufunc) -> Callable[[Grouped], Values]:
    def found(grouping: Grouped) -> Values:
        return grouping.reduced(function, np.where(grouping.vector.present, grouping.vector.values, np.nan))

    return found


def _group(grouping: Grouped) -> Values:
    return np.ones((grouping.count, grouping.vector.moments))


def _stdvar(grouping: Grouped) -> Values:
    # Welford's method, in the order of the rows.
    vector = grouping.vector
    shape = (grouping.count, vector.moments)
    count, mean, square = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for members, targets in members_in_turn(grouping.groups, grouping.count):
        there, value = vector.present[members], vector.values[members]
        count[targets] += there
        distance = value - mean[targets]
        moved = mean[targets] + distance / np.maximum(count[targets], 1.0)
        square[targets] = np.where(there, square[targets] + distance * (value - moved), square[targets])
        mean[targets] = np.where(there, moved, mean[targets])
    return square / np.maximum(count, 1.0)


def _stddev(grouping: Grouped) -> Values:
    return np.sqrt(_stdvar(grouping))


def _quantile(grouping: Grouped, wanted: Values) -> Values:
    vector = grouping.vector
    values = np.where(vector.present, vector.values, np.nan)
    found = np.empty((grouping.count, vector.moments))
    for group, rows in enumerate(grouping.rows_of()):
        counts = vector.present[rows].sum(axis=0).astype(np.float64)
        found[group] = quantiles(np.ascontiguousarray(values[rows].T), wanted, counts)
    return found


_FUNCTIONS: dict[str, Callable[[Grouped], Values]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "count": _counts,
    "group": _group,
    "stddev": _stddev,
    "stdvar": _stdvar,
}
