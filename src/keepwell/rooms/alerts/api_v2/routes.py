"""The routes below ``/alertmanager/api/v2``: a client that is given ``http://HOST:PORT/alertmanager`` as its Alertmanager works."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.ports.offer import Route
from keepwell.rooms.alerts.model import Silence
from keepwell.rooms.alerts.policy import RESOLVE_TIMEOUT
from keepwell.rooms.alerts.silences import problem_of

from . import writing
from .filters import alert_filter, flag, matchers, receiver_filter
from .reading import read_alerts, read_silence, said
from .replies import Endpoint, done, listed, reply, told
from .verbs import Answering

BASE = "/alertmanager/api/v2"

READ, WRITE = "alerts.read", "alerts.write"

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of one post of alerts: ten thousand with three kilobytes each."""

_STATES = ("active", "expired", "pending")


def routes(answering: Answering) -> tuple[Route, ...]:
    """All of them; the last takes every other path below, and says that there is nothing."""
    return (*_general(answering), *_alerts(answering), *_silences(answering), _nothing())


def _get(path: str, endpoint: Endpoint, summary: str) -> Route:
    return Route("GET", BASE + path, READ, told(endpoint), f"{summary}, in the shape of Alertmanager")


def _general(answering: Answering) -> tuple[Route, ...]:
    async def status(request: Request) -> Response:
        return reply(writing.status(answering.configuration(), answering.started_at))

    async def receivers(request: Request) -> Response:
        return reply(writing.receivers(answering.receivers(), receiver_filter(request.query_params)))

    return (
        _get("/status", status, "What answers here, and its configuration"),
        _get("/receivers", receivers, "The receivers there are"),
    )


def _alerts(answering: Answering) -> tuple[Route, ...]:
    async def alerts(request: Request) -> Response:
        query, until = request.query_params, answering.clock.now() + RESOLVE_TIMEOUT
        wanted, of = alert_filter(query), receiver_filter(query)
        standings = answering.alerts.standings()
        return await listed(lambda: writing.alerts(standings, wanted, of, until))

    async def groups(request: Request) -> Response:
        query, until = request.query_params, answering.clock.now() + RESOLVE_TIMEOUT
        wanted, of, muted = alert_filter(query), receiver_filter(query), flag(query, "muted")
        standings = answering.alerts.standings()
        return await listed(lambda: writing.groups(standings, wanted, of, muted, until))

    async def post(request: Request) -> Response:
        found = await asyncio.to_thread(read_alerts, await request.body(), answering.clock.now(), RESOLVE_TIMEOUT)
        if found.posted:
            await answering.alerts.post(found.posted, answering.caller(request))
        if found.problems:
            raise UsageError(said(found.problems))
        return done()

    summary = "Takes alerts from Prometheus and other programs, in the shape of Alertmanager"
    return (
        _get("/alerts", alerts, "The alerts that fire"),
        Route("POST", f"{BASE}/alerts", WRITE, told(post), summary, body=MOST_BYTES),
        _get("/alerts/groups", groups, "The alerts that fire, as they are notified together"),
    )


def _silences(answering: Answering) -> tuple[Route, ...]:
    async def silences(request: Request) -> Response:
        query = request.query_params
        states, wanted = [state for state in _STATES if flag(query, state)], matchers(query)
        return reply(writing.silences(answering.alerts.silences(), states, wanted, answering.clock.now()))

    async def silence(request: Request) -> Response:
        return reply(writing.silence(_found(answering, request.path_params["silence_id"]), answering.clock.now()))

    async def post(request: Request) -> Response:
        now = answering.clock.now()
        wanted = read_silence(await request.body(), now)
        if wanted.id:
            _found(answering, wanted.id)
        if sentence := problem_of(wanted, now):
            raise UsageError(sentence)
        return reply({"silenceID": (await answering.alerts.silence(wanted, answering.caller(request))).id})

    async def delete(request: Request) -> Response:
        known = _found(answering, request.path_params["silence_id"])
        await answering.alerts.expire_silence(known.id, answering.caller(request))
        return done()

    one = BASE + "/silence/{silence_id}"
    return (
        _get("/silences", silences, "Silences"),
        Route("POST", f"{BASE}/silences", WRITE, told(post), "Adds a silence or changes one, in the shape of Alertmanager"),
        _get("/silence/{silence_id}", silence, "One silence"),
        Route("DELETE", one, WRITE, told(delete), "Ends a silence, in the shape of Alertmanager"),
    )


def _found(answering: Answering, id: str) -> Silence:
    """The silence of that id. Raises NotFound."""
    known = next((silence for silence in answering.alerts.silences() if silence.id == id), None)
    if known is None:
        raise NotFound("silence not found")
    return known


def _nothing() -> Route:
    async def nothing(request: Request) -> Response:
        raise NotFound(f"there is nothing at {request.url.path}")

    return _get("/{rest:path}", nothing, "What Alertmanager has and Keepwell has not: not found")
