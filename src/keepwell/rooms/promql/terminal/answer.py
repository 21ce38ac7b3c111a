"""The answer of Prometheus' HTTP API, read back. Pure; imports nothing costly."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keepwell.kernel.problems import AnswerError, KeepwellError, Place, Problem, Refused

_CODES = {"bad_data": "promql.bad-query", "execution": "promql.execution", "timeout": "promql.timeout", "canceled": "promql.cancelled"}
"""By Prometheus' error types ("HTTP API", "Format overview"): what is wrong, in the codes of this program."""

_ADVICE = "is it its address, without /api/v1?"

_PARAMETER = re.compile(r'invalid parameter "?[a-z_]+"?: ')
_PLACE = re.compile(r"(\d{1,6}):(\d{1,6}): ")
_LAST_PLACE = re.compile(r" \((\d{1,6}):(\d{1,6})\)$")
_WORD = re.compile(r"""[A-Za-z0-9_:.]+|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.""")


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: the status of HTTP and the body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Series:
    """One series: instants in seconds since 1970, and the values as they were written (``1.5``, ``+Inf``, ``NaN``)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """``kind`` is scalar, string, vector or matrix. ``text`` is the value of a string, and of a scalar as it was written."""

    kind: str
    series: Sequence[Series]
    text: str
    remarks: Sequence[str]
    document: Mapping[str, Any]

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return self.kind in ("vector", "matrix") and not self.series


def read_answer(reply: Reply, expression: str, who: str) -> Answer:
    """The answer, whose error points at the expression. ``who`` is who was asked, in words.

    Raises Refused where the question is refused or has no value, AnswerError where this is no answer of Prometheus."""
    try:
        document = json.loads(reply.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("status") not in ("success", "error"):
        raise AnswerError(
            f"{who} gave no answer of Prometheus (status {reply.status})",
            hint="it wants to know who asks: --user or --bearer-file" if reply.status in (401, 403) else _ADVICE,
        )
    if document["status"] == "error":
        raise _refusal(document, expression)
    try:
        return _answer(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AnswerError(f"{who} gave an answer that cannot be read: {error!r}") from None


def _answer(document: Mapping[str, Any]) -> Answer:
    kind, result = document["data"]["resultType"], document["data"]["result"]
    remarks = [str(one) for key in ("warnings", "infos") for one in document.get(key) or ()]
    match kind:
        case "scalar" | "string":
            return Answer(kind, (Series({}, (_point(result),)),), str(result[1]), remarks, document)
        case "vector":
            return Answer(kind, [Series(_labels(one), (_point(one["value"]),)) for one in result], "", remarks, document)
        case "matrix":
            found = [Series(_labels(one), [_point(pair) for pair in one["values"]]) for one in result]
            return Answer(kind, found, "", remarks, document)
        case _:
            raise ValueError(f"a result of type {kind}")


def _labels(entry: Mapping[str, Any]) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in entry["metric"].items()}


def _point(pair: Sequence[Any]) -> tuple[float, str]:
    return float(pair[0]), str(pair[1])


def _refusal(document: Mapping[str, Any], expression: str) -> KeepwellError:
    message = _PARAMETER.sub("", str(document.get("error") or "no reason was given"), count=1)
    code = _CODES.get(str(document.get("errorType")), "promql.refused")
    match = _PLACE.match(message)
    if match is None:
        return Refused(Problem(code, message))
    where = place_in(expression, int(match[1]), int(match[2]))
    return Refused(Problem(code, message[match.end() :] if where else message, where=where))


def pointed(remarks: Sequence[str], expression: str) -> Iterator[Problem]:
    """Remarks about an answer as problems, each with the place that stands at its end (``... (1:6)``), where there is one."""
    for remark in remarks:
        match = _LAST_PLACE.search(remark)
        where = place_in(expression, int(match[1]), int(match[2])) if match else None
        yield Problem("promql.remark", remark[: match.start()] if match and where else remark, where=where)


def place_in(expression: str, line: int, column: int) -> Place | None:
    """The word at that line and column, both from 1; the place after the last character too. None where the expression has no such."""
    lines = expression.split("\n")
    if not 1 <= line <= len(lines) or not 1 <= column <= len(lines[line - 1]) + 1:
        return None
    word = _WORD.match(lines[line - 1], column - 1)
    return Place("query", line, column, lines[line - 1], len(word[0]) if word else 1)
