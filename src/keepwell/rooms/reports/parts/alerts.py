"""Which alerts fired, how often and for how long."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Fired
from keepwell.rooms.reports.words import count, instant, length

KEY, TITLE = "alerts", "Alerts"
_COLUMNS = ("alert", "severity", "fired", "fires now", "in all", "acknowledged", "last")
_MOST = 50


def part(fired: Sequence[Fired], end: datetime) -> Part:
    """The part: each alert with all its times, the most frequent first."""
    if not fired:
        return Part(KEY, TITLE, "no alert fired", "ok", ("No alert fired in this time.",))
    named = sorted(fired, key=lambda one: (one.name, one.about, one.severity))
    groups = [list(group) for _, group in groupby(named, key=lambda one: (one.name, one.about, one.severity))]
    groups.sort(key=lambda group: (-len(group), group[0].name, group[0].about))
    now = sum(one.resolved_at is None for one in fired)
    unknown = sum(one.acknowledged_at is None for one in fired)
    state: State = "fail" if any(one.resolved_at is None and one.severity == "critical" for one in fired) else "warn"
    sentences = (f"{count(len(fired), 'alert')} fired ({len(groups)} different), {now} of them still fire; nobody acknowledged {unknown}.",)
    table = Table(_COLUMNS, tuple(_row(group, end) for group in groups[:_MOST]), max(0, len(groups) - _MOST))
    return Part(KEY, TITLE, f"{count(len(fired), 'alert')} fired, {now} still", state, sentences, (table,))


def _row(group: Sequence[Fired], end: datetime) -> tuple[Cell, ...]:
    first = group[0]
    now = sum(one.resolved_at is None for one in group)
    seconds = sum(((one.resolved_at or end) - one.since).total_seconds() for one in group)
    known = sum(one.acknowledged_at is not None for one in group)
    state: State = {"critical": "fail", "warning": "warn"}.get(first.severity, "")  # type: ignore[assignment]
    last = max(one.since for one in group)
    return (
        Cell(f"{first.name}: {first.about}" if first.about else first.name),
        Cell(first.severity or "none", None, state),
        Cell(f"{len(group)}", len(group)),
        Cell("yes" if now else "no", now),
        Cell(length(max(0.0, seconds)), seconds),
        Cell(f"{known} of {len(group)}", known),
        Cell(instant(last), last.isoformat()),
    )
