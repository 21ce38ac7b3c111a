"""The value of an expression: what each kind of node does with the values of its parts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.promql.evaluate import counters, regression
from keepwell.rooms.promql.evaluate.absent import absence
from keepwell.rooms.promql.evaluate.aggregate import aggregated
from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.dates import DATE_FUNCTIONS, date_part
from keepwell.rooms.promql.evaluate.functions import SIMPLE, clamped, rounded
from keepwell.rooms.promql.evaluate.histograms import histogram_fraction, histogram_quantile
from keepwell.rooms.promql.evaluate.matching import applied, joined, set_operation
from keepwell.rooms.promql.evaluate.operators import ARITHMETIC, COMPARISON, SETS
from keepwell.rooms.promql.evaluate.over_time import OVER_TIME, quantile_over_time
from keepwell.rooms.promql.evaluate.ranking import in_order, picked, values_counted
from keepwell.rooms.promql.evaluate.relabelling import label_join, label_replace
from keepwell.rooms.promql.evaluate.selecting import Windows, instant, reference, windows, windows_of
from keepwell.rooms.promql.evaluate.subqueries import grid
from keepwell.rooms.promql.evaluate.vectors import Vector, any_moment, one
from keepwell.rooms.promql.expression import (
    Aggregate,
    Binary,
    Call,
    Expression,
    Negative,
    Number,
    Selector,
    Subquery,
    Text,
)
from keepwell.rooms.promql.literals import general
from keepwell.rooms.promql.model import ExecutionError, Flags, Values

COUNTED_SUFFIXES = ("_total", "_sum", "_count", "_bucket")
"""How a counter's name ends."""


def scalar(node: Expression, context: Context) -> Values:
    """The number at each moment of an expression of kind scalar."""
    context.guard(len(context.moments))
    match node:
        case Number():
            return np.full(len(context.moments), node.value)
        case Negative():
            return -scalar(node.inner, context)
        case Binary():
            return _scalars_joined(node, context)
        case Call("time"):
            return context.moments / 1000.0
        case Call("pi"):
            return np.full(len(context.moments), np.pi)
        case Call("scalar"):
            return _only_value(vector(node.arguments[0], context))
    raise ExecutionError(f"a {node.kind} stands where a number is needed")


def _scalars_joined(node: Binary, context: Context) -> Values:
    # A chain of operators leans to the left and may be long: that side is walked in a loop.
    spine = [node]
    while isinstance(spine[-1].left, Binary):
        spine.append(spine[-1].left)
    value = scalar(spine[-1].left, context)
    for link in reversed(spine):
        right = scalar(link.right, context)
        if link.operator in ARITHMETIC:
            value = ARITHMETIC[link.operator](value, right)
        else:
            value = COMPARISON[link.operator](value, right).astype(np.float64)
    return value


def _only_value(found: Vector) -> Values:
    alone = found.present.sum(axis=0) == 1
    values = np.where(found.present, found.values, 0.0).sum(axis=0)
    return np.where(alone, values, np.nan)


def vector(node: Expression, context: Context) -> Vector:
    """The series at each moment of an expression of kind vector."""
    if node.fixed and len(context.moments) > 1 and not isinstance(node, Binary):
        return _repeated(vector(node, context.at(context.moments[:1])), context)
    match node:
        case Selector():
            return instant(node, context)[0]
        case Negative():
            inner = vector(node.inner, context)
            return inner.dropping_names(-inner.values)
        case Binary():
            return _vectors_joined(node, context)
        case Aggregate():
            return _aggregate(node, context)
        case Call():
            return _called(node, context)
    raise ExecutionError(f"a {node.kind} stands where an instant vector is needed")


def _repeated(found: Vector, context: Context) -> Vector:
    # The same at every moment: computed once.
    count = len(context.moments)
    context.guard(2 * len(found) * count)
    return Vector(found.labels, found.nameless, np.repeat(found.values, count, axis=1), np.repeat(found.present, count, axis=1))


def _vectors_joined(node: Binary, context: Context) -> Vector:
    spine = [node]
    while isinstance(spine[-1].left, Binary) and spine[-1].left.kind == "vector":
        spine.append(spine[-1].left)
    deepest = spine[-1].left
    left: Vector | Values = vector(deepest, context) if deepest.kind == "vector" else scalar(deepest, context)
    for link in reversed(spine):
        right: Vector | Values = vector(link.right, context) if link.right.kind == "vector" else scalar(link.right, context)
        left = _linked(link, left, right, context)
    assert isinstance(left, Vector)
    return left


