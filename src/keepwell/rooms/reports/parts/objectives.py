"""What is promised, and how that stands."""

from collections.abc import Sequence

from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import Promised
from keepwell.rooms.reports.words import count

KEY, TITLE = "objectives", "Objectives"
_COLUMNS = ("objective", "promised", "target", "measured", "verdict", "left of the error budget")
_STATES: dict[str, State] = {"met": "ok", "missed": "warn", "warning": "warn", "critical": "fail", "no data": "unknown"}


def part(promised: Sequence[Promised]) -> Part:
    """The part."""
    if not promised:
        return Part(KEY, TITLE, why_not="nothing is promised: write the section objectives")
    broken = sum(one.verdict in ("missed", "warning", "critical") for one in promised)
    states = [_STATES[one.verdict] for one in promised]
    state: State = next((word for word in _ORDER if word in states), "ok")
    why = tuple(f"{one.name}, {one.promise}: {one.why}" for one in promised if one.why)
    kept = sum(one.verdict == "met" for one in promised)
    headline = f"{kept} of {count(len(promised), 'promise')} kept" + (f", {broken} broken" if broken else "")
    return Part(KEY, TITLE, headline, state, why, (Table(_COLUMNS, tuple(_row(one) for one in promised)),))


_ORDER: tuple[State, ...] = ("fail", "warn", "unknown")


def _row(one: Promised) -> tuple[Cell, ...]:
    return (
        Cell(one.name),
        Cell(one.promise),
        Cell(one.target),
        Cell(one.measured, one.value),
        Cell(one.verdict, None, _STATES[one.verdict]),
        Cell(one.budget or "–"),
    )
