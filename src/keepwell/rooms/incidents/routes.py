"""The routes below ``/api/v1/incidents``."""

from typing import Annotated, Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from keepwell.ports.offer import Query, Route

from .asked import Asked, Doing, Merging, NewIncident, Noting, Reclassifying
from .deeds import Deeds
from .offer import READ, WRITE
from .reading import Reading

_BASE = "/api/v1/incidents"
_ONE = _BASE + "/{number:int}"


def routes(reading: Reading, deeds: Deeds) -> tuple[Route, ...]:
    """All of them."""
    return (*_questions(reading), *_deeds(deeds))


def _questions(reading: Reading) -> tuple[Route, ...]:
    async def listed(asked: Annotated[Asked, Query()]) -> dict[str, Any]:
        return await reading.listed(asked)

    async def one(number: int) -> dict[str, Any]:
        return await reading.one(number)

    async def review(number: int) -> PlainTextResponse:
        return PlainTextResponse(await reading.review(number), media_type="text/markdown; charset=utf-8")

    async def output(number: int, digest: str) -> PlainTextResponse:
        return PlainTextResponse(await reading.output(number, digest))

    return (
        Route("GET", _BASE, READ, listed, "Incidents, newest first; before= pages on"),
        Route("GET", _ONE, READ, one, "One incident with its timeline, alerts, clocks and evidence"),
        Route("GET", _ONE + "/review", READ, review, "The review of an incident as Markdown, written from its timeline"),
        Route("GET", _ONE + "/outputs/{digest}", READ, output, "What a diagnostic printed, redacted"),
    )


def _deeds(deeds: Deeds) -> tuple[Route, ...]:
    async def open_one(request: Request, asked: NewIncident) -> dict[str, Any]:
        return await deeds.open(request, asked)

    async def acknowledge(request: Request, number: int, asked: Doing | None = None) -> dict[str, Any]:
        return await deeds.acknowledge(request, number, asked or Doing())

    async def note(request: Request, number: int, asked: Noting) -> dict[str, Any]:
        return await deeds.note(request, number, asked)

    async def mitigate(request: Request, number: int, asked: Doing | None = None) -> dict[str, Any]:
        return await deeds.mitigate(request, number, asked or Doing())

    async def resolve(request: Request, number: int, asked: Doing | None = None) -> dict[str, Any]:
        return await deeds.resolve(request, number, asked or Doing())

    async def reclassify(request: Request, number: int, asked: Reclassifying) -> dict[str, Any]:
        return await deeds.reclassify(request, number, asked)

    async def merge(request: Request, number: int, asked: Merging) -> dict[str, Any]:
        return await deeds.merge(request, number, asked)

    async def collect(request: Request, number: int) -> dict[str, Any]:
        return await deeds.collect(request, number)

    return (
        Route("POST", _BASE, WRITE, open_one, "Open an incident"),
        Route("POST", f"{_ONE}/acknowledge", WRITE, acknowledge, "Answer it: its alerts are acknowledged, too"),
        Route("POST", f"{_ONE}/note", WRITE, note, "Word to those who wait: the clock for updates begins anew"),
        Route("POST", f"{_ONE}/mitigate", WRITE, mitigate, "Say that it hurts nobody any more"),
        Route("POST", f"{_ONE}/resolve", WRITE, resolve, "Say that it is over"),
        Route("POST", f"{_ONE}/severity", WRITE, reclassify, "Say that it is more or less severe than was thought"),
        Route("POST", f"{_ONE}/merge", WRITE, merge, "Say that it is part of another, which is answered"),
        Route("POST", f"{_ONE}/collect", WRITE, collect, "Collect evidence now"),
    )
