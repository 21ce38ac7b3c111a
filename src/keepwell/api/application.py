"""The ASGI application: declared routes, each behind the permission that it names, described by one OpenAPI document."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from keepwell import __version__
from keepwell.kernel.problems import KeepwellError, NotFound, Problem
from keepwell.ports.offer import Face, Route

from .access import READS
from .gate import Gate, Policy, access_of, internal_fault
from .replies import ErrorReplies

_PERMISSION = "x-keepwell-permission"


class Site(Protocol):
    """Pages for people, as this application needs them."""

    @property
    def routes(self) -> Sequence[Route]:
        """The routes of the pages, their streams and files; their endpoints return responses."""
        ...

    def error_page(self, status: int, error: Mapping[str, Any]) -> str:
        """The HTML of an error."""
        ...


class PlaceReply(BaseModel):
    """Where a problem stands."""

    file: str
    line: int | None
    column: int | None
    quote: str | None
    width: int


class ProblemReply(BaseModel):
    """One problem: a stable code, one sentence, and what to do about it."""

    code: str
    message: str
    hint: str
    where: PlaceReply | None


class ErrorSummary(BaseModel):
    """The most important problem, and all of them."""

    code: str
    message: str
    hint: str
    problems: list[ProblemReply]


class ErrorReply(BaseModel):
    """What every error is answered with."""

    error: ErrorSummary


class GuardedRoute(APIRoute):
    """A route that runs only for a caller who holds its permission; nothing of the request is parsed before."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the guard."""
        handle = super().get_route_handler()
        permission = str((self.openapi_extra or {})[_PERMISSION])

        async def guarded(request: Request) -> Response:
            access_of(request.scope).require(permission)
            try:
                return await handle(request)
            except (KeepwellError, HTTPException, RequestValidationError):
                raise
            except Exception:
                raise internal_fault(request.scope) from None

        return guarded


def build_application(faces: Sequence[Face], policy: Policy, site: Site | None = None) -> ASGIApp:
    """The application of all faces. Its OpenAPI document is at /api/v1/openapi.json, with the permission of every operation.

    Raises ValueError where two routes have the same method and path.
    """
    replies = ErrorReplies(site.error_page if site else None)
    app = FastAPI(
        title="Keepwell", version=__version__, openapi_url="/api/v1/openapi.json", docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.router.route_class = GuardedRoute
    taken: set[tuple[str, str]] = set()
    for route, documented in [*((r, True) for face in faces for r in face.routes), *((r, False) for r in (site.routes if site else ()))]:
        if (route.method, route.path) in taken:
            raise ValueError(f"{route.method} {route.path} is declared twice")
        taken.add((route.method, route.path))
        _add(app, route, documented)
    _explain_errors(app, replies)
    by_path = {route.path.partition("{")[0]: route.permission for face in faces for route in face.routes if route.known_by_path}
    questions = frozenset(route.path for face in faces for route in face.routes if route.asks)
    bodies = {(route.method, route.path): route.body for face in faces for route in face.routes if route.body is not None}
    return Gate(app, policy, replies, by_path, questions, bodies)


def _add(app: FastAPI, route: Route, documented: bool) -> None:
    described: Mapping[str, Any] = {"summary": route.summary, "openapi_extra": {_PERMISSION: route.permission}}
    responses: dict[int | str, dict[str, Any]] = {"4XX": {"model": ErrorReply, "description": "Refused, and why"}} if documented else {}
    app.add_api_route(route.path, route.endpoint, methods=[route.method], include_in_schema=documented, responses=responses, **described)
    if route.method in READS:
        app.add_api_route(route.path, route.endpoint, methods=["HEAD"], include_in_schema=False, **described)


def _explain_errors(app: FastAPI, replies: ErrorReplies) -> None:
    async def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, KeepwellError)
        return replies.reply(error, request.headers.get("accept"))

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return replies.reply(KeepwellError(*(_problem_of(entry) for entry in error.errors())), request.headers.get("accept"))

    async def unrouted(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reply = replies.reply(_unrouted(request, error), request.headers.get("accept"))
        reply.headers.update(error.headers or {})
        return reply

    app.add_exception_handler(KeepwellError, known)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, unrouted)


def _problem_of(entry: Mapping[str, Any]) -> Problem:
    """One complaint of pydantic's as a problem: ``query limit: Input should be a valid integer``."""
    place = " ".join(str(part) for part in entry["loc"])
    return Problem("request.invalid", f"{place}: {entry['msg']}", "the document /api/v1/openapi.json describes what is expected")


def _unrouted(request: Request, error: HTTPException) -> KeepwellError:
    if error.status_code == 404:
        return NotFound(f"There is nothing at {request.url.path}")
    if error.status_code == 405:
        return KeepwellError(Problem("request.method", f"{request.method} is not possible at {request.url.path}"))
    return KeepwellError(Problem("request.invalid", str(error.detail)))
