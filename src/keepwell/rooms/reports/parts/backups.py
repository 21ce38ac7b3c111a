"""Which backups were made, and which were proven by restoring them."""

from collections.abc import Sequence

from keepwell.kernel.comparisons import Unit, describe
from keepwell.rooms.reports.model import Cell, Part, State, Table
from keepwell.rooms.reports.sources import BackedUp
from keepwell.rooms.reports.words import count, instant, length

KEY, TITLE = "backups", "Backups"
_COLUMNS = ("backup", "made", "newest", "size", "proven", "recovery time", "recovery point")


def part(backups: Sequence[BackedUp]) -> Part:
    """The part: those with faults first."""
    if not backups:
        return Part(KEY, TITLE, why_not="nothing is backed up: write the section backups")
    ordered = sorted(backups, key=lambda one: (not one.fault, one.proven_at is not None, one.name))
    proven = sum(one.proven_at is not None for one in backups)
    faults = tuple(f"{one.name}: {one.fault}" for one in ordered if one.fault)
    unproven = tuple(f"{one.name} was never proven: nobody knows whether it can be restored." for one in ordered if one.proven_at is None)
    state: State = "fail" if faults else "warn" if proven < len(backups) else "ok"
    headline = f"{proven} of {count(len(backups), 'backup')} proven" + (f", {len(faults)} with a fault" if faults else "")
    return Part(KEY, TITLE, headline, state, faults + unproven, (Table(_COLUMNS, tuple(_row(one) for one in ordered)),))


def _row(one: BackedUp) -> tuple[Cell, ...]:
    size = describe(one.size, Unit.BYTES, decimal=True) if one.size is not None else "–"
    return (
        Cell(one.name, None, "fail" if one.fault else ""),
        Cell(f"{one.made}", one.made),
        Cell(instant(one.newest_at), one.newest_at.isoformat() if one.newest_at else None),
        Cell(size, one.size),
        Cell(instant(one.proven_at) if one.proven_at else "never", one.proven_at.isoformat() if one.proven_at else None, _proof(one)),
        Cell(length(one.recovery_time), one.recovery_time),
        Cell(length(one.recovery_point), one.recovery_point),
    )


def _proof(one: BackedUp) -> State:
    return "" if one.proven_at is not None else "warn"
