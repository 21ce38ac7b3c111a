"""The outbox in words: receivers that get nothing, as alerts; and notices as plain values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from keepwell.ports.alerts import Active
from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Notice
from keepwell.rooms.alerts.notice import unpacked
from keepwell.storage.journal import NewEntry

from .decide import ENOUGH, is_failing
from .model import Ended, Fate, Line, Row, Waiting

SOURCE = "keepwell/receivers"
FAILING = "ReceiverFailing"
RECEIVER = "receiver"
_MOST_NUMBERS = 20


def failing(lines: Mapping[str, Line], now: datetime) -> list[Active]:
    """An alert for each receiver that gets nothing."""
    return [_active(name, line, now) for name, line in sorted(lines.items()) if is_failing(line)]


def _active(name: str, line: Line, now: datetime) -> Active:
    since = line.since or now
    what = "has lost a notice" if line.lost else "gets no notices"
    return Active(
        labels={ALERT_NAME: FAILING, RECEIVER: name, SEVERITY: "critical"},
        annotations={
            "summary": f"the receiver {name} {what}: {line.lost or line.why}",
            "description": "What waits for it is shown by keepwell outbox list; keepwell outbox retry ID tries one again.",
        },
        state="firing",
        active_since=since,
        firing_since=since,
        memory={"lost": line.lost, "why": line.why},
    )


def lines_of(known: Sequence[Active]) -> dict[str, Line]:
    """How receivers did before a restart, as the alerts about them say."""
    return {
        active.labels[RECEIVER]: Line(
            failures=0 if active.memory.get("lost") else ENOUGH,
            lost=str(active.memory.get("lost", "")),
            why=str(active.memory.get("why", "")),
            since=active.active_since,
        )
        for active in known
        if RECEIVER in active.labels
    }


def entry(ended: Ended, actor: str = "keepwell") -> NewEntry:
    """The end of a notice for the journal."""
    facts: dict[str, Any] = {"key": ended.waiting.key, "tries": ended.waiting.tries, "alerts": numbers(ended.waiting.payload)}
    if ended.error:
        facts["why"] = ended.error
    return NewEntry(actor, f"notice.{ended.fate.value}", f"receivers/{ended.waiting.receiver}", facts)


def numbers(payload: bytes) -> list[int]:
    """The numbers of the first alerts that a packed notice tells of."""
    notice = _readable(payload)
    return [alert.number for alert in notice.alerts[:_MOST_NUMBERS]] if notice else []


def _readable(payload: bytes) -> Notice | None:
    """The notice; None where the bytes are none: one row that cannot be read shall not hide the others."""
    try:
        return unpacked(payload)
    except ValueError:
        return None


def plain(row: Row) -> dict[str, Any]:
    """A row of the outbox for JSON."""
    from keepwell.rooms.alerts.messages.texts import title

    notice = _readable(row.payload)
    return {
        "id": row.id,
        "key": row.key,
        "receiver": row.receiver,
        "state": row.state,
        "title": title(notice) if notice else "(this notice cannot be read)",
        "reason": notice.reason if notice else "",
        "alerts": numbers(row.payload),
        "count": len(notice.alerts) + notice.truncated if notice else 0,
        "created_at": row.created_at.isoformat(),
        "next_at": row.next_at.isoformat() if row.state == Fate.WAITING.value else None,
        "ended_at": row.ended_at.isoformat() if row.ended_at else None,
        "expires_at": row.expires_at.isoformat(),
        "tries": row.tries,
        "error": row.error,
    }


def waiting_of(row: Row) -> Waiting:
    """A shown row as what waits."""
    return Waiting(row.id, row.key, row.receiver, row.group_digest, row.tries, row.expires_at, frozenset(), row.payload)