def _linked(node: Binary, left: Vector | Values, right: Vector | Values, context: Context) -> Vector:
    if isinstance(left, Vector) and isinstance(right, Vector):
        if node.operator in SETS:
            context.guard(3 * (left.values.size + right.values.size))
            return set_operation(node, left, right)
        return joined(node, left, right, context.guard)
    side = left if isinstance(left, Vector) else right
    assert isinstance(side, Vector)
    context.guard(3 * side.values.size)
    values, kept = applied(node, *(part.values if isinstance(part, Vector) else part for part in (left, right)))
    if node.operator in COMPARISON and not node.as_bool:
        # A comparison keeps the series as it is, on whichever side the number stands.
        return Vector(side.labels, side.nameless, side.values, side.present & kept)
    return side.dropping_names(values)


def _aggregate(node: Aggregate, context: Context) -> Vector:
    parameter = None
    if node.parameter is not None and not isinstance(node.parameter, Text):
        parameter = scalar(node.parameter, context)
    inner = vector(node.inner, context)
    if node.operator == "count_values":
        return values_counted(node, inner, context)
    if node.operator in ("topk", "bottomk"):
        assert parameter is not None
        return picked(node, inner, parameter, context)
    if node.operator == "quantile":
        assert parameter is not None
        assert node.parameter is not None
        _warn_of_quantile(parameter, node.parameter, context)
    return aggregated(node, inner, parameter, context)


def _warn_of_quantile(wanted: Values, node: Expression, context: Context) -> None:
    outside = wanted[~((wanted >= 0) & (wanted <= 1))]
    for value in np.unique(outside)[[0, -1]] if len(outside) else ():
        context.remarks.warn(f"quantile value should be between 0 and 1, got {general(float(value))} {context.spot(node.place)}")


def ranges(node: Expression, context: Context) -> Windows:
    """The windows at each moment of an expression of kind matrix."""
    if isinstance(node, Selector):
        return windows(node, context)
    assert isinstance(node, Subquery)
    closes = reference(context.moments, node.at, node.offset, context)
    moments = grid(node, closes, context.default_step, context.guard)
    inner = context.at(moments)
    if not len(moments):
        inner_vector = Vector([], [], np.empty((0, 0)), np.empty((0, 0), dtype=np.bool_))
    elif node.inner.kind == "scalar":
        inner_vector = one(scalar(node.inner, inner))
    else:
        inner_vector = vector(node.inner, inner)
    return windows_of(inner_vector, moments, closes - node.range, closes, context)


def _called(node: Call, context: Context) -> Vector:
    if any(argument.kind == "matrix" for argument in node.arguments):
        return _over_ranges(node, context)
    name = node.name
    if name in SIMPLE:
        inner = vector(node.arguments[0], context)
        context.guard(2 * inner.values.size)
        return inner.dropping_names(SIMPLE[name](inner.values))
    if name in DATE_FUNCTIONS:
        return _date(node, context)
    if name not in _SPECIAL:
        raise ExecutionError(f"the function {name} is not known here")
    return _SPECIAL[name](node, context)


def _over_ranges(node: Call, context: Context) -> Vector:
    number = next(index for index, argument in enumerate(node.arguments) if argument.kind == "matrix")
    matrix = node.arguments[number]
    if isinstance(matrix, Selector) and matrix in context.rolled:
        closes = reference(context.moments, matrix.at, matrix.offset, context)
        found, values, present = context.rolled[matrix].value(node.name, closes, context.guard)
    else:
        found = ranges(matrix, context)
        numbers = [scalar(argument, context) for index, argument in enumerate(node.arguments) if index != number]
        context.guard(6 * found.low.size)
        if node.name == "absent_over_time":
            return absence(matrix, found.counts > 0)
        values, present = _ranged(node, found, numbers, context)
    if node.name in ("rate", "increase"):
        _doubt_counters(found, present, matrix, context)
    keeps_name = node.name in ("last_over_time", "first_over_time")
    nameless = [flag or not keeps_name for flag in found.nameless]
    return Vector(found.labels, nameless, values, present)


