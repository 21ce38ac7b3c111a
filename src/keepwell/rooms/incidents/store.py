"""What is kept of incidents: rows to values and back, and named questions."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select

from keepwell.storage import journal
from keepwell.storage.database import upsert

from .model import Clock, Deed, Evidence, Happened, Incident, Kind, Linked
from .tables import ALERT, CLOCK, EVIDENCE, INCIDENT

TITLE = 500
"""Characters of a title that are kept."""
LARGEST_NUMBER = 2**63 - 1
"""The largest number that a database column holds."""
LONGEST_TIMELINE = 5000
"""Entries of the journal that a timeline shows, the newest of them."""
_SAID_OF_A_RUN = ("run.started", "run.step-began")
"""What a timeline leaves out: other entries say it."""

_AT_ONCE = 500


def next_number(connection: Connection) -> int:
    """The number of the next incident: none is ever deleted."""
    return (connection.execute(select(func.max(INCIDENT.c.number))).scalar() or 0) + 1


def put(connection: Connection, incidents: Sequence[Incident]) -> None:
    """Writes incidents as they stand."""
    upsert(connection, INCIDENT, [_row(one) for one in incidents])
    upsert(connection, ALERT, [_alert_row(one.number, alert) for one in incidents for alert in one.alerts])
    numbers = [one.number for one in incidents]
    for start in range(0, len(numbers), _AT_ONCE):
        connection.execute(delete(CLOCK).where(CLOCK.c.incident.in_(numbers[start : start + _AT_ONCE])))
    upsert(connection, CLOCK, [_clock_row(one.number, clock) for one in incidents for clock in one.clocks])


def find(connection: Connection, number: int) -> Incident | None:
    """The incident of that number; of one that no column could hold there is none."""
    if number > LARGEST_NUMBER:
        return None
    return next(iter(_read(connection, select(INCIDENT).where(INCIDENT.c.number == number))), None)


def unresolved(connection: Connection) -> list[Incident]:
    """Those that are not resolved, oldest first."""
    return _read(connection, select(INCIDENT).where(INCIDENT.c.resolved_at.is_(None)).order_by(INCIDENT.c.number))


def parts(connection: Connection, wholes: Collection[int]) -> list[Incident]:
    """Those that turned out to be part of one of these."""
    return _read(connection, select(INCIDENT).where(INCIDENT.c.part_of.in_(wholes)).order_by(INCIDENT.c.number)) if wholes else []


def newest(connection: Connection, limit: int, before: int | None = None) -> list[Incident]:
    """The newest first, with a number below ``before``."""
    query = select(INCIDENT).order_by(INCIDENT.c.number.desc()).limit(limit)
    return _read(connection, query if before is None else query.where(INCIDENT.c.number < before))


def between(connection: Connection, start: datetime, end: datetime) -> list[Incident]:
    """Those that were open at any time from ``start`` (contained) to ``end`` (not contained), oldest first, without parts of others."""
    open_then = (
        INCIDENT.c.part_of.is_(None) & (INCIDENT.c.opened_at < end) & (INCIDENT.c.resolved_at.is_(None) | (INCIDENT.c.resolved_at >= start))
    )
    return _read(connection, select(INCIDENT).where(open_then).order_by(INCIDENT.c.number))


def linked(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Which of these alerts belong to an incident already."""
    found: set[int] = set()
    wanted = sorted(numbers)
    for start in range(0, len(wanted), _AT_ONCE):
        found |= set(connection.scalars(select(ALERT.c.alert).where(ALERT.c.alert.in_(wanted[start : start + _AT_ONCE]))))
    return found


def running(connection: Connection) -> dict[int, int]:
    """The alerts that have not ended as far as incidents know, each with its incident."""
    return {
        row.alert: row.incident for row in connection.execute(select(ALERT.c.alert, ALERT.c.incident).where(ALERT.c.ended_at.is_(None)))
    }


def put_evidence(connection: Connection, evidence: Sequence[Evidence]) -> None:
    """Writes what is to be collected (without a sentence yet), or was."""
    upsert(connection, EVIDENCE, [{name: getattr(one, name) for name in Evidence.__slots__} for one in evidence])


def pending_evidence(connection: Connection) -> list[Evidence]:
    """What is to be collected and was not."""
    return [_evidence(row) for row in connection.execute(select(EVIDENCE).where(EVIDENCE.c.sentence == ""))]


def evidence_of(connection: Connection, number: int) -> list[Evidence]:
    """What was found of an incident, in the order of time."""
    rows = connection.execute(select(EVIDENCE).where(EVIDENCE.c.incident == number).order_by(EVIDENCE.c.at, EVIDENCE.c.name))
    return [_evidence(row) for row in rows]


