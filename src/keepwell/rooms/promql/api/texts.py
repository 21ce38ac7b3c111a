"""Values as the JSON of Prometheus' API has them (prometheus/util/jsonutil and web/api/v1/json_codec): times are numbers of seconds with at
most three decimals, values are texts, the shortest that are the number."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from keepwell.rooms.promql.literals import decimal
from keepwell.rooms.promql.model import InstantVector, Matrix, Result, Scalar, Series, String

_SURROGATE = re.compile("[\ud800-\udfff]")

_IN_ONE = 50_000
"""Numbers written at once."""

_MOST_FORMS = 64
"""Sets of moments whose texts are kept while an answer is written."""

NEVER = "0001-01-01T00:00:00Z"
"""Go's time of nothing."""


def number(value: float) -> str:
    """``1``, ``0.1``, ``1e-07``, ``+Inf``, ``NaN``: without an exponent from 1e-6 to below 1e21."""
    text = repr(value)
    if text.endswith(".0"):
        return text[:-2]
    if "e" not in text and "n" not in text:
        return text
    if math.isfinite(value) and not 1e-6 <= abs(value) < 1e21:
        return text
    return decimal(value)


def seconds(at: int) -> str:
    """Milliseconds since 1970 as seconds: ``1435781451.781``."""
    whole, rest = divmod(abs(at), 1000)
    return f"{'-' if at < 0 else ''}{whole}{f'.{rest:03d}' if rest else ''}"


def moment(at: datetime | None) -> str:
    """RFC 3339 in UTC."""
    return NEVER if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def document(value: Any) -> bytes:
    """Any plain value as JSON. A text that is no UTF-8 has U+FFFD where it is none, as Go writes it."""
    return encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def encoded(text: str) -> bytes:
    """The text in UTF-8; lone surrogates, by which bytes are told that are none, become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def result(found: Result) -> Iterator[bytes]:
    """The whole answer of a query, in parts: a large one is never in memory at once."""
    value = found.value
    kind = {Scalar: "scalar", String: "string", InstantVector: "vector", Matrix: "matrix"}[type(value)]
    yield f'{{"status":"success","data":{{"resultType":"{kind}","result":'.encode()
    match value:
        case Scalar():
            yield f'[{seconds(value.at)},"{decimal(value.value)}"]'.encode()  # this one never with an exponent
        case String():
            yield encoded(f"[{seconds(value.at)},{json.dumps(value.value, ensure_ascii=False)}]")
        case InstantVector():
            yield from _vector(value)
        case Matrix():
            yield from _matrix(value)
    yield b"}" + remarks(found.warnings, found.infos) + b"}"


def remarks(warnings: Sequence[str], infos: Sequence[str] = ()) -> bytes:
    """The members ``warnings`` and ``infos``, each only where there are any."""
    named = (("warnings", warnings), ("infos", infos))
    return b"".join(b',"%s":%s' % (name.encode(), document(list(texts))) for name, texts in named if texts)


def _labels(labels: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(labels.items())), ensure_ascii=False, separators=(",", ":"))


def _vector(vector: InstantVector) -> Iterator[bytes]:
    at, points = seconds(vector.at), vector.points
    yield b"["
    for first in range(0, len(points), _IN_ONE):
        some = (f'{{"metric":{_labels(point.labels)},"value":[{at},"{number(point.value)}"]}}' for point in points[first : first + _IN_ONE])
        yield encoded(("," if first else "") + ",".join(some))
    yield b"]"


def _matrix(matrix: Matrix) -> Iterator[bytes]:
    waiting, held, forms = ["["], 0, dict[bytes, str]()
    for index, series in enumerate(matrix.series):
        waiting.append(f'{"," if index else ""}{{"metric":{_labels(series.labels)},"values":[{_points(series, forms)}]}}')
        held += len(series.at)
        if held >= _IN_ONE:
            yield encoded("".join(waiting))
            waiting, held = [], 0
    yield encoded("".join([*waiting, "]"]))


def _points(series: Series, forms: dict[bytes, str]) -> str:
    """The pairs of one series. The series of an answer mostly have the same moments: their texts are made once, as a form to fill in."""
    key = series.at.tobytes()
    form = forms.get(key)
    if form is None:
        if len(forms) >= _MOST_FORMS:
            forms.clear()
        form = forms[key] = ",".join([f'[{seconds(at)},"%s"]' for at in series.at.tolist()])
    return form % tuple(numbers(series.values.tolist()))


def numbers(values: list[float]) -> list[str]:
    """As ``number``, many at once."""
    text = repr(values)[1:-1]
    if "e" in text or "n" in text or not values:  # exponents, infinities and NaN
        return list(map(number, values))
    return (text + ", ").replace(".0, ", ", ")[:-2].split(", ")
