"""Endpoints get from a request what the document says: the same as FastAPI, which writes it, would give them, and the same complaints."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import fastapi
import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Mounted

from keepwell.api.binding import Binding, InvalidRequest
from keepwell.api.document import described
from keepwell.ports.offer import Query


class Asked(BaseModel):
    """A whole query."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    state: list[Literal["on", "off"]] = []
    limit: int = Field(default=10, ge=1, le=100)
    everything: str | None = Field(default=None, alias="all")
    since: datetime | None = None
    wanted: bool | None = None


class Wanted(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=5)
    sizes: list[int] = []


async def by_path(number: int, name: str) -> dict[str, Any]:
    return {"number": number, "name": name}


async def by_query(q: str, limit: int = 5, within: str | None = None, exact: bool = False) -> dict[str, Any]:
    return {"q": q, "limit": limit, "within": within, "exact": exact}


async def by_model(request: Request, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
    return {"method": request.method, "asked": asked}


async def by_body(wanted: Wanted) -> dict[str, Any]:
    return {"wanted": wanted.model_dump()}


async def by_body_or_not(name: str, wanted: Wanted | None = None) -> dict[str, Any]:
    return {"name": name, "wanted": wanted}


async def by_any_object(body: dict[str, Any]) -> dict[str, Any]:
    return body


async def with_values() -> dict[str, Any]:
    return {"at": datetime(2026, 11, 1, 2, 3, tzinfo=UTC), "none": None, "nan": float("nan"), "text": "ä\u2028", "pair": (1, 2.5)}


JSON = {"content-type": "application/json"}
ASKED: list[tuple[Callable[..., Awaitable[Any]], str, str, bytes, Mapping[str, str]]] = [
    *((by_path, path, "", b"", {}) for path in ("/7/a", "/x/a", "/-1/%C3%A4%20b", "/7.0/a", "/1e3/a")),
    *(
        (by_query, "/", query, b"", {})
        for query in ("q=a", "", "q=", "q=a&limit=7&within=1h&exact=yes", "limit=x&exact=maybe", "q=a&q=b&limit=1&limit=2", "q=a&other=1")
    ),
    *(
        (by_model, "/", query, b"", {})
        for query in (
            "", "state=on", "state=on&state=off", "state=on&state=up", "limit=0", "limit=7&limit=8", "limit=", "all=x", "everything=x",
            "all=x&everything=y", "other=1", "other=1&other=2", "since=2026-11-01T02:03:04Z", "since=yesterday", "wanted=1&limit=1000",
        )
    ),
    *(
        (by_body, "/", "", body, headers)
        for body, headers in (
            (b'{"name": "a"}', JSON), (b'{"name": "a", "sizes": [1, "2", "x"]}', JSON), (b'{"name": "abcdef", "more": 1}', JSON),
            (b"{}", JSON), (b"[]", JSON), (b"null", JSON), (b"", JSON), (b'{"name": ', JSON), (b"\xff", JSON), (b'{"name": "a"}', {}),
            (b'{"name": "a"}', {"content-type": "text/plain"}),
            (b'{"name": "a"}', {"content-type": "Application/X+JSON; charset=utf-8"}),
        )
    ),
    *((by_body_or_not, "/ann", "", body, JSON) for body in (b"", b"null", b'{"name": "a"}', b"3")),
    *((by_any_object, "/", "", body, JSON) for body in (b'{"a": [1]}', b"[]", b"")),
    (with_values, "/", "", b"", {}),
]  # fmt: skip
PATHS = {by_path: "/{number}/{name}", by_body_or_not: "/{name}"}


async def answered(app: Any, asked: tuple[Any, str, str, bytes, Mapping[str, str]]) -> tuple[int, Any]:
    """Status and JSON of the answer."""
    _, path, query, body, headers = asked
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http", "root_path": "",
        "path": unquote(path), "raw_path": path.encode(), "query_string": query.encode(), "server": ("localhost", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(one.get("body", b"") for one in sent[1:]))


async def told(request: Request, error: Exception) -> Response:
    """What is wrong, as both tell it."""
    if isinstance(error, RequestValidationError):
        return JSONResponse([f"{' '.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()], 422)
    if isinstance(error, InvalidRequest):
        return JSONResponse([problem.message for problem in error.problems], 422)
    assert isinstance(error, HTTPException)
    return JSONResponse(error.detail, error.status_code)


TOLD: Any = dict.fromkeys((RequestValidationError, InvalidRequest, HTTPException), told)


def bound(endpoint: Callable[..., Awaitable[Any]], path: str = "/") -> Starlette:
    """An application of one endpoint."""
    binding = Binding(endpoint, [name for name in ("number", "name") if "{" + name in path])
    return Starlette(routes=[Mounted(path, binding.answer, methods=["POST"])], exception_handlers=TOLD)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked[0].__name__} {asked[1]}?{asked[2]} {asked[3]!r} {dict(asked[4])}")
async def test_what_an_endpoint_gets(asked: tuple[Any, str, str, bytes, Mapping[str, str]]) -> None:
    endpoint = asked[0]
    path = PATHS.get(endpoint, "/")
    theirs = fastapi.FastAPI(exception_handlers=TOLD)
    theirs.add_api_route(path, described(endpoint, endpoint), methods=["POST"])
    assert await answered(bound(endpoint, path), asked) == await answered(theirs, asked)


async def test_a_response_is_passed_on_as_it_is() -> None:
    async def teapot(request: Request) -> Response:
        return JSONResponse({"a": 1}, 418)

    assert await answered(bound(teapot), (teapot, "/", "", b"", {})) == (418, {"a": 1})


async def test_a_body_that_is_too_deep_is_refused() -> None:
    status, said = await answered(bound(by_any_object), (by_any_object, "/", "", b"[" * 1_000_000, JSON))
    assert (status, said) == (400, "There was an error parsing the body")