def _evidence(row: Any) -> Evidence:
    return Evidence(row.incident, row.occasion, row.name, row.host, row.at, row.sentence, row.digest, row.size)


def timeline(connection: Connection, numbers: Sequence[int], alerts: Iterable[int]) -> list[Happened]:
    """What the journal says of an incident (the first of ``numbers``), of those that are part of it, of its alerts and of the runs that
    they name, oldest first, at most ``LONGEST_TIMELINE`` entries. What two of them say is said once: by the incident, where that took
    notice of it. Of a step it is said how it ended."""
    subjects = (*(f"incidents/{number}" for number in numbers), *(f"alerts/{number}" for number in alerts))
    found = [one for subject in subjects for one in _slice(connection, subject)]
    runs = sorted({int(str(one.facts["run"])) for one in found if one.event == "incident.run"})
    found += [one for run in runs for one in _slice(connection, f"runs/{run}") if one.event not in _SAID_OF_A_RUN]
    said: set[object] = {("incident.became-part", subject) for subject in subjects[1:]}
    said |= {("alert.resolved", f"alerts/{one.facts.get('alert')}") for one in found if one.event == "incident.alert-ended"}
    return [one for one in sorted(found, key=lambda one: one.number) if _is_new(one, said)][-LONGEST_TIMELINE:]


def _is_new(one: Happened, said: set[object]) -> bool:
    """Whether nothing said that before; a run that several incidents took notice of is said by the first."""
    what = ("incident.run", one.facts["run"]) if one.event == "incident.run" else (one.event, one.subject)
    is_new = what not in said
    if one.event == "incident.run":
        said.add(what)
    return is_new


def _slice(connection: Connection, subject: str) -> Iterator[Happened]:
    for entry in journal.slice(connection, subject, limit=LONGEST_TIMELINE):
        digest = entry.output_digest or ""
        yield Happened(entry.number, entry.at, entry.actor, entry.event, entry.subject, entry.facts, digest)


# --- rows ----------------------------------------------------------------------------------------------------------------------


def _row(incident: Incident) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": incident.number,
        "severity": incident.severity,
        "title": incident.title[:TITLE],
        "opened_at": incident.opened_at,
        "opened_by": incident.opened_by,
        "alert_group": incident.group,
        "part_of": incident.part_of,
    }
    for name in ("acknowledged", "mitigated", "resolved"):
        deed: Deed | None = getattr(incident, name)
        row |= {f"{name}_{part}": getattr(deed, part) if deed is not None else None for part in ("at", "by", "note")}
    return row


def _alert_row(incident: int, one: Linked) -> dict[str, Any]:
    return {
        "alert": one.number,
        "incident": incident,
        "name": one.name,
        "severity": one.severity,
        "sentence": one.sentence,
        "since": one.since,
        "ended_at": one.ended_at,
    }


def _clock_row(incident: int, clock: Clock) -> dict[str, Any]:
    parts = {"due_at": clock.due_at, "missed_at": clock.missed_at, "ended_at": clock.ended_at, "misses": clock.misses}
    return {"incident": incident, "kind": clock.kind.value, **parts}


def _read(connection: Connection, query: Select[Any]) -> list[Incident]:
    rows = connection.execute(query).all()
    numbers = [row.number for row in rows]
    alerts: dict[int, list[Linked]] = {number: [] for number in numbers}
    clocks: dict[int, list[Clock]] = {number: [] for number in numbers}
    for start in range(0, len(numbers), _AT_ONCE):
        part = numbers[start : start + _AT_ONCE]
        for row in connection.execute(select(ALERT).where(ALERT.c.incident.in_(part)).order_by(ALERT.c.alert)):
            alerts[row.incident].append(Linked(row.alert, row.name, row.severity, row.sentence, row.since, row.ended_at))
        for row in connection.execute(select(CLOCK).where(CLOCK.c.incident.in_(part))):
            clocks[row.incident].append(Clock(Kind(row.kind), row.due_at, row.missed_at, row.ended_at, row.misses))
    order: Sequence[Kind] = tuple(Kind)
    return [_incident(row, alerts[row.number], sorted(clocks[row.number], key=lambda clock: order.index(clock.kind))) for row in rows]


def _incident(row: Any, alerts: Sequence[Linked], clocks: Sequence[Clock]) -> Incident:
    return Incident(
        row.number,
        row.severity,
        row.title,
        row.opened_at,
        row.opened_by,
        row.alert_group,
        _deed(row, "acknowledged"),
        _deed(row, "mitigated"),
        _deed(row, "resolved"),
        tuple(alerts),
        tuple(clocks),
        row.part_of,
    )


def _deed(row: Any, name: str) -> Deed | None:
    at = getattr(row, f"{name}_at")
    return Deed(getattr(row, f"{name}_by"), at, getattr(row, f"{name}_note")) if at is not None else None
