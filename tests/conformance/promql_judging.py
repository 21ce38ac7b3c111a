"""Whether an evaluation gave what a script expects. Values are compared as Prometheus compares them, with a relative tolerance of 1e-6."""

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from keepwell.rooms.promql.model import InstantVector, Matrix, Result, Scalar, String, Value
from tests.conformance.promql_script import Evaluation, Expected, Item, Line

TOLERANCE = 1e-6
_SMALLEST = float(np.finfo(np.float64).tiny)
_PLACE = re.compile(r"\s*\(\d+:\d+\)")
_PLACE_PATTERN = re.compile(r"\s*\\\((?:\\?\[0-9\]\+|\\d\+|\d+):(?:\\?\[0-9\]\+|\\d\+|\d+)\\\)")

Key = tuple[tuple[str, str], ...]


def almost_equal(one: float, other: float) -> bool:
    """prometheus/util/almost: equal within the tolerance, NaN with NaN."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return True
    together, apart = abs(one) + abs(other), abs(one - other)
    if one == 0 or other == 0 or together < _SMALLEST:
        return apart < TOLERANCE * _SMALLEST
    return apart / min(together, float(np.finfo(np.float64).max)) < TOLERANCE


def remarks_fit(evaluation: Evaluation, result: Result) -> str | None:
    """What is wrong with the warnings and infos; None where nothing is."""
    for kind, found in (("warn", result.warnings), ("info", result.infos)):
        expected = evaluation.expecting(kind)
        if expected and not found:
            return f"expected {kind} annotations, got none"
        for one in expected:
            if not any(message_fits(one, text) for text in found):
                return f"expected {kind} {one.text!r}, got {list(found)}"
        for text in found:
            if expected and not any(message_fits(one, text) for one in expected):
                return f"unexpected {kind} {text!r}"
        if evaluation.expecting(f"no_{kind}") and found:
            return f"expected no {kind} annotations, got {list(found)}"
    return None


def message_fits(expected: Expected, text: str) -> bool:
    """Whether a message is what an expect line says; places in it need not match."""
    plain = _PLACE.sub("", text)
    if expected.how == "msg":
        return plain == _PLACE.sub("", expected.text)
    if expected.how == "regex":
        return re.search(_PLACE_PATTERN.sub("", expected.text), plain) is not None
    return True


def value_fits(evaluation: Evaluation, value: Value) -> str | None:
    """What is wrong with the value; None where nothing is."""
    match value:
        case String():
            return None if value.value == evaluation.string else f"expected string {evaluation.string!r}, got {value.value!r}"
        case Scalar():
            if evaluation.scalar is None:
                return f"expected a vector, got scalar {value.value}"
            return None if almost_equal(evaluation.scalar, value.value) else f"expected {evaluation.scalar}, got {value.value}"
        case InstantVector():
            return _vector_fits(evaluation, value)
        case Matrix():
            return _matrix_fits(evaluation, value)


def _key(labels: Mapping[str, str]) -> Key:
    return tuple(sorted(labels.items()))


def _vector_fits(evaluation: Evaluation, value: InstantVector) -> str | None:
    if evaluation.scalar is not None or evaluation.string is not None:
        return "expected a scalar or a string, got a vector"
    expected = {_key(line.labels): line for line in evaluation.series}
    found = {_key(point.labels): point.value for point in value.points}
    if expected.keys() != found.keys():
        return f"series differ: {_series_differ(expected.keys(), found.keys())}"
    for key, line in expected.items():
        item = line.items[0] if line.items else None
        if not isinstance(item, float) or not almost_equal(item, found[key]):
            return f"{dict(key)}: expected {item}, got {found[key]}"
    if evaluation.expecting("ordered") and list(expected) != list(found):
        return f"order differs: expected {[dict(key) for key in expected]}, got {[dict(key) for key in found]}"
    return None


def _series_differ(expected: object, found: object) -> str:
    missing = [dict(key) for key in set(expected) - set(found)]  # type: ignore[call-overload]
    surplus = [dict(key) for key in set(found) - set(expected)]  # type: ignore[call-overload]
    return f"missing {missing}, surplus {surplus}"


def _matrix_fits(evaluation: Evaluation, value: Matrix) -> str | None:
    start, end, step = evaluation.grid or (evaluation.start, evaluation.end, evaluation.step or 1)
    expected = {_key(line.labels): _points(line, start, step) for line in evaluation.series}
    if any(at > end for points in expected.values() for at in points):
        return "more values are expected than the range has moments"
    found = {_key(one.labels): dict(zip(one.at.tolist(), one.values.tolist(), strict=True)) for one in value.series}
    if expected.keys() != found.keys():
        return f"series differ: {_series_differ(expected.keys(), found.keys())}"
    for key, points in expected.items():
        got = found[key]
        if points.keys() != got.keys() or not all(isinstance(item, float) and almost_equal(item, got[at]) for at, item in points.items()):
            return f"{dict(key)}: expected {points}, got {got}"
    keys = [_key(one.labels) for one in value.series]
    return None if keys == sorted(keys) else "the series are not ordered by their labels"


def _points(line: Line, start: int, step: int) -> dict[int, Item]:
    return {start + number * step: item for number, item in enumerate(line.items) if item is not None}


def at_moment(value: Value, at: int, like: Value) -> Value:
    """A range query's value at one of its moments, in the shape of an instant query's."""
    assert isinstance(value, Matrix)
    found = [(one.labels, one.values[one.at == at]) for one in value.series]
    if isinstance(like, Scalar):
        return Scalar(at, float(found[0][1][0]))
    from keepwell.rooms.promql.model import Point

    points: Sequence[Point] = [Point(labels, float(values[0])) for labels, values in found if len(values)]
    return InstantVector(at, points)
