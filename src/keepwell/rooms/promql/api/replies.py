"""Answers and errors in the shape of Prometheus' API: ``{"status": ..., "data" or "errorType" and "error": ..., "warnings", "infos"}``."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from keepwell.kernel.problems import AnswerError, AskError, KeepwellError, NotFound, Problem, Refused
from keepwell.rooms.promql.model import QueryError, Result

from . import texts

_STATUS: Mapping[str, int] = {
    "bad_data": 400,
    "not_found": 404,
    "execution": 422,
    "canceled": 499,
    "internal": 500,
    "bad_gateway": 502,
    "timeout": 503,
}
"""By Prometheus' error types (web/api/v1, ``respondError``). ``bad_gateway`` is ours: another engine was to answer, and did not."""

_FAULT = Problem("internal", "An internal fault of Keepwell", "its log has the details")

_log = logging.getLogger(__name__)

_PART = 64 * 1024
"""Bytes sent at once, at least."""

Endpoint = Callable[[Request], Awaitable[Response]]


def told(endpoint: Endpoint) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """The endpoint, its errors in Prometheus' shape."""

    @functools.wraps(endpoint)
    async def asked(request: Request) -> Response:
        try:
            return await endpoint(request)
        except KeepwellError as error:
            return failure(error)
        except Exception:
            _log.exception("internal fault at %s %s", request.method, request.url.path)
            return failure(KeepwellError(_FAULT))

    asked.__annotations__ = {"request": Request}
    return asked


def failure(error: KeepwellError) -> Response:
    """An error; what there is to do about it stands behind its sentence."""
    kind = _kind(error)
    first = error.problems[0]
    sentence = f"{first.message}: {first.hint}" if first.hint else first.message
    body = {"status": "error", "errorType": kind, "error": sentence}
    return Response(texts.document(body), _STATUS[kind], media_type="application/json")


def _kind(error: KeepwellError) -> str:
    if isinstance(error, QueryError):
        return error.kind
    if isinstance(error, NotFound):
        return "not_found"
    if isinstance(error, AskError | AnswerError):
        return "bad_gateway"
    return "execution" if isinstance(error, Refused) else "internal"


def success(data: Any, warnings: Sequence[str] = ()) -> Response:
    """An answer that is small."""
    body = b'{"status":"success","data":' + texts.document(data) + texts.remarks(warnings) + b"}"
    return Response(body, media_type="application/json")


async def listed(data: Any, warnings: Sequence[str] = ()) -> Response:
    """An answer that may be large: written in a thread, in which the server does other things."""
    return await asyncio.to_thread(success, data, warnings)


async def result(found: Result) -> Response:
    """The answer of a query; a large one is sent in parts."""
    parts = texts.result(found)
    first = await asyncio.to_thread(_some, parts)
    if len(first) < _PART:
        return Response(first, media_type="application/json")
    return StreamingResponse(_rest(first, parts), media_type="application/json")


async def _rest(part: bytes, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    while part:
        yield part
        part = await asyncio.to_thread(_some, parts)


def _some(parts: Iterator[bytes]) -> bytes:
    gathered = bytearray()
    for part in parts:
        gathered += part
        if len(gathered) >= _PART:
            break
    return bytes(gathered)
