"""Questions put to another engine: a Prometheus, or what speaks its HTTP API (VictoriaMetrics, Mimir, Thanos)."""

import asyncio
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import numpy as np

from keepwell.kernel.problems import AnswerError
from keepwell.kernel.quoting import quoted
from keepwell.ports.http import Form, Http, Request, Response
from keepwell.rooms.promql.api.texts import seconds
from keepwell.rooms.promql.engine import ALWAYS, USUAL, Bounds, Described, Wanted
from keepwell.rooms.promql.model import (
    BadQuery,
    Cancelled,
    ExecutionError,
    InstantVector,
    Matrix,
    Point,
    QueryError,
    Result,
    Scalar,
    Series,
    String,
    TimedOut,
    Value,
)

LARGEST = 64 * 1024 * 1024
"""Bytes of an answer."""

_GRACE = 2.0
"""Seconds that the other side has, beyond the time limit of the query, to say that it was exceeded."""

_BY_KIND: Mapping[str, type[QueryError]] = {
    "bad_data": BadQuery,
    "execution": ExecutionError,
    "timeout": TimedOut,
    "canceled": Cancelled,
    "400": BadQuery,
    "422": ExecutionError,
    "503": TimedOut,
}
"""By Prometheus' error type; VictoriaMetrics writes the HTTP status there."""

T = TypeVar("T")


class RemoteEngine:
    """Another engine. ``access`` is a request to its address (without ``/api/v1``), with all that says who asks; ``limit`` is how many
    seconds a query may take.

    Every verb raises AskError, or AnswerError where nothing comes back that can be read, besides QueryError.
    """

    def __init__(self, http: Http, access: Request, limit: float) -> None:
        self._http = http
        self._access = access
        self._limit = limit

    async def instant(self, text: str, at: int, bounds: Bounds = USUAL) -> Result:
        """See Engine."""
        fields = (("query", text), ("time", seconds(at)), *_wishes(bounds, self._limit))
        return await self._ask("/query", fields, _result, bounds.seconds)

    async def range(self, text: str, span: tuple[int, int], step: int, bounds: Bounds = USUAL) -> Result:
        """See Engine."""
        ends = (("start", seconds(span[0])), ("end", seconds(span[1])), ("step", seconds(step)))
        return await self._ask("/query_range", (("query", text), *ends, *_wishes(bounds, self._limit)), _result, bounds.seconds)

    async def series(self, wanted: Wanted) -> Sequence[Mapping[str, str]]:
        """See Engine. Raises BadQuery where no selector is given."""
        found = await self._ask("/series", _fields(wanted), lambda document: _list(document, _labels))
        return [dict(pairs) for pairs in sorted({tuple(sorted(labels.items())) for labels in found})]

    async def label_names(self, wanted: Wanted) -> Sequence[str]:
        """See Engine."""
        return sorted(await self._ask("/labels", _fields(wanted), lambda document: _list(document, _text)))

    async def label_values(self, name: str, wanted: Wanted) -> Sequence[str]:
        """See Engine."""
        path = f"/label/{quote(name, safe='')}/values?{urlencode(_fields(wanted))}"
        return sorted(await self._ask(path, None, lambda document: _list(document, _text)))

    async def metadata(self) -> Mapping[str, Sequence[Described]]:
        """See Engine."""
        return await self._ask("/metadata", None, _metadata)

    async def _ask(
        self,
        path: str,
        fields: tuple[tuple[str, str], ...] | None,
        read: Callable[[Mapping[str, Any]], T],
        allowed: float | None = None,
    ) -> T:
        """What ``read`` makes of the answer's document. With fields they are sent as a form, which may be long."""
        request = replace(
            self._access,
            url=self._access.url.rstrip("/") + "/api/v1" + path,
            method="GET" if fields is None else "POST",
            body=None if fields is None else Form(fields),
            timeout=(self._limit if allowed is None else min(allowed, self._limit)) + _GRACE,
            body_limit=LARGEST,
        )
        response = await self._http.ask(request)
        return await asyncio.to_thread(lambda: _read(response, read))


