"""A plan as plain values, whole: what ``--json`` prints. What looks like a secret in a text reads ``[redacted]``."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from keepwell.config.runbooks import Runbook, Step
from keepwell.kernel.durations import format_duration
from keepwell.kernel.redaction import redact_patterns

from .decide import runs
from .model import Plan, PlannedCheck, PlannedTask, Wanted


def as_json(plan: Plan) -> dict[str, Any]:
    """All of a plan."""
    operated = plan.operated
    by_path = runs(plan.tasks)
    return {
        "directory": plan.directory,
        "service": operated.service,
        "host": operated.host,
        "user": operated.user,
        "after": _instant(plan.after),
        "until": _instant(plan.until),
        "summary": counts(plan),
        "checks": [_check(check) for check in operated.checks],
        "tasks": [_task(task, plan) for task in plan.tasks],
        "runbooks": [_runbook(runbook, by_path.get(runbook.path, [])) for runbook in plan.runbooks],
        "windows": [{"name": name, "on": str(window), "zone": window.zone.key} for name, window in operated.windows.items()],
        "waiting": [
            {"name": one.name, "text": shown(one.text), "target": one.target, "host": one.host, "user": one.user, "why": one.why}
            for one in operated.waiting
        ],
        "missing": [_wanted(wanted) for wanted in plan.missing],
        "dispositions": dict(plan.dispositions),
        "faults": list(plan.faults),
    }


def counts(plan: Plan) -> dict[str, int]:
    """How many there are of each."""
    return {
        "checks": len(plan.operated.checks),
        "tasks": len(plan.tasks),
        "runbooks": len(plan.runbooks),
        "steps": sum(len(runbook.steps) for runbook in plan.runbooks),
        "waiting": len(plan.operated.waiting),
        "missing": len(plan.missing),
        "faults": len(plan.faults) + sum(len(task.faults) for task in plan.tasks),
    }


def shown(text: str) -> str:
    """A text without what looks like a secret in it."""
    return redact_patterns(text)


def shown_value(value: Any, key: str = "") -> Any:
    """Data of a document without what looks like a secret in it: by its own look, or because of the key that it stands under."""
    if isinstance(value, Mapping):
        return {name: shown_value(part, name) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [shown_value(part, key) for part in value]
    if isinstance(value, str):
        return shown(f"{key}: {value}").removeprefix(f"{key}: ") if key else shown(value)
    return value


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _check(check: PlannedCheck) -> dict[str, Any]:
    return {
        "name": check.name,
        "kind": check.kind,
        "every": format_duration(check.every),
        "looks_at": check.looks_at,
        "host": check.host,
        "user": check.user,
        "text": None if check.text is None else shown(check.text),
        "accepted": None if check.text is None else check.accepted_by is not None,
        "accepted_by": check.accepted_by,
        "why_not": check.why_not,
    }


def _task(task: PlannedTask, plan: Plan) -> dict[str, Any]:
    return {
        "name": task.name,
        "line": task.line,
        "run": task.run or None,
        "does": task.does or None,
        "waits_for": task.waits_for or None,
        "every": task.every or None,
        "zone": task.zone,
        "window": task.window or None,
        "expected_duration": task.takes or None,
        "host": plan.operated.host,
        "user": plan.operated.user,
        "frequent": task.frequent,
        "instants": [{"at": moment.at.isoformat(), "utc": _instant(moment.at), "in_window": moment.in_window} for moment in task.moments],
        "more": task.more,
        "next": _instant(task.next) if task.next else None,
        "faults": list(task.faults),
    }


def _runbook(runbook: Runbook, tasks: list[str]) -> dict[str, Any]:
    return {
        "path": runbook.path,
        "title": runbook.title,
        "tasks": tasks,
        "front": shown_value(runbook.front),
        "fault": runbook.fault or None,
        "steps": [_step(step) for step in runbook.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "name": step.name,
        "line": step.line,
        "language": step.language,
        "operation": step.operation or None,
        "disposition": step.disposition,
        "rule": step.rule or None,
        "missing": list(step.missing),
        "asks": list(step.asks),
        "text": shown(step.text),
    }


def _wanted(wanted: Wanted) -> dict[str, Any]:
    return {
        "name": wanted.name,
        "wanting": wanted.wanting or None,
        "written": wanted.written,
        "asks": wanted.asks,
        "lines": list(wanted.lines),
        "places": list(wanted.places),
    }
