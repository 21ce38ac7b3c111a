"""The OpenAPI document, which FastAPI writes of the declared routes. Only this module imports FastAPI: ten megabytes and a third of a
second, which a server pays when somebody asks for the document."""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

import fastapi
from pydantic import BaseModel

from keepwell import __version__
from keepwell.ports.offer import Route

from .binding import query_model

PERMISSION = "x-keepwell-permission"


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


def document_of(routes: Sequence[Route]) -> dict[str, Any]:
    """The document of these routes, with the permission that each needs."""
    app = fastapi.FastAPI(title="Keepwell", version=__version__, openapi_url=None)
    for route in routes:
        app.add_api_route(
            route.path,
            described(route.endpoint, _nothing),
            methods=[route.method],
            summary=route.summary,
            responses={"4XX": {"model": ErrorReply, "description": "Refused, and why"}},
            openapi_extra={PERMISSION: route.permission},
        )
    return app.openapi()


def described(endpoint: Callable[..., Awaitable[Any]], run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Something with the endpoint's name, text and parameters, written as FastAPI wants them; called, it is ``run``."""

    @functools.wraps(endpoint)
    async def as_described(**values: Any) -> Any:
        return await run(**values)

    del as_described.__wrapped__
    signature = inspect.signature(endpoint, eval_str=True)
    parameters = [one.replace(annotation=_annotation(one.annotation)) for one in signature.parameters.values()]
    as_described.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # what inspect reads first
    return as_described


async def _nothing(**_: Any) -> None:
    """The document runs no endpoint."""


def _annotation(annotation: Any) -> Any:
    model = query_model(annotation)
    return annotation if model is None else Annotated[model, fastapi.Query()]
