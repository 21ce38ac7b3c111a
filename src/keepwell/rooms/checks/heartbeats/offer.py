"""The routes by which jobs call, wire-compatible with the pinging API of Healthchecks (https://healthchecks.io/docs/http_api/)."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from keepwell.ports.offer import Face, Route

from .desk import Desk
from .model import LONGEST_TEXT, is_signal

PING = "ping"
"""The permission that the address of a job gives to whoever knows it."""

_PATHS = ("/ping/{one}", "/ping/{one}/{two}", "/ping/{one}/{two}/{three}")


def face(desk: Desk) -> Face:
    """The routes: ``/ping/ADDRESS`` and ``/ping/ADDRESS/SIGNAL``, by GET, HEAD and POST."""

    async def ping(request: Request) -> Response:
        parts = list(request.path_params.values())
        word = parts.pop() if len(parts) > 1 and is_signal(parts[-1]) else ""
        if len(parts) > 2:
            return _answer(404, "not found")
        reply = await desk.take(parts, word, request.query_params.get("rid", ""), await request.body())
        return _answer(reply.status, reply.text)

    return Face("pings", routes=tuple(_routes(ping)))


def _routes(endpoint: Any) -> Sequence[Route]:
    summary = "A job says that it began, ended or failed; knowing its address is enough"
    return [Route(method, path, PING, endpoint, summary, known_by_path=True) for method in ("GET", "POST") for path in _PATHS]


def _answer(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"Ping-Body-Limit": str(LONGEST_TEXT)})
