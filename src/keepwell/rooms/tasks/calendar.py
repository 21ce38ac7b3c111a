"""Pure: occasions that were and that will be, as weeks of days in one zone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from keepwell.kernel.cadences import instants

from .model import State, Tally, Task

WEEKS_BACK, WEEKS_AHEAD = 2, 3
"""Whole weeks before and after the present one."""

OFTEN = 12
"""A task that is due more often on any day to come is counted day by day, and its coming occasions are not listed."""

_APART = 2
"""So many occasions of a task on one day are shown each with its time; more are counted."""

_ORDER = (State.FAILED, State.REFUSED, State.MISSED, State.WAITING, State.RUNNING, State.SKIPPED, State.DONE)


@dataclass(frozen=True, slots=True)
class Mark:
    """A task on a day: at that time (None: several times), what came of it in words (empty: it is to come), and the worst of it."""

    task: str
    at: datetime | None
    words: str
    state: State | None


@dataclass(frozen=True, slots=True)
class Day:
    """A day and its marks, in the order of their times."""

    date: date
    marks: tuple[Mark, ...]


def bounds(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of the calendar's first Monday, and that behind its last Sunday."""
    today = now.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    first, behind = monday - timedelta(weeks=WEEKS_BACK), monday + timedelta(weeks=WEEKS_AHEAD + 1)
    return _midnight(first, zone), _midnight(behind, zone)


def weeks(tasks: Sequence[Task], tallies: Iterable[Tally], now: datetime, zone: ZoneInfo) -> list[list[Day]]:
    """The calendar around ``now``: what was from ``tallies`` (those of its span), what comes from the tasks' cadences."""
    start, end = bounds(now, zone)
    days: dict[date, list[Mark]] = {}
    for on, mark in (*_was(tallies, zone), *_comes(tasks, now, end, zone)):
        days.setdefault(on, []).append(mark)
    first = start.astimezone(zone).date()
    dates = [first + timedelta(days=number) for number in range(7 * (WEEKS_BACK + 1 + WEEKS_AHEAD))]
    shown = [Day(on, tuple(sorted(days.get(on, ()), key=_place))) for on in dates]
    return [shown[number : number + 7] for number in range(0, len(shown), 7)]


def often(tasks: Iterable[Task], now: datetime, zone: ZoneInfo) -> list[Task]:
    """Those that are due more than twelve times on a day to come."""
    _, end = bounds(now, zone)
    return [task for task in tasks if not task.waits_for and _coming(task, now, end, zone) is None]


def _was(tallies: Iterable[Tally], zone: ZoneInfo) -> list[tuple[date, Mark]]:
    grouped: dict[tuple[date, str], list[Tally]] = {}
    for tally in tallies:
        grouped.setdefault((tally.at.astimezone(zone).date(), tally.task), []).append(tally)
    marks = []
    for (on, task), found in grouped.items():
        if sum(one.rows for one in found) <= _APART and all(one.rows == 1 for one in found):
            marks += [(on, Mark(task, one.at.astimezone(zone), _counted({one.state: one.occasions}), one.state)) for one in found]
        else:
            states: Counter[State] = Counter()
            for one in found:
                states[one.state] += one.occasions
            marks.append((on, Mark(task, None, _counted(states), next(state for state in _ORDER if states[state]))))
    return marks


def _counted(states: Mapping[State, int]) -> str:
    """``done``, ``1,438 done, 2 failed``."""
    if sum(states.values()) == 1:
        return next(iter(states)).value
    return ", ".join(f"{states[state]:,} {state.value}" for state in reversed(_ORDER) if states.get(state))


def _comes(tasks: Sequence[Task], now: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[date, Mark]]:
    marks = []
    for task in tasks:
        coming = _coming(task, now, end, zone) if not task.waits_for else None
        marks += [(at.date(), Mark(task.name, at, "", None)) for at in coming or ()]
    return marks


def _coming(task: Task, now: datetime, end: datetime, zone: ZoneInfo) -> list[datetime] | None:
    """Its coming occasions; None where a day has too many of them to list. Whatever the cadence, few are walked."""
    coming: list[datetime] = []
    for at in instants(task.cadence, now, end):
        coming.append(at.astimezone(zone))
        if len(coming) > OFTEN and coming[-1 - OFTEN].date() == coming[-1].date():
            return None
    return coming


def _place(mark: Mark) -> tuple[bool, datetime | None, str]:
    return (mark.at is not None, mark.at, mark.task) if mark.at is not None else (False, None, mark.task)


def _midnight(on: date, zone: ZoneInfo) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=zone)
