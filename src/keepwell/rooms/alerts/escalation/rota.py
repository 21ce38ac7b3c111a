"""Who is on call, and when nobody is. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from keepwell.kernel.windows import current_window, next_window
from keepwell.kernel.zones import instant_of_wall, refuse_naive, wall

from .model import Override, Rota, Shift

_WEEK = timedelta(days=7)
_FAR = timedelta(days=3660)
"""Longer than any shift: the end of one that nothing ends."""


def on_call(rota: Rota, at: datetime) -> Shift:
    """The shift at that instant. Raises ValueError where ``at`` has no time zone."""
    instant = refuse_naive(at)
    override = _override(rota, instant)
    if override is not None:
        return Shift(override.start, _end_of(rota, override, instant), override.person, f"{override.person} stands in")
    shift = _by_week(rota, instant)
    ends = [other.start for other in rota.overrides if instant < other.start < shift.end]
    begins = [other.end for other in rota.overrides if shift.start < other.end <= instant]
    return Shift(max(begins, default=shift.start), min(ends, default=shift.end), shift.person, shift.why)


def shifts(rota: Rota, start: datetime, end: datetime) -> Iterator[Shift]:
    """The shifts from ``start`` to ``end``, one after another without holes: gaps are shifts without a person."""
    at = refuse_naive(start)
    while at < end:
        shift = on_call(rota, at)
        yield Shift(max(shift.start, at), min(shift.end, end), shift.person, shift.why)
        at = shift.end


def gaps(rota: Rota, start: datetime, end: datetime) -> list[Shift]:
    """When nobody is on call from ``start`` to ``end``."""
    return [shift for shift in shifts(rota, start, end) if not shift.person]


def _override(rota: Rota, at: datetime) -> Override | None:
    """The override in force: of several, the one that is written last."""
    return next((one for one in reversed(rota.overrides) if one.start <= at < one.end), None)


def _end_of(rota: Rota, override: Override, at: datetime) -> datetime:
    later = rota.overrides[list(rota.overrides).index(override) + 1 :]
    return min([override.end, *(one.start for one in later if at < one.start < override.end)])


def _by_week(rota: Rota, at: datetime) -> Shift:
    number = _week(rota, at)
    if number < 0:
        first = _handover(rota, 0)
        return Shift(at, first, "", f"the rota begins on {rota.starts.isoformat()}")
    start, end = _handover(rota, number), _handover(rota, number + 1)
    person = rota.people[number % len(rota.people)]
    return _covered(rota, Shift(start, end, person, f"the week of {person}"), at)


def _covered(rota: Rota, shift: Shift, at: datetime) -> Shift:
    if rota.covers is None:
        return shift
    span = current_window(rota.covers, at)
    if span is not None:
        return Shift(max(span[0], shift.start), min(span[1], shift.end), shift.person, shift.why)
    following = next_window(rota.covers, at)
    end = following[0] if following is not None else at + _FAR
    return Shift(at, end, "", f"outside of {rota.covers}")


def _week(rota: Rota, at: datetime) -> int:
    """How many hand-overs were before or at that instant, less one: below 0 before the first."""
    days = (wall(at, rota.zone).date() - _first_day(rota)).days
    number = days // 7
    return number - 1 if _handover(rota, number) > at else number


def _handover(rota: Rota, number: int) -> datetime:
    return instant_of_wall(datetime.combine(_first_day(rota) + number * _WEEK, rota.at), rota.zone)


def _first_day(rota: Rota) -> date:
    return rota.starts + timedelta(days=(rota.weekday - rota.starts.weekday()) % 7)
