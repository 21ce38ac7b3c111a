"""Pure: how a task stands gives the alerts that are told of it: it failed, it was missed, it takes too long."""

from collections.abc import Iterator
from datetime import datetime

from keepwell.kernel.durations import format_duration
from keepwell.ports.alerts import Active

from .model import Run, Standing, State, Task, later, stamp

FAILED, MISSED, OVERDUE, AHEAD = "TaskFailed", "TaskMissed", "TaskOverdue", "TaskAhead"


def alerts_of(task: Task, standing: Standing, now: datetime) -> tuple[Active, ...]:
    """Every alert that is active for the task now."""
    return tuple(_alerts(task, standing, now))


def _alerts(task: Task, standing: Standing, now: datetime) -> Iterator[Active]:
    last = standing.last
    if last is not None and last.state in (State.FAILED, State.REFUSED):
        verb = "was refused" if last.state is State.REFUSED else "failed"
        yield _active(task, FAILED, f"{task.name} {verb}: {last.sentence}", last, last.ended_at or last.due_at)
    if last is not None and last.state is State.MISSED and not _is_held_up(standing):
        yield _active(task, MISSED, f"{task.name} of {stamp(last.due_at)} was missed: {last.sentence}", last, last.ended_at or last.due_at)
    if standing.ahead_since is not None:
        yield _alert(task, AHEAD, f"nothing of {task.name} begins {ahead_words(task, standing)}", "", standing.ahead_since)
    since = overdue_since(task, standing)
    if standing.open is not None and since is not None and since <= now:
        yield _active(task, OVERDUE, f"{task.name} of {stamp(standing.open.due_at)} {_why(task, standing)}", standing.open, since)


def _is_held_up(standing: Standing) -> bool:
    """Whether what was missed was so because of the one that is still open: then that is told of."""
    return standing.open is not None and standing.last is not None and standing.open.due_at < standing.last.due_at


def overdue_since(task: Task, standing: Standing) -> datetime | None:
    """When the open occasion takes, or will take, too long: longer than expected, or until the next one is due; None where none is open,
    or nothing says how long it takes."""
    run = standing.open
    if run is None or run.started_at is None:
        return None
    ends = [later(run.started_at, task.expected)] if task.expected is not None else []
    return min([*ends, *([standing.held_since] if standing.held_since is not None else [])], default=None)


def _why(task: Task, standing: Standing) -> str:
    run = standing.open
    assert run is not None
    what = "waits for a person" if run.state is State.WAITING else "runs"
    rest = f": {run.sentence}" if run.state is State.WAITING and run.sentence else ""
    if standing.held_since is not None:
        return f"still {what}, and the next one is due{rest}"
    assert task.expected is not None
    return f"{what} longer than {format_duration(task.expected)}{rest}"


def ahead_words(task: Task, standing: Standing) -> str:
    """Until when nothing of it begins, why, and what a person can do."""
    until = stamp(standing.decided_until.replace(microsecond=0))
    return f"until {until}: the clock was there once, or it is behind now; if it is right now, say keepwell tasks rewind {task.name}"


def _active(task: Task, name: str, summary: str, run: Run, since: datetime) -> Active:
    return _alert(task, name, summary, run.record, since)


def _alert(task: Task, name: str, summary: str, record: str, since: datetime) -> Active:
    labels = {"alertname": name, "task": task.name, "severity": task.severity}
    annotations = {"summary": summary, **({"record": record} if record else {})}
    return Active(labels, annotations, "firing", active_since=since, firing_since=since)


def next_change(task: Task, standing: Standing, now: datetime) -> datetime | None:
    """When an alert begins although nothing happens."""
    since = overdue_since(task, standing)
    return since if since is not None and since > now else None
