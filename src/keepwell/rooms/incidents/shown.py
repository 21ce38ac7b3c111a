"""Incidents as plain values for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .model import Clock, Deed, Evidence, Happened, Incident, Linked, Severity


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z") if at is not None else None


def as_json(incident: Incident) -> dict[str, Any]:
    """One incident."""
    return {
        "id": incident.number,
        "severity": incident.severity,
        "title": incident.title,
        "state": incident.stage.value,
        "opened_at": instant(incident.opened_at),
        "opened_by": incident.opened_by,
        "acknowledged": _deed(incident.acknowledged, incident),
        "mitigated": _deed(incident.mitigated, incident),
        "resolved": _deed(incident.resolved, incident),
        "clocks": [_clock(clock) for clock in incident.clocks],
        "alerts": [_alert(one) for one in incident.alerts],
        "part_of": incident.part_of,
    }


def _deed(deed: Deed | None, incident: Incident) -> dict[str, Any] | None:
    if deed is None:
        return None
    after = round((deed.at - incident.opened_at).total_seconds(), 3)
    return {"by": deed.by, "at": instant(deed.at), "note": deed.note, "after_seconds": after}


def _clock(clock: Clock) -> dict[str, Any]:
    state = "overdue" if clock.is_overdue else "running" if clock.is_running else "missed" if clock.missed_at is not None else "met"
    return {
        "kind": clock.kind.value,
        "state": state,
        "due_at": instant(clock.due_at),
        "ended_at": instant(clock.ended_at),
        "misses": clock.misses,
    }


def _alert(one: Linked) -> dict[str, Any]:
    return {
        "id": one.number,
        "name": one.name,
        "severity": one.severity,
        "message": one.sentence,
        "since": instant(one.since),
        "ended_at": instant(one.ended_at),
    }


def happened_json(one: Happened) -> dict[str, Any]:
    """One line of a timeline."""
    facts: Mapping[str, object] = one.facts
    told = {"at": instant(one.at), "event": one.event, "actor": one.actor, "subject": one.subject, "facts": dict(facts)}
    return {**told, "output": one.digest or None}


def evidence_json(one: Evidence) -> dict[str, Any]:
    """What one diagnostic found."""
    told = {"name": one.name, "host": one.host, "at": instant(one.at), "occasion": one.occasion, "outcome": one.sentence or "under way"}
    return {**told, "output": one.digest or None, "bytes": one.size}


def severities_json(severities: Sequence[Severity]) -> list[dict[str, Any]]:
    """The severities of the configuration, most severe first; lengths in seconds."""
    return [
        {
            "name": one.name,
            "respond": _seconds(one.respond),
            "update": _seconds(one.update),
            "resolve": _seconds(one.resolve),
            "means": one.means,
            "examples": one.examples,
            "note": one.note,
            "runbook": one.runbook,
        }
        for one in severities
    ]


def _seconds(length: Any) -> float | None:
    return length.total_seconds() if length is not None else None
