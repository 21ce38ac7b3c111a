"""The ``prometheus`` kind: a PromQL query put to a Prometheus server, or to one that speaks its interface, and limits on what it gives.

The interface is ``GET /api/v1/query`` (Prometheus, "HTTP API"), which VictoriaMetrics, Thanos and Mimir have too.
"""

import json
import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.http import Response
from keepwell.rooms.checks.http.access import AccessOptions, request_to, response_of
from keepwell.rooms.checks.limits import NumberLimits, Verdict, judge, together
from keepwell.rooms.checks.metrics.judging import AnyLimits, Series, Taken, finite_series, judged
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import LONGEST_SHOWN, show

_REFUSED = (400, 422, 503)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?|Inf|NaN)")
_MOST_WARNINGS = 3


class PrometheusOptions(AccessOptions):
    """A query and what its result must be. Exactly one of target and url: the server's address, without ``/api/v1``."""

    query: str = Field(min_length=1, max_length=10_000)
    """PromQL that gives one number or an instant vector, for example ``sum(rate(http_requests_total{code=~"5.."}[5m]))``."""
    value: AnyLimits | None = None
    """Limits on the values, for example ``{warn: "> 0.01", fail: "> 0.05"}``, the worst series deciding. Without it nothing is judged."""
    take: Taken = "each"
    """What of several series is judged: ``each`` of them, their ``sum``, the ``least``, the ``greatest``, or their ``number``."""
    series: NumberLimits | None = None
    """Limits on how many series the query gives, for example ``{fail: "> 0"}`` for a query that gives only what is wrong. Then no data is
    simply none: ``no_data`` does not apply."""
    no_data: Literal["unknown", "fail", "warn", "ok"] = "unknown"
    """What it means that the query gives nothing, or nothing that is a number: usually ``unknown``, because then nothing was measured."""

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> Self:
        if self.series is not None and "no_data" in self.model_fields_set:
            raise ValueError("series says already what no data means: leave out no_data, or series")
        return self


def ask(options: PrometheusOptions, target: Target | None) -> tuple[Question, ...]:
    """The query, at the time of the server."""
    return (request_to(options, target, "/api/v1/query", (("query", options.query),)),)


def read(options: PrometheusOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The number of series, then their values. A query that the server refuses is our fault: unknown."""
    try:
        response = response_of(options, answers[0], statuses=(200, *_REFUSED))
        document = _document(response)
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    measured = {"duration_seconds": response.phases.total}
    if document.get("status") == "error":
        return _refused(document, measured)
    try:
        series = _series(document.get("data"))
    except ValueError as error:
        return Observation(State.FAIL, f"the answer is not one of Prometheus: {error}", measured)
    verdicts, values = _judged(options, series)
    verdict = together([*verdicts, *_warnings(document)])
    return Observation(verdict.state, verdict.sentence, values | measured)


def _document(response: Response) -> dict[str, Any]:
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("status") not in ("success", "error"):
        begins = show(response.body[:200].decode(errors="replace").strip()) if response.body.strip() else "nothing"
        raise AnswerError(f"the answer ({response.status}) is not one of Prometheus: {begins}")
    return document


def _refused(document: dict[str, Any], measured: dict[str, float]) -> Observation:
    """``bad_data`` says that the query is wrong (our fault); any other error that the server could not answer it."""
    reason = show(str(document.get("error", "")))
    if document.get("errorType") == "bad_data":
        return Observation(State.UNKNOWN, f"could not look: Prometheus refuses the query: {reason}", measured)
    return Observation(State.FAIL, f"Prometheus could not answer ({show(str(document.get('errorType', '')))[1:-1]}): {reason}", measured)


def _series(data: object) -> list[Series]:
    """The series of a result. Raises ValueError in a few words where it is none that can be judged."""
    if not isinstance(data, dict) or data.get("resultType") not in ("vector", "scalar"):
        kind = data.get("resultType") if isinstance(data, dict) else None
        raise ValueError(f"a result of type {show(str(kind))} cannot be judged, only a number or an instant vector")
    result = data.get("result")
    if data["resultType"] == "scalar":
        return [Series({}, _value(result))]
    if not isinstance(result, list):
        raise ValueError("there is no list of series")
    return [_one(entry) for entry in result]


def _one(entry: object) -> Series:
    labels = entry.get("metric") if isinstance(entry, dict) else None
    if not isinstance(labels, dict) or not isinstance(entry, dict):
        raise ValueError("a series has no labels")
    return Series({str(name): str(value) for name, value in labels.items()}, _value(entry.get("value")))


def _value(pair: object) -> float:
    """The value of ``[time, "value"]``."""
    if not isinstance(pair, list) or len(pair) != 2 or not isinstance(pair[1], str) or not _NUMBER.fullmatch(pair[1]):
        raise ValueError("a series has no value")
    return float(pair[1])


def _judged(options: PrometheusOptions, series: list[Series]) -> tuple[list[Verdict], dict[str, float]]:
    verdicts: list[Verdict] = []
    values = {"series": float(len(series))}
    shown = _shown(options.query)
    if options.series is not None:
        words = f"{shown} gives {len(series)} series"
        verdicts.append(judge(words, len(series), options.series.warn, options.series.fail))
    usable = finite_series(series)
    if usable:
        result = judged("value", shown, usable, options.take, options.value or AnyLimits())
        verdicts.append(result.verdict)
        values |= result.values
    elif options.series is None:
        words = f"{shown} gives {'no data' if not series else 'nothing that is a number'}"
        verdicts.append(Verdict(State(options.no_data), words))
    return verdicts, values


def _shown(query: str) -> str:
    """The query on one line, and not all of a long one."""
    line = " ".join(query.split())
    return line if len(line) <= LONGEST_SHOWN else line[:LONGEST_SHOWN] + "…"


def _warnings(document: dict[str, Any]) -> list[Verdict]:
    """What the server remarks on its own answer (a source that did not answer, a query that looks mistaken)."""
    remarks = [one for key in ("warnings", "infos") if isinstance(document.get(key), list) for one in document[key]]
    return [Verdict(State.OK, f"Prometheus remarks: {show(str(remark))}") for remark in remarks[:_MOST_WARNINGS]]


DRIVER = Kind(
    summary="A PromQL query put to a Prometheus server, with limits on the values it gives",
    options=PrometheusOptions,
    ask=ask,
    read=read,
    values={
        "value": "what the query gives; of several series what option take makes of them",
        "value_LABELS": "where several series are judged each: the value of one of them, by the labels that tell them apart",
        "value_series": "how many series were judged each",
        "series": "how many series the query gives",
        "duration_seconds": "how long the answer took",
    },
    example="""\
checks:
  errors:
    prometheus:
      url: http://127.0.0.1:9090
      query: sum(rate(http_requests_total{code=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
      value: {warn: "> 0.01", fail: "> 0.05"}
    every: 1m
""",
)
