"""Aggregations that pick or count instead of joining: topk, bottomk, count_values; and the order of sort."""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.promql.evaluate.aggregate import by_group, group_labels
from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.vectors import Vector, empty, key_of
from keepwell.rooms.promql.expression import Aggregate, Text
from keepwell.rooms.promql.model import ExecutionError, Labels, Values

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
        raise ExecutionError(f"Scalar value {wanted.max():g} overflows int64")
    if (wanted <= -_INT64).any():
        raise ExecutionError(f"Scalar value {wanted.min():g} underflows int64")
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
    if not name:
        raise ExecutionError('invalid label name ""')
    counts: dict[object, Values] = {}
    labels: dict[object, Labels] = {}
    full = node if node.without else Aggregate(node.operator, node.inner, None, (*node.labels, name), False, node.place, node.fixed)
    for row, own in enumerate(vector.labels):
        there = vector.present[row]
        values, inverse = np.unique(vector.values[row, there], return_inverse=True, equal_nan=True)
        context.guard((len(counts) + len(values)) * vector.moments)
        for number, value in enumerate(values):
            kept = group_labels(full, {**own, name: decimal(float(value))})
            key = key_of(kept)
            labels.setdefault(key, kept)
            counts.setdefault(key, np.zeros(vector.moments))[np.flatnonzero(there)[inverse == number]] += 1
    if not counts:
        return empty(vector.moments)
    table = np.array(list(counts.values()))
    return Vector(list(labels.values()), [False] * len(labels), table, table > 0)


def decimal(value: float) -> str:
    """The shortest decimal number without an exponent that is this value, as Go's ``strconv.FormatFloat(value, 'f', -1, 64)`` writes it."""
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
