"""What audits found and nobody put right."""

from collections.abc import Sequence
from datetime import datetime

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Audited, Found
from keepwell.rooms.reports.words import count, instant

KEY, TITLE = "findings", "Findings of audits"
_COLUMNS = ("audit", "finding", "severity", "first seen", "waived until")
_MOST = 100


def part(audited: Audited, now: datetime) -> Part:
    """The part: what is not waived first, the oldest first. An audit that was not made found nothing because it did not look."""
    found, not_made = audited.found, len(audited.not_made)
    said = tuple(f"{name} was not made: {why}" for name, why in sorted(audited.not_made.items()))
    unknown = f", {count(not_made, 'audit')} not made" if not_made else ""
    if not found:
        state: State = "unknown" if not_made else "ok"
        return Part(KEY, TITLE, f"no open finding{unknown}", state, said or ("Audits found nothing that is open.",))
    ordered = sorted(found, key=lambda one: (_is_waived(one, now), one.first_seen, one.audit, one.what))
    waived = sum(_is_waived(one, now) for one in found)
    left = len(found) - waived
    headline = f"{count(left, 'finding')} open" + (f", {waived} waived" if waived else "") + unknown
    rows = tuple(_row(one, now) for one in ordered[:_MOST])
    return Part(KEY, TITLE, headline, _state(ordered[:left], not_made), said, (Table(_COLUMNS, rows, max(0, len(ordered) - _MOST)),))


def _state(counting: Sequence[Found], not_made: int) -> State:
    if counting:
        return "fail" if any(one.severity == "critical" for one in counting) else "warn"
    return "unknown" if not_made else "ok"


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
