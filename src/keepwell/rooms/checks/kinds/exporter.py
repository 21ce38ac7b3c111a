"""The ``exporter`` kind: what a program measures of itself and offers to Prometheus, read without a Prometheus; limits on chosen series.

The text is Prometheus's exposition format (its documentation, "Exposition formats"), or OpenMetrics, which is the same line by line. Only
lines of chosen metrics are parsed: a large page costs little.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import ExpandedText
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.http import Request, Response
from keepwell.rooms.checks.http.access import AccessOptions, request_to, response_of
from keepwell.rooms.checks.http.judging import shown_url
from keepwell.rooms.checks.http.names import VALUE_NAME
from keepwell.rooms.checks.limits import Verdict, together
from keepwell.rooms.checks.metrics.exposition import samples_of
from keepwell.rooms.checks.metrics.judging import AnyLimits, Result, Series, Taken, finite_series, judged
from keepwell.rooms.checks.metrics.selectors import Selector, SeriesSelector
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import show

_MOST = 100
_ACCEPT = "text/plain;version=0.0.4"
_OWN = ("duration_seconds", "body_bytes")


class SeriesOptions(AnyLimits):
    """Which series, and when their values are worth a warning or a failure."""

    select: SeriesSelector
    """A metric and what its labels must be, as in PromQL: ``node_load1``, ``http_requests_total{code=~"5.."}``."""
    take: Taken = "each"
    """What of several series is judged: ``each`` of them, their ``sum``, the ``least``, the ``greatest``, or their ``number``."""
    per_second: bool = False
    """Whether the value is how much the sum of the series grew, per second, since the look before: for counters (``_total``)."""
    missing: Literal["unknown", "fail", "warn", "ok"] = "fail"
    """What it means that there is no such series, or none with a number."""


class ExporterOptions(AccessOptions):
    """A page of measurements and the series to keep of it. Exactly one of target and url."""

    path: ExpandedText = ""
    """What is appended to the address, for example ``/metrics``. Without it the target's or the url's own path, and ``/metrics`` where that
    has none."""
    series: dict[str, SeriesOptions] = Field(min_length=1, max_length=_MOST)
    """The series by the name under which their values are kept, for example ``{load: {select: node_load1, warn: "> 4"}}``; at most 100."""

    @model_validator(mode="after")
    def _names_and_rates(self) -> Self:
        for name, series in self.series.items():
            if not VALUE_NAME.fullmatch(name) or name in _OWN:
                raise ValueError(f"{show(name)} cannot be the name of a value: write small letters, digits and _, such as queue_length")
            if series.per_second and series.take not in ("each", "sum"):
                raise ValueError(f"{name}: per_second is of the sum of all series: leave out take")
        return self


def ask(options: ExporterOptions, target: Target | None) -> tuple[Question, ...]:
    """The page."""
    request = request_to(options, target, options.path)
    if not options.path and not _path(request.url):
        request = request_to(options, target, "/metrics")
    return (_accepting(request),)


def _path(url: str) -> str:
    return url.partition("://")[2].partition("?")[0].partition("/")[2]


def _accepting(request: Request) -> Request:
    return replace(request, headers={"Accept": _ACCEPT, **request.headers})


def read(options: ExporterOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Each of the chosen series against its limits; the worst decides."""
    try:
        response = response_of(options, answers[0])
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    try:
        found = samples_of(response.body, {one.select.metric for one in options.series.values()})
    except ValueError as error:
        return Observation(State.FAIL, f"{shown_url(response.url)} holds no measurements for Prometheus: {error}", _measured(response))
    counters = dict(_counters(options, found))
    results = [_result(name, one, _selected(one.select, found), counters, earlier) for name, one in options.series.items()]
    verdict = together(result.verdict for result in results)
    values = {name: value for result in results for name, value in result.values.items()} | _measured(response)
    return Observation(verdict.state, verdict.sentence, values, counters)


def _measured(response: Response) -> dict[str, float]:
    return {"duration_seconds": response.phases.total, "body_bytes": float(len(response.body))}


def _selected(selector: Selector, found: Mapping[str, list[Series]]) -> list[Series]:
    return [series for series in found.get(selector.metric, []) if selector.holds(series.labels)]


def _counters(options: ExporterOptions, found: Mapping[str, list[Series]]) -> Iterator[tuple[str, float]]:
    """The sums of which rates are made."""
    for name, one in options.series.items():
        series = finite_series(_selected(one.select, found)) if one.per_second else []
        total = sum(each.value for each in series)
        if series and abs(total) < float("inf"):
            yield name, total


def _result(name: str, one: SeriesOptions, series: list[Series], counters: Mapping[str, float], earlier: Earlier | None) -> Result:
    usable = finite_series(series)
    if not usable:
        words = f"there is no series {one.select.text}" if not series else f"{one.select.text} is not a number"
        return Result(Verdict(State(one.missing), words), {})
    if one.per_second:
        return _rate(name, one, counters, earlier)
    return judged(name, one.select.text, usable, one.take, one)


def _rate(name: str, one: SeriesOptions, counters: Mapping[str, float], earlier: Earlier | None) -> Result:
    if earlier is None or name not in earlier.counters or name not in counters or earlier.seconds <= 0:
        return Result(Verdict(State.UNKNOWN, f"the growth of {one.select.text} needs two readings, and this is the first"), {})
    grown = counters[name] - earlier.counters[name]
    if grown < 0:  # the program was started anew: its counters begin at zero (Prometheus's rate() does the same)
        grown = counters[name]
    each = Series({}, grown / earlier.seconds)
    seen = f"the growth per second of {one.select.text} in the last {describe(earlier.seconds, Unit.SECONDS)}"
    return judged(name, seen, [each], "each", one) if finite_series([each]) else Result(Verdict(State.UNKNOWN, f"{seen} is no number"), {})


DRIVER = Kind(
    summary="Chosen series of what a program offers to Prometheus, with limits, read without a Prometheus",
    options=ExporterOptions,
    ask=ask,
    read=read,
    needs_earlier=lambda options: any(one.per_second for one in options.series.values()),
    values={
        "NAME": "the value of the series that option series calls NAME; several together as option take says",
        "NAME_LABELS": "where several series are judged each: the value of one of them, by the labels that tell them apart",
        "NAME_series": "how many series were judged each",
        "duration_seconds": "how long the answer took",
        "body_bytes": "the size of the page",
    },
    example="""\
checks:
  node:
    exporter:
      url: http://127.0.0.1:9100
      series:
        load: {select: node_load1, warn: "> 4"}
        errors: {select: node_network_receive_errs_total, per_second: true, warn: "> 0"}
    every: 1m
""",
)
