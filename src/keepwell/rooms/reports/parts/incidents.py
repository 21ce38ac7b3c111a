"""Which incidents there were, and how quickly they were answered."""

from collections.abc import Sequence
from datetime import datetime

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Happened
from keepwell.rooms.reports.words import count, instant, length

KEY, TITLE = "incidents", "Incidents"
_COLUMNS = ("incident", "severity", "opened", "answered after", "resolved after", "missed")


def part(happened: Sequence[Happened]) -> Part:
    """The part, in the order in which they were opened."""
    if not happened:
        return Part(KEY, TITLE, "no incident", "ok", ("There was no incident in this time.",))
    ordered = sorted(happened, key=lambda one: one.opened_at)
    still = sum(one.resolved_at is None for one in ordered)
    missed = sum(len(one.missed) for one in ordered)
    headline = f"{count(len(ordered), 'incident')}" + (f", {still} open" if still else "")
    headline += f", {count(missed, 'clock')} missed" if missed else ""
    state: State = "fail" if still and any(one.resolved_at is None and one.severity == "P1" for one in ordered) else "warn"
    return Part(KEY, TITLE, headline, state, (), (Table(_COLUMNS, tuple(_row(one) for one in ordered)),))


def _row(one: Happened) -> tuple[Cell, ...]:
    return (
        Cell(f"{one.number} {one.title}", one.number),
        Cell(one.severity, None, "fail" if one.severity == "P1" else "warn"),
        Cell(instant(one.opened_at), one.opened_at.isoformat()),
        *(_after(one.opened_at, at) for at in (one.acknowledged_at, one.resolved_at)),
        Cell(", ".join(one.missed) or "–", len(one.missed), "warn" if one.missed else ""),
    )


def _after(opened: datetime, at: datetime | None) -> Cell:
    seconds = (at - opened).total_seconds() if at is not None else None
    return Cell(length(seconds) if seconds is not None else "not yet", seconds, "" if at is not None else "warn")
