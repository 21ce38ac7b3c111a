"""The routes below ``/prometheus/api/v1``: a client that is given ``http://HOST:PORT/prometheus`` as its Prometheus works."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import NotFound
from keepwell.ports.clock import Clock
from keepwell.ports.offer import Route
from keepwell.rooms.promql.engine import Bounds, Described, Engine
from keepwell.rooms.promql.formatting import formatted
from keepwell.rooms.promql.literals import is_name
from keepwell.rooms.promql.model import BadQuery, InstantVector, Matrix, QueryError, Result
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
    return (Route("GET", BASE + path, READ, told(endpoint), summary),)


def _queries(answering: Answering) -> tuple[Route, ...]:
    async def query(request: Request) -> Response:
        asked = await parameters_of(request)
        limit, at = asked.limit(), asked.instant("time", round(answering.clock.now().timestamp() * 1000))
        text = asked.text("query")
        return await _answered(
            answering, request, asked, limit, lambda bounds: _checked(answering.engine().instant(text, at, bounds))
        )

    async def query_range(request: Request) -> Response:
        asked = await parameters_of(request)
        limit, (span, step), text = asked.limit(), read_span(asked), asked.text("query")
        return await _answered(
            answering, request, asked, limit, lambda bounds: _checked(answering.engine().range(text, span, step, bounds))
        )

    return (
        *_both("/query", query, "The value of a PromQL expression at one instant, in the shape of Prometheus"),
        *_both("/query_range", query_range, "The values of a PromQL expression over time, in the shape of Prometheus"),
    )
