"""Pure: the tasks of a directory and ``now`` give the moments at which they would start; files that were read give what is missing."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice

from keepwell.config.runbooks import Runbook
from keepwell.kernel.cadences import instants, next_instant, parse_cadence
from keepwell.kernel.durations import parse_duration
from keepwell.kernel.quoting import quoted
from keepwell.kernel.windows import Span, Window, current_window, next_window

from .model import Entry, Moment, Plan, PlannedTask, Report, Wanted

ZONE = "UTC"
"""The zone of what names none."""

MOST_A_DAY = 12
"""A task that recurs more often within a day is not listed moment by moment."""

MOST = 400
"""Moments of one task that are listed."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Times:
    """The moments of one cadence within the days asked for."""

    moments: tuple[datetime, ...] = ()
    frequent: bool = False
    more: bool = False
    next: datetime | None = None


@dataclass(slots=True)
class _Days:
    """The days asked for; the moments of each cadence and the spans of each window, computed once for all tasks that share them."""

    after: datetime
    until: datetime
    windows: Mapping[str, Window]
    known: dict[tuple[str, str], Times] = field(default_factory=dict)
    spans: dict[str, list[Span]] = field(default_factory=dict)

    def times(self, every: str, zone: str) -> Times:
        if (every, zone) not in self.known:
            self.known[every, zone] = times(every, zone, self.after, self.until)
        return self.known[every, zone]

    def in_window(self, name: str, at: datetime) -> bool | None:
        """Whether that window is open then; None where there is no such window."""
        window = self.windows.get(name)
        if window is None:
            return None
        if name not in self.spans:
            self.spans[name] = list(_spans(window, self.after, self.until))
        spans = self.spans[name]
        before = bisect_right(spans, at, key=lambda span: span[0])
        return before > 0 and at < spans[before - 1][1]


def _spans(window: Window, after: datetime, until: datetime) -> Iterator[Span]:
    """The spans of a window in which any moment of these days may lie, in order."""
    span = current_window(window, after) or next_window(window, after)
    while span is not None and span[0] <= until:
        yield span
        span = next_window(window, span[0])


def plan_tasks(tasks: Sequence[Entry], windows: Mapping[str, Window], after: datetime, until: datetime) -> tuple[PlannedTask, ...]:
    """Every task with its moments after ``after`` and up to ``until``, in their order."""
    days = _Days(after, until, windows)
    return tuple(_task(entry, days) for entry in tasks)


def times(every: str, zone: str, after: datetime, until: datetime) -> Times:
    """The moments of a cadence, in its zone. Raises ValueError with one sentence where it is none, or the zone is none."""
    cadence = parse_cadence(every, zone)
    coming = (instant.astimezone(cadence.zone) for instant in instants(cadence, after, until))
    first = tuple(islice(coming, MOST_A_DAY + 1))
    if len(first) > MOST_A_DAY and first[-1] - after <= _DAY:
        return Times(first[:1], frequent=True, more=True, next=first[0])
    if not first:
        following = next_instant(cadence, after)
        return Times(next=following.astimezone(cadence.zone) if following else None)
    found = first + tuple(islice(coming, MOST + 1 - len(first)))
    return Times(found[:MOST], more=len(found) > MOST, next=first[0])


def _task(entry: Entry, days: _Days) -> PlannedTask:
    value = entry.value
    faults: list[str] = []
    task = PlannedTask(
        name=entry.name,
        line=entry.line,
        run=value.get("run", "").removeprefix("./"),
        does=value.get("does", ""),
        waits_for=value.get("waits_for", ""),
        every=value.get("every", ""),
        zone=value.get("zone") or ZONE,
        window=value.get("window", ""),
        takes=value.get("expected_duration", ""),
    )
    try:
        coming = days.times(task.every, task.zone) if task.every else Times()
    except ValueError as error:
        coming = Times()
        faults.append(str(error))
    if not task.every:
        faults.append("it does not say when it recurs")
    faults += _faults_of_length(task.takes)
    if task.window and task.window not in days.windows:
        faults.append(f"its window {quoted(task.window)} is not one of the windows")
    moments = tuple(Moment(at, days.in_window(task.window, at)) for at in coming.moments)
    return replace(task, frequent=coming.frequent, moments=moments, more=coming.more, next=coming.next, faults=tuple(faults))


def _faults_of_length(takes: str) -> Iterator[str]:
    try:
        parse_duration(takes or "1s")
    except ValueError as error:
        yield str(error)


# --- what is missing ---------------------------------------------------------------------------------------------------------


def assemble(plan: Plan, report: Report) -> Plan:
    """The plan with what is missing, gathered from the last import's report, the runbooks' steps and the runbooks that are not there."""
    by_name = {wanted.name: wanted for wanted in report.missing}
    for name, place in _wanted_by_steps(plan.runbooks):
        known = by_name.get(name, Wanted(name, ""))
        by_name[name] = replace(known, places=(*known.places, place))
    by_path = runs(plan.tasks)
    unread = [one.fault for one in plan.runbooks if one.fault and one.path not in by_path]  # a task tells of its own
    faults = (*([report.fault] if report.fault else []), *unread)
    return replace(plan, missing=tuple(by_name.values()), dispositions=report.dispositions, faults=faults)


def _wanted_by_steps(runbooks: Iterable[Runbook]) -> Iterator[tuple[str, str]]:
    for runbook in runbooks:
        for step in runbook.steps:
            yield from ((name, f"{runbook.path}#{step.name}") for name in step.missing)


def runs(tasks: Sequence[PlannedTask]) -> dict[str, list[str]]:
    """The names of the tasks that run each runbook."""
    by_path: dict[str, list[str]] = {}
    for task in tasks:
        if task.run:
            by_path.setdefault(task.run, []).append(task.name)
    return by_path
