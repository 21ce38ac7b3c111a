"""What is kept of alerts: rows to values and back, and everything that one change stores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, delete, select

from keepwell.storage.database import upsert

from .model import Acknowledgement, Alert, Escalating, Group, Matcher, Notice, Silence, State, Told
from .tables import ALERT, COUNTER, ESCALATION, GROUP, SILENCE

INDEXED = 200
"""Characters of a label in a column of its own: PostgreSQL takes no more than 2,704 bytes into an index."""

FORGOTTEN_AT_ONCE = 2000
"""Alerts that are deleted in one transaction: others want to write, too."""

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that must be known to go on after a start."""

    alerts: Sequence[Alert] = ()
    groups: Sequence[Group] = ()
    silences: Sequence[Silence] = ()
    escalating: Sequence[Escalating] = ()
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Changes:
    """What one change stores. Alerts, groups and escalations of which only the key is known are deleted (None)."""

    alerts: dict[int, Alert | None] = field(default_factory=dict)
    groups: dict[str, Group | None] = field(default_factory=dict)
    escalating: dict[str, Escalating | None] = field(default_factory=dict)
    silences: dict[str, Silence] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)


def apply(connection: Connection, changes: Changes) -> None:
    """Writes all of it but the notices, which the outbox keeps."""
    upsert(connection, ALERT, [alert_row(alert) for alert in changes.alerts.values() if alert is not None])
    upsert(connection, GROUP, [_group_row(group) for group in changes.groups.values() if group is not None])
    upsert(connection, ESCALATION, [_escalating_row(one) for one in changes.escalating.values() if one is not None])
    upsert(connection, SILENCE, [_silence_row(silence) for silence in changes.silences.values()])
    upsert(connection, COUNTER, [{"name": name, "last": last} for name, last in changes.counters.items()])
    _drop(connection, ALERT.c.number, changes.alerts)
    _drop(connection, GROUP.c.digest, changes.groups)
    _drop(connection, ESCALATION.c.digest, changes.escalating)


def _drop(connection: Connection, key: Column[Any], changed: Mapping[Any, Any]) -> None:
    gone = [name for name, value in changed.items() if value is None]
    for start in range(0, len(gone), _AT_ONCE):
        connection.execute(delete(key.table).where(key.in_(gone[start : start + _AT_ONCE])))


def load(connection: Connection, silences_since: datetime) -> Stored:
    """What is not settled, and the silences that end after that instant."""
    return Stored(
        [alert_of(row) for row in connection.execute(select(ALERT).where(ALERT.c.settled.is_(False)).order_by(ALERT.c.number))],
        [_group_of(row) for row in connection.execute(select(GROUP))],
        [silence_of(row) for row in connection.execute(select(SILENCE).where(SILENCE.c.ends_at > silences_since))],
        [Escalating(row.digest, row.policy, row.started_at, row.step, row.next_at) for row in connection.execute(select(ESCALATION))],
        {row.name: row.last for row in connection.execute(select(COUNTER))},
    )


def forget(connection: Connection, before: datetime) -> int:
    """Deletes some of the alerts that were resolved before that instant, at most ``FORGOTTEN_AT_ONCE``; how many."""
    old = select(ALERT.c.number).where(ALERT.c.settled.is_(True), ALERT.c.resolved_at < before).limit(FORGOTTEN_AT_ONCE)
    return connection.execute(delete(ALERT).where(ALERT.c.number.in_(old))).rowcount


def forget_silences(connection: Connection, before: datetime, maintenance_before: datetime) -> None:
    """Deletes silences that ended before that instant; maintenance that ended before the other one."""
    connection.execute(delete(SILENCE).where(SILENCE.c.ends_at < before, SILENCE.c.maintenance.is_(False)))
    connection.execute(delete(SILENCE).where(SILENCE.c.ends_at < maintenance_before))


# --- rows ----------------------------------------------------------------------------------------------------------------------


