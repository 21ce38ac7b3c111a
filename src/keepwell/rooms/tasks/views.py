"""Tasks as plain values: for the API and for the page."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from keepwell.kernel.cadences import next_instant
from keepwell.kernel.durations import format_duration

from .model import Run, Standing, Task
from .telling import ahead_words


def instant(at: datetime | None) -> str | None:
    """An instant as ISO 8601 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None


def listing(shown: Sequence[tuple[Task, Standing]], now: datetime) -> dict[str, Any]:
    """All tasks for programs, in the order of the configuration."""
    return {"timestamp": instant(now), "tasks": [task_json(task, standing, now) for task, standing in shown]}


def task_json(task: Task, standing: Standing, now: datetime) -> dict[str, Any]:
    """One task for programs."""
    following = None if task.waits_for else next_instant(task.cadence, max(now, standing.decided_until))
    return {
        "name": task.name,
        "state": state_word(task, standing),
        "sentence": sentence(task, standing),
        "work": {"kind": task.work.kind, "name": task.work.name, "arguments": dict(task.work.arguments)} if task.work is not None else None,
        "waits_for": task.waits_for or None,
        "every": task.cadence.text,
        "zone": task.cadence.zone.key,
        "window": task.window.text if task.window is not None else None,
        "late_within": format_duration(task.late),
        "expected_duration": format_duration(task.expected) if task.expected is not None else None,
        "locks": list(task.locks),
        "severity": task.severity,
        "next": instant(following),
        "last_success": instant(standing.last_success),
        "open": run_json(standing.open) if standing.open is not None else None,
        "last": run_json(standing.last) if standing.last is not None else None,
    }


def state_word(task: Task, standing: Standing) -> str:
    """How a task stands, in one word: that of its open occasion, ``held``, ``missing``, that of its newest occasion, or ``new``."""
    if standing.open is not None:
        return standing.open.state.value
    if standing.held_since is not None or standing.ahead_since is not None:
        return "held"
    if task.waits_for:
        return "missing"
    return standing.last.state.value if standing.last is not None else "new"


def sentence(task: Task, standing: Standing) -> str:
    """What there is to say of a task now."""
    if standing.open is not None:
        return standing.open.sentence
    if standing.held_since is not None:
        return f"due since {instant(standing.held_since)}: {standing.held_because}"
    if standing.ahead_since is not None:
        return f"nothing begins {ahead_words(task, standing)}"
    if task.waits_for:
        return f"it waits for {task.waits_for}, which nobody supplied"
    if standing.last is None:
        return "not due so far"
    return f"{standing.last.sentence} ({standing.last.count:,} in a row)" if standing.last.count > 1 else standing.last.sentence


def run_json(run: Run) -> dict[str, Any]:
    """One occasion for programs."""
    return {
        "task": run.task,
        "due_at": instant(run.due_at),
        "state": run.state.value,
        "by": run.by,
        "started_at": instant(run.started_at),
        "ended_at": instant(run.ended_at),
        "seconds": (run.ended_at - run.started_at) / timedelta(seconds=1) if run.ended_at and run.started_at else None,
        "sentence": run.sentence,
        "record": run.record or None,
        "facts": dict(run.facts),
        "first_due_at": instant(run.first_due_at),
        "count": run.count,
    }
