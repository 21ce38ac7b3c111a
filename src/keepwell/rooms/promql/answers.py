"""The values of an evaluation as they are answered."""

from keepwell.rooms.promql.evaluate.context import Context
from keepwell.rooms.promql.evaluate.expressions import ranges, scalar, vector
from keepwell.rooms.promql.evaluate.vectors import SAME_LABELS, Vector, finished
from keepwell.rooms.promql.expression import Expression, Text
from keepwell.rooms.promql.labels import Key
from keepwell.rooms.promql.model import ExecutionError, InstantVector, Matrix, Point, Scalar, Series, String, Value


def of_instant(expression: Expression, context: Context) -> Value:
    """The value at the context's one moment."""
    at = int(context.moments[0])
    if isinstance(expression, Text):
        return String(at, expression.value)
    if expression.kind == "scalar":
        return Scalar(at, float(scalar(expression, context)[0]))
    if expression.kind == "matrix":
        return _windows(expression, context)
    found = finished(vector(expression, context))
    return InstantVector(at, [Point(labels, float(value)) for labels, value in zip(found.labels, found.values[:, 0], strict=True)])


def of_range(expression: Expression, context: Context) -> Matrix:
    """The values at all of the context's moments, ordered by labels."""
    if expression.kind == "scalar":
        return Matrix([Series({}, context.moments, scalar(expression, context))])
    return _matrix(finished(vector(expression, context)), context)


def _matrix(found: Vector, context: Context) -> Matrix:
    series = [
        Series(labels, context.moments[present], values[present])
        for labels, values, present in zip(found.labels, found.values, found.present, strict=True)
    ]
    return Matrix(sorted(series, key=_key))


def _windows(expression: Expression, context: Context) -> Matrix:
    # The samples of a range vector's only window, as they were taken.
    found = ranges(expression, context)
    series = []
    for row, labels in enumerate(found.labels):
        window = slice(int(found.low[row, 0]), int(found.high[row, 0]))
        if found.counts[row, 0]:
            named = labels.nameless if found.nameless[row] else labels
            series.append(Series(named, found.at[window], found.values[window]))
    if len({_key(one) for one in series}) < len(series):
        raise ExecutionError(SAME_LABELS)
    return Matrix(sorted(series, key=_key))


def _key(series: Series) -> Key:
    return tuple(sorted(series.labels.items()))
