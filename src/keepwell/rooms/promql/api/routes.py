"""The routes below ``/prometheus/api/v1``: a client that is given ``http://HOST:PORT/prometheus`` as its Prometheus works."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import NotFound
from keepwell.ports.clock import Clock
from keepwell.ports.offer import Route
from keepwell.rooms.promql.engine import Bounds, Described, Engine
from keepwell.rooms.promql.formatting import formatted
from keepwell.rooms.promql.literals import is_name, unescaped
from keepwell.rooms.promql.model import BadQuery, InstantVector, Matrix, Result
from keepwell.rooms.promql.parse import parse
from keepwell.rooms.promql.shown import RuleGroupShown, TargetShown

from . import listings
from .parameters import Parameters, invalid, parameters_of, read_span
from .replies import Endpoint, listed, result, success, told
from .turns import Turns, while_connected

BASE = "/prometheus/api/v1"

READ = "samples.read"

_CUT = "results truncated due to limit"


@dataclass(frozen=True, slots=True)
class Answering:
    """Whom the routes ask: the engine in force, the rules and the targets as they stand now (with how many targets of a job relabelling
    dropped). ``seconds`` is how long one query may take, waiting for its turn included."""

    engine: Callable[[], Engine]
    groups: Callable[[], Sequence[RuleGroupShown]]
    targets: Callable[[], Sequence[TargetShown]]
    dropped: Callable[[], Mapping[str, int]]
    clock: Clock
    turns: Turns
    seconds: Callable[[], float]


def routes(answering: Answering) -> tuple[Route, ...]:
    """All of them; the last takes every other path below, and says that there is nothing."""
    return (*_queries(answering), *_series(answering), *_facts(answering), *_nothing())


def _both(path: str, endpoint: Endpoint, summary: str) -> tuple[Route, ...]:
    """A question that may also come as a form: too long for an address."""
    return (*_get(path, endpoint, summary), Route("POST", BASE + path, READ, told(endpoint), summary, asks=True))


def _get(path: str, endpoint: Endpoint, summary: str) -> tuple[Route, ...]:
    """A question by GET. Grafana tries POST first even where Prometheus has none, and then GET if the status is 405 or 400."""
    return (Route("GET", BASE + path, READ, told(endpoint), summary, asks=True),)


def _queries(answering: Answering) -> tuple[Route, ...]:
    async def query(request: Request) -> Response:
        asked = await parameters_of(request)
        text, at = asked.text("query"), asked.instant("time", round(answering.clock.now().timestamp() * 1000))
        return await _answered(answering, request, asked, lambda bounds: answering.engine().instant(text, at, bounds))

    async def query_range(request: Request) -> Response:
        asked = await parameters_of(request)
        text, (span, step) = asked.text("query"), read_span(asked)
        return await _answered(answering, request, asked, lambda bounds: answering.engine().range(text, span, step, bounds))

    async def query_exemplars(request: Request) -> Response:
        await asyncio.to_thread(_parsed, (await parameters_of(request)).text("query"))
        return success([])

    async def format_query(request: Request) -> Response:
        text = (await parameters_of(request)).text("query")
        await asyncio.to_thread(_parsed, text)
        return success(await asyncio.to_thread(formatted, text))

    return (
        *_both("/query", query, "The value of a PromQL expression at one instant, in the shape of Prometheus"),
        *_both("/query_range", query_range, "The values of a PromQL expression over time, in the shape of Prometheus"),
        *_both("/query_exemplars", query_exemplars, "None: exemplars are not kept"),
        *_both("/format_query", format_query, "A PromQL expression, laid out for reading"),
    )


async def _answered(answering: Answering, request: Request, asked: Parameters, ask: Callable[[Bounds], Awaitable[Result]]) -> Response:
    """One query in its turn, given up when the client leaves."""
    limit, wishes = asked.limit(), asked.bounds()
    seconds = min(wishes.seconds or answering.seconds(), answering.seconds())

    async def in_turn(left: float) -> Result:
        return await ask(replace(wishes, seconds=left))

    try:
        found = await while_connected(request, answering.turns.take(in_turn, seconds))
    except BadQuery as error:
        raise _told(error) from None
    return await result(_cut(found, limit))


def _parsed(text: str) -> None:
    try:
        parse(text)
    except BadQuery as error:
        raise _told(error) from None


def _told(error: BadQuery) -> BadQuery:
    sentence = str(error)
    own = sentence.startswith(("invalid parameter", "exceeded maximum resolution", "invalid expression type"))
    return BadQuery(sentence, hint=error.problems[0].hint) if own else invalid("query", sentence)


def _cut(found: Result, limit: int) -> Result:
    """At most so many series; 0 is any number."""
    value = found.value
    if isinstance(value, InstantVector) and 0 < limit < len(value.points):
        return replace(found, value=replace(value, points=value.points[:limit]), warnings=(*found.warnings, _CUT))
    if isinstance(value, Matrix) and 0 < limit < len(value.series):
        return replace(found, value=Matrix(value.series[:limit]), warnings=(*found.warnings, _CUT))
    return found


def _series(answering: Answering) -> tuple[Route, ...]:
    async def reply(asked: Parameters, found: Sequence[Any]) -> Response:
        limit = asked.limit()
        is_cut = 0 < limit < len(found)
        return await listed(list(found[:limit] if is_cut else found), (_CUT,) if is_cut else ())

    async def series(request: Request) -> Response:
        asked = await parameters_of(request)
        return await reply(asked, await answering.engine().series(asked.wanted(required=True)))

    async def labels(request: Request) -> Response:
        asked = await parameters_of(request)
        return await reply(asked, await answering.engine().label_names(asked.wanted()))

    async def label_values(request: Request) -> Response:
        name, asked = unescaped(request.path_params["name"]), await parameters_of(request)
        if not is_name(name):
            raise BadQuery(f'invalid label name: "{name}"')
        return await reply(asked, await answering.engine().label_values(name, asked.wanted()))

    return (
        *_both("/series", series, "The labels of series, in the shape of Prometheus"),
        *_both("/labels", labels, "The names of labels, in the shape of Prometheus"),
        *_get("/label/{name}/values", label_values, "The values of a label, in the shape of Prometheus"),
    )


def _facts(answering: Answering) -> tuple[Route, ...]:
    async def metadata(request: Request) -> Response:
        asked = await parameters_of(request)
        return await listed(_described(await answering.engine().metadata(), asked))

    async def rules(request: Request) -> Response:
        return await listed(listings.rules(answering.groups(), await parameters_of(request)))

    async def alerts(request: Request) -> Response:
        return await listed(listings.alerts(answering.groups()))

    async def targets(request: Request) -> Response:
        return await listed(listings.targets(answering.targets(), answering.dropped(), await parameters_of(request)))

    async def build(request: Request) -> Response:
        return success(listings.build())

    return (
        *_get("/metadata", metadata, "What metrics are, in the shape of Prometheus"),
        *_get("/rules", rules, "Rules and how they stand, in the shape of Prometheus"),
        *_get("/alerts", alerts, "Alerts that are pending or firing, in the shape of Prometheus"),
        *_get("/targets", targets, "Where scraped targets stand, in the shape of Prometheus"),
        *_get("/status/buildinfo", build, "What answers here, in the shape of Prometheus"),
    )


def _described(metadata: Mapping[str, Sequence[Described]], asked: Parameters) -> dict[str, Any]:
    metric, limit, each = asked.text("metric"), asked.limit(), asked.limit("limit_per_metric")
    names = [metric] if metric else sorted(metadata)
    chosen = [name for name in names if name in metadata][: limit or None]
    return {name: [{"type": one.kind, "help": one.help, "unit": one.unit} for one in metadata[name][: each or None]] for name in chosen}


def _nothing() -> tuple[Route, ...]:
    async def nothing(request: Request) -> Response:
        raise NotFound(f"there is nothing at {request.url.path}")

    return _get("/{rest:path}", nothing, "What Prometheus has and Keepwell has not: not found")