def alert_row(alert: Alert) -> dict[str, Any]:
    """The row of an alert."""
    acknowledged = alert.acknowledged
    return {
        "number": alert.number,
        "fingerprint": alert.fingerprint,
        "source": alert.source,
        "state": alert.state.value,
        "name": alert.name[:INDEXED],
        "severity": alert.severity[:INDEXED],
        "service": alert.labels.get("service", "")[:INDEXED],
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "active_since": alert.active_since,
        "firing_since": alert.firing_since,
        "resolved_at": alert.resolved_at,
        "updated_at": alert.updated_at,
        "keep_firing_since": alert.keep_firing_since,
        "expires_at": alert.expires_at,
        "value": alert.value,
        "generator_url": alert.generator_url,
        "doubt": alert.doubt,
        "flapping": alert.flapping,
        "acknowledged_by": acknowledged.by if acknowledged else None,
        "acknowledged_at": acknowledged.at if acknowledged else None,
        "acknowledged_note": acknowledged.note if acknowledged else None,
        "acknowledged_until": acknowledged.until if acknowledged else None,
        "assigned_to": alert.assigned_to,
        "reason": alert.reason,
        "muted_by": alert.muted_by,
        "service_added": alert.service_added,
        "closed": alert.closed,
        "settled": alert.settled,
        "memory": dict(alert.memory),
    }


def alert_of(row: Any) -> Alert:
    """The alert of a row."""
    acknowledged = None
    if row.acknowledged_at is not None:
        acknowledged = Acknowledgement(row.acknowledged_by, row.acknowledged_at, row.acknowledged_note, row.acknowledged_until)
    return Alert(
        number=row.number,
        fingerprint=row.fingerprint,
        labels=row.labels,
        annotations=row.annotations,
        source=row.source,
        state=State(row.state),
        active_since=row.active_since,
        updated_at=row.updated_at,
        firing_since=row.firing_since,
        resolved_at=row.resolved_at,
        keep_firing_since=row.keep_firing_since,
        expires_at=row.expires_at,
        value=row.value,
        generator_url=row.generator_url,
        doubt=row.doubt,
        flapping=row.flapping,
        acknowledged=acknowledged,
        assigned_to=row.assigned_to,
        reason=row.reason,
        muted_by=row.muted_by,
        closed=row.closed,
        settled=row.settled,
        service_added=row.service_added,
        memory=row.memory,
    )


def _group_row(group: Group) -> dict[str, Any]:
    told = group.told
    return {
        "digest": group.digest,
        "key": group.key,
        "route": group.route,
        "receiver": group.receiver,
        "labels": dict(group.labels),
        "next_at": group.next_at,
        "flushed": group.flushed,
        "told_at": told.at if told else None,
        "told_firing": sorted(told.firing) if told else None,
        "told_resolved": sorted(told.resolved) if told else None,
        "told_hidden": sorted(told.hidden) if told else None,
    }


def _group_of(row: Any) -> Group:
    told = None
    if row.told_at is not None:
        told = Told(row.told_at, frozenset(row.told_firing or ()), frozenset(row.told_resolved or ()), frozenset(row.told_hidden or ()))
    return Group(row.key, row.digest, row.route, row.receiver, row.labels, row.next_at, row.flushed, told)


def _escalating_row(one: Escalating) -> dict[str, Any]:
    return {"digest": one.digest, "policy": one.policy, "started_at": one.started_at, "step": one.step, "next_at": one.next_at}


def _silence_row(silence: Silence) -> dict[str, Any]:
    return {
        "id": silence.id,
        "matchers": [[matcher.label, matcher.operator, matcher.value] for matcher in silence.matchers],
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "updated_at": silence.updated_at,
        "created_by": silence.created_by,
        "comment": silence.comment,
        "maintenance": silence.maintenance,
        "annotations": dict(silence.annotations),
    }


def silence_of(row: Any) -> Silence:
    """The silence of a row."""
    return Silence(
        id=row.id,
        matchers=tuple(Matcher(label, operator, value) for label, operator, value in row.matchers),
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        updated_at=row.updated_at,
        created_by=row.created_by,
        comment=row.comment,
        maintenance=row.maintenance,
        annotations=row.annotations,
    )
