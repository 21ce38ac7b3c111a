"""What audits found and nobody put right."""

from collections.abc import Sequence
from datetime import datetime

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Found
from keepwell.rooms.reports.words import count, instant

KEY, TITLE = "findings", "Findings of audits"
_COLUMNS = ("audit", "finding", "severity", "first seen", "waived until")
_MOST = 100


def part(found: Sequence[Found], now: datetime) -> Part:
    """The part: what is not waived first, the oldest first."""
    if not found:
        return Part(KEY, TITLE, "no open finding", "ok", ("Audits found nothing that is open.",))
    ordered = sorted(found, key=lambda one: (_is_waived(one, now), one.first_seen, one.audit, one.what))
    waived = sum(_is_waived(one, now) for one in found)
    left = len(found) - waived
    new = f"{count(left, 'finding')} open" + (f", {waived} waived" if waived else "")
    state: State = "ok" if not left else "fail" if any(one.severity == "critical" for one in ordered[:left]) else "warn"
    rows = tuple(_row(one, now) for one in ordered[:_MOST])
    return Part(KEY, TITLE, new, state, (), (Table(_COLUMNS, rows, max(0, len(ordered) - _MOST)),))


def _is_waived(one: Found, now: datetime) -> bool:
    return one.waived_until is not None and one.waived_until > now


def _row(one: Found, now: datetime) -> tuple[Cell, ...]:
    state: State = "dim" if _is_waived(one, now) else "fail" if one.severity == "critical" else "warn"
    return (
        Cell(one.audit),
        Cell(one.what),
        Cell(one.severity, None, state),
        Cell(instant(one.first_seen), one.first_seen.isoformat()),
        Cell(instant(one.waived_until), one.waived_until.isoformat() if one.waived_until else None),
    )
