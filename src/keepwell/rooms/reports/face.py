"""The routes and pages of reports."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from keepwell.ports.clock import Clock
from keepwell.ports.offer import Face, Page, Query, Route
from keepwell.ports.work import Occasion, Work

from .model import Report, as_json
from .offer import MAKE, READ
from .periods import file_name
from .store import Kept
from .words import instant
from .work.desk import Desk

_BASE = "/api/v1/reports"
_PAGE = "/reports"
_STYLE = "/reports/style.css"
_LARGEST = 2**63 - 1
_MOST = 500
"""Reports that one answer lists."""
_PERIODS = ("day", "week", "month", "quarter", "last-week", "last-month")

Form = Literal["json", "html", "text"]


class Asked(BaseModel):
    """A report now: over which period, and in which form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: str | None = None
    format: Form = "json"


class Made(BaseModel):
    """A report to be made, kept and sent: over which period, and to which receivers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    period: str | None = None
    to: tuple[str, ...] | None = None


def face(desk: Desk, clock: Clock, caller: Callable[[Request], str]) -> Face:
    """What is shown of reports."""
    return Face("reports", routes=_routes(desk, clock, caller), pages=_pages(desk), templates=str(Path(__file__).parent / "pages"))


def _routes(desk: Desk, clock: Clock, caller: Callable[[Request], str]) -> tuple[Route, ...]:
    async def listed(name: str | None = None, before: int | None = None, limit: int = 50) -> dict[str, Any]:
        most = max(1, min(limit, _MOST))
        kept = await desk.listed(name, max(0, min(before, _LARGEST)) if before is not None else None, most)
        known = [
            {"name": one.name, "kind": one.kind, "title": one.title, "period": one.period, "every": one.every, "to": list(one.to)}
            for one in desk.in_force.reports.values()
        ]
        return {"known": known, "reports": [_kept_json(one) for one in kept], "next": kept[-1].number if len(kept) == most else None}

    async def now(name: str, asked: Annotated[Asked, Query()]) -> Any:
        return _reply(await desk.make(name, asked.period), asked.format)

    async def one(number: int, format: Form = "json") -> Any:
        _, report = await desk.whole(min(number, _LARGEST))
        return _reply(report, format)

    async def made(name: str, asked: Made, request: Request) -> dict[str, Any]:
        desk.known(name)
        at = clock.now()
        arguments = {"period": asked.period} if asked.period else {}
        if asked.to is not None:
            arguments["to"] = ",".join(asked.to)
        occasion = Occasion(f"reports/{name}/{at.isoformat()}", caller(request), at)
        performed = await desk.perform(Work("report", name, arguments), occasion)
        return {"outcome": performed.outcome.value, "sentence": performed.sentence, "record": performed.record}

    async def style() -> Response:
        return Response(_style(), media_type="text/css", headers={"cache-control": "public, max-age=86400"})

    return (
        Route("GET", _BASE, READ, listed, "Which reports there are, and those that were made, newest first"),
        Route("GET", f"{_BASE}/made/{{number:int}}", READ, one, "A report that was made; format= json, html or text"),
        Route("GET", f"{_BASE}/{{name}}", READ, now, "A report as it is now; period= and format="),
        Route("POST", f"{_BASE}/{{name}}", MAKE, made, "Make a report, keep it, and send it"),
        Route("GET", _STYLE, READ, style, "The style of reports"),
    )


def _reply(report: Report, form: Form) -> Any:
    if form == "json":
        return as_json(report)
    if form == "text":
        from .render_text import text

        return PlainTextResponse(text(report))
    from .render_html import html

    name = file_name(report.service, report.name, report.span)
    return Response(html(report), media_type="text/html; charset=utf-8", headers={"content-disposition": f'inline; filename="{name}.html"'})


def _kept_json(one: Kept) -> dict[str, Any]:
    return {
        "number": one.number,
        "name": one.name,
        "kind": one.kind,
        "start": one.span.start.isoformat(),
        "end": one.span.end.isoformat(),
        "made_at": one.made_at.isoformat(),
        "made_by": one.made_by,
        "state": one.state,
        "headline": one.headline,
        "sent_to": one.sent_to,
    }


def _pages(desk: Desk) -> tuple[Page, ...]:
    async def overview() -> Mapping[str, Any]:
        kept = await desk.listed(None, None, 50)
        return {
            "style_address": style_address(),
            "known": list(desk.in_force.reports.values()),
            "kept": [
                {"one": one, "made": instant(one.made_at), "end": instant(one.span.end), "start": instant(one.span.start)} for one in kept
            ],
        }

    async def now(name: str, period: str | None = None) -> Mapping[str, Any]:
        known = desk.known(name)
        report = await desk.make(name, period)
        return {**_shown(report), "asked_period": period or known.period, "periods": _PERIODS, "file": f"{_BASE}/{name}"}

    async def one(number: int) -> Mapping[str, Any]:
        _, report = await desk.whole(min(number, _LARGEST))
        return {**_shown(report), "asked_period": "", "periods": (), "file": f"{_BASE}/made/{number}"}

    return (
        Page(_PAGE, "Reports", READ, "reports/reports.html", overview),
        Page(f"{_PAGE}/{{number:int}}", "Report", READ, "reports/report.html", one, within=_PAGE),
        Page(f"{_PAGE}/now/{{name}}", "Report", READ, "reports/report.html", now, within=_PAGE),
    )


def _shown(report: Report) -> dict[str, Any]:
    from .render_html import context

    return {**context(report), "page_title": report.title, "style_address": style_address()}


@cache
def _style() -> bytes:
    return (Path(__file__).parent / "pages" / "report.css").read_bytes()


def style_address() -> str:
    """Where the style is; another one has another address, so that a browser may keep it."""
    return f"{_STYLE}?v={hashlib.sha256(_style()).hexdigest()[:12]}"