def _wishes(bounds: Bounds, limit: float) -> tuple[tuple[str, str], ...]:
    allowed = limit if bounds.seconds is None else min(bounds.seconds, limit)
    look_back = (("lookback_delta", seconds(bounds.look_back)),) if bounds.look_back is not None else ()
    return (("timeout", f"{max(1, math.ceil(allowed * 1000))}ms"), *look_back)


def _fields(wanted: Wanted) -> tuple[tuple[str, str], ...]:
    ends = (("start", wanted.start, ALWAYS[0]), ("end", wanted.end, ALWAYS[1]))
    return (*(("match[]", text) for text in wanted.texts), *((name, seconds(at)) for name, at, usual in ends if at != usual))


def _read(response: Response, read: Callable[[Mapping[str, Any]], T]) -> T:
    where = quoted(response.url.partition("?")[0], 200)[1:-1]
    if response.truncated:
        raise AnswerError(f"{where} answered more than {LARGEST} bytes", hint="ask for fewer series, a shorter range or a larger step")
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("status") not in ("success", "error"):
        begins = quoted(response.body[:200].decode(errors="replace").strip(), 200) if response.body.strip() else "nothing"
        raise AnswerError(f"the answer of {where} ({response.status}) is not one of Prometheus: {begins}")
    if document["status"] == "error":
        raise _refused(document, where)
    try:
        return read(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise AnswerError(f"the answer of {where} is not one of Prometheus: {error}") from None


def _refused(document: Mapping[str, Any], where: str) -> QueryError | AnswerError:
    """The error as the other engine says it."""
    kind, said = _BY_KIND.get(str(document.get("errorType"))), str(document.get("error", ""))
    return kind(said) if kind is not None else AnswerError(f"{where} could not answer: {quoted(said, 400)[1:-1]}")


def _list(document: Mapping[str, Any], read: Callable[[Any], T]) -> list[T]:
    return [read(entry) for entry in document.get("data") or ()]


def _text(entry: Any) -> str:
    if not isinstance(entry, str):
        raise ValueError("a text is expected in the list")
    return entry


def _labels(entry: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in entry.items()}


def _result(document: Mapping[str, Any]) -> Result:
    data = document["data"]
    value, histograms = _value(data["resultType"], data["result"])
    warnings = [str(one) for one in document.get("warnings") or ()]
    if histograms:
        warnings.append(f"{histograms} series are native histograms and are left out: only numbers are taken here")
    return Result(value, tuple(warnings), tuple(str(one) for one in document.get("infos") or ()))


def _value(kind: str, result: Any) -> tuple[Value, int]:
    """The value, and of how many series it leaves out native histograms."""
    match kind:
        case "scalar":
            return Scalar(_milliseconds(result[0]), float(result[1])), 0
        case "string":
            return String(_milliseconds(result[0]), _text(result[1])), 0
        case "vector":
            fit = [entry for entry in result if "value" in entry]
            at = _milliseconds(fit[0]["value"][0]) if fit else 0
            return InstantVector(at, [Point(_labels(one["metric"]), float(one["value"][1])) for one in fit]), len(result) - len(fit)
        case "matrix":
            fit = [entry for entry in result if entry.get("values")]
            return Matrix([_series(entry) for entry in fit]), sum("histograms" in entry for entry in result)
    raise ValueError(f"a result of type {quoted(kind)} is not known")


def _series(entry: Mapping[str, Any]) -> Series:
    at = np.array([_milliseconds(pair[0]) for pair in entry["values"]], dtype=np.int64)
    return Series(_labels(entry["metric"]), at, np.array([float(pair[1]) for pair in entry["values"]], dtype=np.float64))


def _milliseconds(at: float) -> int:
    return round(at * 1000)


def _metadata(document: Mapping[str, Any]) -> dict[str, Sequence[Described]]:
    return {
        _text(name): tuple(Described(one.get("type", "unknown"), one.get("help", ""), one.get("unit", "")) for one in entries)
        for name, entries in (document.get("data") or {}).items()
    }
