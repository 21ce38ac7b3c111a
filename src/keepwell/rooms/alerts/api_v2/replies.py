"""Answers and errors in the shapes of Alertmanager's API: JSON as it is, and an error as one JSON string."""

import asyncio
import functools
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import KeepwellError, NotFound, UsageError

Endpoint = Callable[[Request], Awaitable[Response]]

_HEADERS = {"cache-control": "no-store"}
_FAULT = "an internal fault of Keepwell: its log has the details"
_log = logging.getLogger(__name__)


def told(endpoint: Endpoint) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The endpoint, its errors in Alertmanager's shape. What cannot be stored is a 500, as there: senders then send again."""

    @functools.wraps(endpoint)
    async def asked(request: Request) -> Response:
        try:
            return await endpoint(request)
        except KeepwellError as error:
            return _failure(error)
        except Exception:
            _log.exception("internal fault at %s %s", request.method, request.url.path)
            return reply(_FAULT, 500)

    asked.__annotations__ = {"request": Request}
    return asked


def _failure(error: KeepwellError) -> Response:
    first = error.problems[0]
    sentence = f"{first.message}: {first.hint}" if first.hint else first.message
    is_theirs = isinstance(error, UsageError) or first.code.startswith("alerts.")
    return reply(sentence, 404 if isinstance(error, NotFound) else 400 if is_theirs else 500)


def reply(value: Any, status: int = 200) -> Response:
    """A value as JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(text.encode("utf-8", "replace"), status, _HEADERS, "application/json")


async def listed(make: Callable[[], Any]) -> Response:
    """An answer that may be large: made and written in a thread, in which the server does other things."""
    return await asyncio.to_thread(lambda: reply(make()))


def done() -> Response:
    """Success, and nothing to say."""
    return Response(None, 200, _HEADERS)