def _ranged(node: Call, found: Windows, numbers: list[Values], context: Context) -> tuple[Values, Flags]:
    if node.name in OVER_TIME:
        return OVER_TIME[node.name](found)
    if node.name in _COUNTING:
        return _COUNTING[node.name](found)
    if node.name == "quantile_over_time":
        if (found.counts > 0).any():
            _warn_of_quantile(numbers[0], node.arguments[0], context)
        return quantile_over_time(found, numbers[0])
    if node.name == "deriv":
        return regression.deriv(found)
    if node.name == "predict_linear":
        return regression.predict_linear(found, context.moments, numbers[0])
    raise ExecutionError(f"the function {node.name} is not known here")


_COUNTING: dict[str, Callable[[Windows], tuple[Values, Flags]]] = {
    "changes": counters.changes,
    "delta": counters.delta,
    "idelta": counters.idelta,
    "increase": counters.increase,
    "irate": counters.irate,
    "rate": counters.rate,
    "resets": counters.resets,
}


def _doubt_counters(found: Windows, present: Flags, argument: Expression, context: Context) -> None:
    names = {labels.get("__name__", "") for labels, there in zip(found.labels, any_moment(present), strict=True) if there}
    for name in sorted(names):
        if name and not name.endswith(COUNTED_SUFFIXES):
            text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket"
            context.remarks.info(f'{text}: "{name}" {context.spot(argument.place)}')


def _date(node: Call, context: Context) -> Vector:
    if not node.arguments:
        return one(date_part(node.name, (context.moments // 1000).astype(np.float64)))
    inner = vector(node.arguments[0], context)
    context.guard(4 * inner.values.size)
    return inner.dropping_names(date_part(node.name, inner.values))


def _timestamp(node: Call, context: Context) -> Vector:
    argument = node.arguments[0]
    if isinstance(argument, Selector):
        found, taken = instant(argument, context)
        return found.dropping_names(taken)
    inner = vector(argument, context)
    return inner.dropping_names(np.broadcast_to(context.moments / 1000.0, inner.values.shape).copy())


def _clamp(node: Call, context: Context) -> Vector:
    inner = vector(node.arguments[0], context)
    bounds = [scalar(argument, context) for argument in node.arguments[1:]]
    low = None if node.name == "clamp_max" else bounds[0]
    high = None if node.name == "clamp_min" else bounds[-1]
    return clamped(inner, low, high)


def _round(node: Call, context: Context) -> Vector:
    inner = vector(node.arguments[0], context)
    nearest = scalar(node.arguments[1], context) if len(node.arguments) > 1 else np.ones(len(context.moments))
    return inner.dropping_names(rounded(inner.values, nearest))


def _histogram_quantile(node: Call, context: Context) -> Vector:
    wanted, buckets = node.arguments
    return histogram_quantile(scalar(wanted, context), vector(buckets, context), context, (wanted.place, buckets.place))


def _histogram_fraction(node: Call, context: Context) -> Vector:
    lower, upper, buckets = node.arguments
    return histogram_fraction(scalar(lower, context), scalar(upper, context), vector(buckets, context), context, buckets.place)


def _texts(node: Call) -> list[str]:
    return [argument.value for argument in node.arguments if isinstance(argument, Text)]


def _label_replace(node: Call, context: Context) -> Vector:
    target, replacement, source, pattern = _texts(node)
    return label_replace(vector(node.arguments[0], context), target, replacement, source, pattern)


def _label_join(node: Call, context: Context) -> Vector:
    target, separator, *sources = _texts(node)
    return label_join(vector(node.arguments[0], context), target, separator, sources)


@dataclass(frozen=True, slots=True)
class _Sorted:
    descending: bool

    def __call__(self, node: Call, context: Context) -> Vector:
        return in_order(vector(node.arguments[0], context), descending=self.descending)


_SPECIAL: dict[str, Callable[[Call, Context], Vector]] = {
    "absent": lambda node, context: absence(node.arguments[0], vector(node.arguments[0], context).present),
    "clamp": _clamp,
    "clamp_max": _clamp,
    "clamp_min": _clamp,
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "round": _round,
    "sort": _Sorted(descending=False),
    "sort_desc": _Sorted(descending=True),
    "timestamp": _timestamp,
    "vector": lambda node, context: one(scalar(node.arguments[0], context)),
}
