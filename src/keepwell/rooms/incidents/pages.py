"""The pages of incidents: what each of them asks, and its values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from keepwell.kernel.durations import format_duration
from keepwell.ports.offer import Page, Query

from .asked import Asked
from .model import Clock, Deed, Evidence, Happened, Incident, Kind, Severity, Stage
from .reading import Reading
from .words import length, note, says, who

PATH = "/incidents"
SHOWN = 100
"""Open incidents on the page."""

_BADGES = {Stage.OPEN: "fail", Stage.ACKNOWLEDGED: "warn", Stage.MITIGATED: "info", Stage.RESOLVED: "quiet"}
_WANTED = {Kind.RESPOND: "response", Kind.UPDATE: "update", Kind.RESOLVE: "resolution"}


def pages(reading: Reading, permission: str) -> tuple[Page, ...]:
    """The list, and one incident."""

    async def listed(asked: Annotated[Asked, Query()]) -> Mapping[str, Any]:
        return await _listed(reading, asked)

    async def one(number: int) -> Mapping[str, Any]:
        return await _one(reading, number)

    return (
        Page(PATH, "Incidents", permission, "incidents/incidents.html", listed),
        Page(PATH + "/{number:int}", "Incident", permission, "incidents/incident.html", one, within=PATH),
    )


async def _listed(reading: Reading, asked: Asked) -> dict[str, Any]:
    now = reading.verbs.clock.now()
    found = await reading.page(asked)
    shown = found[: asked.limit]
    opened = list(reversed(reading.incidents.open_ones))
    return {
        "headline": _headline(opened),
        "opened": [row(one, now) for one in opened[:SHOWN]] if asked.before is None else [],
        "more": max(0, len(opened) - SHOWN),
        "past": [row(one, now) for one in shown if one.stage is Stage.RESOLVED],
        "older": shown[-1].number if len(found) > asked.limit else None,
        "severities": [_severity(one) for one in reading.incidents.policy.severities.values()],
    }


async def _one(reading: Reading, number: int) -> dict[str, Any]:
    now = reading.verbs.clock.now()
    incident, timeline, evidence = await reading.whole(number)
    severity = reading.incidents.policy.severities.get(incident.severity)
    return {
        "page_title": f"Incident {number}",
        "incident": row(incident, now),
        "deeds": [_deed(name, incident, getattr(incident, name)) for name in ("acknowledged", "mitigated", "resolved")],
        "means": severity.means if severity else "",
        "runbook": severity.runbook if severity else "",
        "alerts": [_alert(incident, index) for index in range(len(incident.alerts))],
        "timeline": [_happened(one, number) for one in reversed(timeline)],
        "evidence": [_evidence(one) for one in evidence],
        "severities": list(reading.incidents.policy.severities),
    }


def row(incident: Incident, now: datetime) -> dict[str, Any]:
    """An incident in a list."""
    end = incident.resolved.at if incident.resolved is not None else now
    return {
        "number": incident.number,
        "severity": incident.severity,
        "title": incident.title,
        "stage": "answered" if incident.stage is Stage.ACKNOWLEDGED else incident.stage.value,
        "badge": _BADGES[incident.stage],
        "is_open": incident.stage is not Stage.RESOLVED,
        "is_known": incident.acknowledged is not None,
        "is_mitigated": incident.mitigated is not None,
        "opened_at": _instant(incident.opened_at),
        "opened_by": incident.opened_by,
        "took": length(end - incident.opened_at),
        "clocks": [_clock(clock, now) for clock in incident.clocks],
        "known_to": incident.acknowledged.by if incident.acknowledged is not None else "",
        "alerts": len(incident.alerts),
        "part_of": incident.part_of,
        "found": incident.resolved.note if incident.resolved is not None else "",
    }


def _clock(clock: Clock, now: datetime) -> dict[str, Any]:
    what = _WANTED[clock.kind]
    if clock.is_overdue:
        return {"kind": "fail", "words": f"{what} overdue since {length(now - clock.due_at)}"}
    if clock.is_running:
        return {"kind": "warn", "words": f"{what} due in {length(clock.due_at - now)}"}
    if clock.misses:
        return {"kind": "fail", "words": f"{what} missed" if clock.misses == 1 else f"{what} missed {clock.misses} times"}
    return {"kind": "ok", "words": f"{what} in time"}


def _headline(opened: Sequence[Incident]) -> dict[str, str]:
    overdue = sum(1 for one in opened if any(clock.is_overdue for clock in one.clocks))
    waiting = sum(1 for one in opened if one.stage is Stage.OPEN)
    if not opened:
        return {"kind": "ok", "words": "No incident is open"}
    count = f"{len(opened)} incidents are open" if len(opened) > 1 else "1 incident is open"
    more = [f"{overdue} overdue"] if overdue else []
    more += [f"{waiting} not answered yet"] if waiting else []
    return {"kind": "fail" if overdue or waiting else "warn", "words": ", ".join([count, *more])}


def _severity(one: Severity) -> dict[str, str]:
    promised = ((one.respond, "answered within"), (one.update, "an update every"), (one.resolve, "resolved within"))
    words = ", ".join(f"{word} {format_duration(lasts)}" for lasts, word in promised if lasts is not None)
    said = ". ".join(text for text in (one.means, f"Such as: {one.examples}" if one.examples else "", one.note) if text)
    return {"name": one.name, "words": words or "nothing is promised", "means": said}


def _deed(name: str, incident: Incident, deed: Deed | None) -> dict[str, Any]:
    if deed is None:
        return {"name": name, "at": "", "words": "not yet", "note": ""}
    return {"name": name, "at": _instant(deed.at), "words": f"by {deed.by} after {length(deed.at - incident.opened_at)}", "note": deed.note}


def _alert(incident: Incident, index: int) -> dict[str, Any]:
    one = incident.alerts[index]
    ended = f"ended after {length(one.ended_at - one.since)}" if one.ended_at is not None else "fires"
    return {"number": one.number, "name": one.name, "sentence": one.sentence, "ended": ended, "fires": one.ended_at is None}


def _happened(one: Happened, number: int) -> dict[str, Any]:
    output = f"/api/v1/incidents/{number}/outputs/{one.digest}" if one.digest and one.event == "incident.evidence" else ""
    run = one.facts["run"] if one.event == "incident.run" else ""
    return {"at": _instant(one.at), "what": says(one), "actor": who(one), "note": note(one), "output": output, "run": run}


def _evidence(one: Evidence) -> dict[str, Any]:
    address = f"/api/v1/incidents/{one.incident}/outputs/{one.digest}" if one.digest else ""
    told = {"name": one.name, "host": one.host, "at": _instant(one.at), "outcome": one.sentence or "under way"}
    return {**told, "output": address, "size": one.size}


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
