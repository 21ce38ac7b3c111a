"""The routes by which jobs call, wire-compatible with the pinging API of Healthchecks (https://healthchecks.io/docs/http_api/)."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from keepwell.ports.offer import Face, Route
from keepwell.rooms.checks.offer import READ
from keepwell.rooms.checks.views import instant

from .desk import Desk
from .model import LONGEST_TEXT, is_signal

PING = "ping"
"""The permission that the address of a job gives to whoever knows it."""

_PATHS = ("/ping/{one}", "/ping/{one}/{two}", "/ping/{one}/{two}/{three}")
_SHOWN = 50

Newest = Callable[[str, int], Awaitable[list[dict[str, Any]]]]
"""The newest pings of the check of that name, as plain values. Raises NotFound where no check of that name hears pings."""


def face(desk: Desk, newest: Newest) -> Face:
    """The routes: ``/ping/ADDRESS`` and ``/ping/ADDRESS/SIGNAL``, by GET, HEAD and POST; and what was heard."""

    async def ping(request: Request) -> Response:
        parts = list(request.path_params.values())
        word = parts.pop() if len(parts) > 1 and is_signal(parts[-1]) else ""
        if len(parts) > 2:
            return _answer(404, "not found")
        reply = await desk.take(parts, word, request.query_params.get("rid", ""), await request.body())
        return _answer(reply.status, reply.text)

    async def pings(name: str) -> dict[str, Any]:
        return {"name": name, "pings": [{**one, "at": instant(one["at"])} for one in await newest(name, _SHOWN)]}

    heard = Route("GET", "/api/v1/checks/{name}/pings", READ, pings, "The newest calls of a heartbeat's job, with their bodies")
    return Face("pings", routes=(*_routes(ping), heard))


def _routes(endpoint: Callable[[Request], Awaitable[Response]]) -> Iterator[Route]:
    summary = "A job says that it began, ended or failed; knowing its address is enough"
    for method in ("GET", "POST"):
        for path in _PATHS:
            yield Route(method, path, PING, endpoint, summary, known_by_path=True)


def _answer(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"Ping-Body-Limit": str(LONGEST_TEXT)})
