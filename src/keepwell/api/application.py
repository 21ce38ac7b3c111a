"""The ASGI application: declared routes, each behind the permission that it names, described by one OpenAPI document."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Mounted
from starlette.routing import compile_path
from starlette.types import ASGIApp

from keepwell.kernel.problems import KeepwellError, NotFound, Problem
from keepwell.ports.offer import Face, Route

from .binding import Binding
from .gate import Gate, Policy, access_of, internal_fault
from .replies import ErrorReplies

_DOCUMENT = "/api/v1/openapi.json"


class Site(Protocol):
    """Pages for people, as this application needs them."""

    @property
    def routes(self) -> Sequence[Route]:
        """The routes of the pages, their streams and files; their endpoints return responses."""
        ...

    def error_page(self, status: int, error: Mapping[str, Any]) -> str:
        """The HTML of an error."""
        ...


class _Document:
    """The OpenAPI document, written when somebody asks for it first."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._written: dict[str, Any] | None = None

    async def answer(self, request: Request) -> Response:
        """The document."""
        if self._written is None:
            self._written = await asyncio.to_thread(self._write)
        return JSONResponse(self._written)

    def _write(self) -> dict[str, Any]:
        from .document import document_of

        return document_of(self._routes)


def build_application(faces: Sequence[Face], policy: Policy, site: Site | None = None) -> ASGIApp:
    """The application of all faces. Its OpenAPI document is at /api/v1/openapi.json, with the permission of every operation.

    Raises ValueError where two routes have the same method and path.
    """
    replies = ErrorReplies(site.error_page if site else None)
    documented = [route for face in faces for route in face.routes]
    app = Starlette(
        routes=[
            Mounted(_DOCUMENT, _Document(documented).answer, methods=["GET"], include_in_schema=False),
            *(_guarded(route) for route in _distinct([*documented, *(site.routes if site else ())])),
        ],
        exception_handlers=_explaining(replies),
    )
    app.router.redirect_slashes = False
    by_path = {route.path.partition("{")[0]: route.permission for route in documented if route.known_by_path}
    questions = frozenset(route.path for route in documented if route.asks)
    bodies = {(route.method, route.path): route.body for route in documented if route.body is not None}
    return Gate(app, policy, replies, by_path, questions, bodies)


def _distinct(routes: Sequence[Route]) -> Sequence[Route]:
    taken: set[tuple[str, str]] = set()
    for route in routes:
        if (route.method, route.path) in taken:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        taken.add((route.method, route.path))
    return routes


def _guarded(route: Route) -> Mounted:
    """The route, run only for a caller who holds its permission; nothing of the request is parsed before."""
    _, _, names = compile_path(route.path)
    binding = Binding(route.endpoint, list(names))

    async def guarded(request: Request) -> Response:
        access_of(request.scope).require(route.permission)
        try:
            return await binding.answer(request)
        except (KeepwellError, HTTPException):
            raise
        except Exception:
            raise internal_fault(request.scope) from None

    return Mounted(route.path, guarded, methods=[route.method])


def _explaining(replies: ErrorReplies) -> Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]]:
    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, KeepwellError)
        return replies.reply(error, request.headers.get("accept"))

    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reply = replies.reply(_unrouted(request, error), request.headers.get("accept"))
        reply.headers.update(error.headers or {})
        return reply

    return {KeepwellError: known, HTTPException: unrouted}


def _unrouted(request: Request, error: HTTPException) -> KeepwellError:
    if error.status_code == 404:
        return NotFound(f"There is nothing at {request.url.path}")
    if error.status_code == 405:
        return KeepwellError(Problem("request.method", f"{request.method} is not possible at {request.url.path}"))
    return KeepwellError(Problem("request.invalid", str(error.detail)))
