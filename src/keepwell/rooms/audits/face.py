"""What audits show while a server runs: routes, pages, and the stream that keeps them live."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Event, Face, Page, Route, Stream

from . import shown, store
from .asked import Making, Waiving
from .decide import grouped
from .offer import READ, WRITE
from .work import Audits, Verbs, Wish

RUNS = 20
"""Audits that were made that one page and one answer shows."""
PATIENCE = 15.0
"""Seconds after which whoever asked for an audit is told that it is under way."""
SHOWN = 500
"""Findings that one page shows."""
_BASE, _ONE = "/api/v1/audits", "/api/v1/audits/{name}"
_CHANGED = Event("audits", "audits/changed.html", {})


class Asked:
    """Answers questions and does deeds. Each raises StorageError."""

    def __init__(self, audits: Audits, verbs: Verbs, caller: Callable[[Request], str]) -> None:
        self._audits, self._verbs, self._caller = audits, verbs, caller

    async def listed(self) -> dict[str, Any]:
        """Every audit of the configuration."""
        newest = await self._verbs.read(store.newest_runs)
        found = grouped(await self._audits.findings())
        audits = self._audits.audits
        rows = [shown.audit_json(audits[name], newest.get(name), found.get(name, [])) for name in sorted(audits)]
        return {"timestamp": shown.instant(self._verbs.clock.now()), "audits": rows}

    async def one(self, name: str) -> dict[str, Any]:
        """One audit with its findings and when it was made. Raises NotFound."""
        audit = self._audits.find(name)
        found = await self._audits.findings(name)
        runs = await self._verbs.read(lambda connection: store.runs_of(connection, name, RUNS))
        newest = next((one for one in runs if one.ended_at is not None), None)
        told = shown.audit_json(audit, newest, found)
        return {**told, "open": [shown.found_json(one) for one in found], "made": [shown.made_json(one) for one in runs]}

    async def findings(self) -> dict[str, Any]:
        """All findings that are not gone."""
        return {"findings": [shown.found_json(one) for one in await self._audits.findings()]}

    async def make(self, request: Request, name: str, asked: Making) -> dict[str, Any]:
        """Makes an audit now, and says that it is under way where that takes long. Raises NotFound."""
        made = await self._audits.make_now(name, asked.by or self._person(request), PATIENCE, self._caller(request))
        return {**(shown.made_json(made) or {}), "open": (await self.one(name))["open"]}

    async def waive(self, request: Request, name: str, which: str, asked: Waiving) -> dict[str, Any]:
        """Somebody accepts a finding for a time. Raises NotFound, UsageError."""
        until = asked.until or self._after(asked.lasts or "")
        wish = Wish(until, asked.reason, asked.by or self._person(request))
        return shown.found_json(await self._audits.waive(name, which, wish, self._caller(request)))

    async def unwaive(self, request: Request, name: str, which: str) -> dict[str, Any]:
        """Takes a waiver back. Raises NotFound."""
        await self._audits.unwaive(name, which, self._caller(request))
        return await self.one(name)

    def _after(self, lasts: str) -> datetime:
        try:
            return self._verbs.clock.now() + parse_duration(lasts)
        except OverflowError:
            raise UsageError(f"{lasts} from now is past the year 9999", hint="write less") from None

    def _person(self, request: Request) -> str:
        return self._caller(request).removeprefix("uid:")


def face(audits: Audits, verbs: Verbs, caller: Callable[[Request], str]) -> Face:
    """All of it."""
    asked = Asked(audits, verbs, caller)

    async def events() -> AsyncIterator[Event]:
        async for _ in audits.news():
            yield _CHANGED

    return Face(
        name="audits",
        routes=(*_questions(asked), *_deeds(asked)),
        pages=_pages(asked),
        streams=(Stream("/events/audits", READ, events),),
        templates=str(Path(__file__).parent / "templates"),
    )


def _questions(asked: Asked) -> tuple[Route, ...]:
    async def listed() -> dict[str, Any]:
        return await asked.listed()

    async def findings() -> dict[str, Any]:
        return await asked.findings()

    async def one(name: str) -> dict[str, Any]:
        return await asked.one(name)

    return (
        Route("GET", _BASE, READ, listed, "Audits, the newest of each, and how many findings count"),
        Route("GET", "/api/v1/findings", READ, findings, "All findings that are not gone, with their waivers"),
        Route("GET", _ONE, READ, one, "One audit with its findings and when it was made"),
    )


def _deeds(asked: Asked) -> tuple[Route, ...]:
    async def make(request: Request, name: str, wish: Making | None = None) -> dict[str, Any]:
        return await asked.make(request, name, wish or Making())

    async def waive(request: Request, name: str, which: str, wish: Waiving) -> dict[str, Any]:
        return await asked.waive(request, name, which, wish)

    async def unwaive(request: Request, name: str, which: str) -> dict[str, Any]:
        return await asked.unwaive(request, name, which)

    return (
        Route("POST", f"{_ONE}/run", WRITE, make, "Make an audit now"),
        Route("POST", _ONE + "/findings/{which}/waive", WRITE, waive, "Accept a finding for a time, with a reason"),
        Route("POST", _ONE + "/findings/{which}/unwaive", WRITE, unwaive, "Take a waiver back"),
    )


def _first(findings: list[dict[str, Any]]) -> dict[str, Any]:
    """As many findings as a page shows, those that count first; and how many count, and how many are left out."""
    ordered = sorted(findings, key=lambda one: one["waiver"] is not None)
    counting = sum(one["waiver"] is None for one in findings)
    return {"findings": ordered[:SHOWN], "counting": counting, "more": max(0, len(ordered) - SHOWN)}


def _pages(asked: Asked) -> tuple[Page, ...]:
    async def listed() -> Mapping[str, Any]:
        return {**await asked.listed(), **_first((await asked.findings())["findings"])}

    async def one(name: str) -> Mapping[str, Any]:
        audit = await asked.one(name)
        return {"audit": audit, **_first(audit["open"]), "page_title": f"Audit {name}"}

    return (
        Page("/audits", "Audits", READ, "audits/audits.html", listed),
        Page("/audits/{name}", "Audit", READ, "audits/audit.html", one, within="/audits"),
    )
