"""Aggregations that pick or count instead of joining: topk, bottomk, count_values; and the order of sort."""

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.evaluate.aggregate import by_group
from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.vectors import Vector, empty
from keepwell.rooms.promql.expression import Aggregate, Text
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.literals import decimal, general, is_name, shown
from keepwell.rooms.promql.model import ExecutionError, Values

_INT64 = float(1 << 63)


def picked(node: Aggregate, vector: Vector, wanted: Values, context: Context) -> Vector:
    """The ``wanted`` largest (topk) or smallest (bottomk) of each group at each moment; NaN comes last, among equals the first stay.

    For one moment the rows come in that order. Raises ExecutionError where the number is none.
    """
    if (np.nan_to_num(wanted, nan=1.0) < 1).all():
        return empty(vector.moments)
    if np.isnan(wanted).any():
        raise ExecutionError("Parameter value is NaN")
    if (wanted >= _INT64).any():
        raise ExecutionError(f"Scalar value {general(float(wanted.max()))} overflows int64")
    if (wanted <= -_INT64).any():
        raise ExecutionError(f"Scalar value {general(float(wanted.min()))} underflows int64")
    if not len(vector):
        return vector
    context.guard(4 * vector.values.size)
    most = np.trunc(wanted)
    keep = np.zeros_like(vector.present)
    order: list[int] = []
    for rows in by_group(node, vector).rows_of():
        ranks = _ranks(vector.rows(rows), largest=node.operator == "topk")
        keep[rows] = vector.present[rows] & (ranks < most)
        order.extend(rows[np.argsort(ranks[:, 0])].tolist())
    chosen = Vector(vector.labels, vector.nameless, vector.values, keep)
    if vector.moments == 1:
        return chosen.rows([row for row in order if keep[row, 0]])
    return chosen


def _ranks(vector: Vector, *, largest: bool) -> NDArray[np.intp]:
    values = -vector.values if largest else vector.values
    order = np.lexsort((values, np.isnan(values), ~vector.present), axis=0)
    ranks = np.empty(order.shape, dtype=np.intp)
    np.put_along_axis(ranks, order, np.arange(len(order))[:, np.newaxis], axis=0)
    return ranks


def in_order(vector: Vector, *, descending: bool) -> Vector:
    """The rows by their values, NaN last. Only an instant query has an order: over several moments nothing changes."""
    if vector.moments != 1:
        return vector
    there = vector.rows(np.flatnonzero(vector.present[:, 0]))
    values = there.values[:, 0]
    return there.rows(np.lexsort((-values if descending else values, np.isnan(values))))


def values_counted(node: Aggregate, vector: Vector, context: Context) -> Vector:
    """For each group and value how many series have it at each moment; the value stands in the label that the parameter names."""
    assert isinstance(node.parameter, Text)
    name = node.parameter.value
    if not is_name(name):
        raise ExecutionError(f'invalid label name "{shown(name)}"')
    if not len(vector):
        return empty(vector.moments)
    # Of the group's own labels, the one that is set anew does not count.
    bare = Vector([labels.without((name,)) for labels in vector.labels], vector.nameless, vector.values, vector.present)
    found: dict[Key, Values] = {}
    labels: dict[Key, Labels] = {}
    grouping = by_group(node, bare)
    for own, rows in zip(grouping.labels, grouping.rows_of(), strict=True):
        there = vector.present[rows]
        values, which = np.unique(vector.values[rows][there], return_inverse=True, equal_nan=True)
        context.guard((len(found) + len(values)) * vector.moments)
        counts = np.zeros((len(values), vector.moments))
        np.add.at(counts, (which.ravel(), np.nonzero(there)[1]), 1)
        for value, count in zip(values, counts, strict=True):
            kept = own if node.without and name in node.labels else own.having(name, decimal(float(value)))
            labels.setdefault(kept.key, kept)
            found[kept.key] = found[kept.key] + count if kept.key in found else count
    if not found:
        return empty(vector.moments)
    table = np.array(list(found.values()))
    return Vector(list(labels.values()), [False] * len(labels), table, table > 0)
