"""Runbooks and runs as JSON says them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from keepwell.kernel.redaction import redact_patterns
from keepwell.rooms.runbooks.model import Prepared, Ready, Run, StepRun
from keepwell.rooms.runbooks.work.permissions import person


def runbook_json(ready: Ready, last: Run | None = None) -> dict[str, Any]:
    """A runbook in a list."""
    waiting = [step for step in ready.steps if step.executable is not None and step.why_not]
    return {
        "path": ready.path,
        "name": ready.path.removeprefix("runbooks/").removesuffix(".md"),
        "title": ready.title,
        "host": ready.host,
        "fault": ready.fault or None,
        "steps": len(ready.steps),
        "waiting": len(waiting),
        "last": _head(last) if last is not None else None,
    }


def plan_json(ready: Ready) -> dict[str, Any]:
    """A runbook with what each of its steps would do."""
    return {**runbook_json(ready), "steps": [_planned(step) for step in ready.steps]}


def _planned(prepared: Prepared) -> dict[str, Any]:
    step = prepared.step
    return {
        "number": step.number,
        "name": step.name,
        "line": step.line,
        "way": prepared.way.value,
        "text": redact_patterns(step.text),
        "service": f"{prepared.service.verb} {prepared.service.unit}" if prepared.service is not None else None,
        "accepted_by": prepared.accepted_by or None,
        "why_not": prepared.why_not or None,
        "danger": prepared.danger or None,
        "why": prepared.why or None,
        "missing": list(step.missing),
        "asks": list(step.asks),
        "verify": step.verify or None,
        "idempotent": step.idempotent,
        "timeout_seconds": step.timeout.total_seconds() if step.timeout else None,
    }


def _head(run: Run) -> dict[str, Any]:
    return {
        "id": run.number,
        "runbook": run.runbook,
        "title": run.title,
        "state": run.state.value,
        "sentence": run.sentence,
        "by": person(run.by),
        "asked_at": _instant(run.asked_at),
        "began_at": _instant(run.began_at),
        "ended_at": _instant(run.ended_at),
        "key": run.key,
    }


def run_json(run: Run, output: str = "", approvals: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A run with its steps; ``output`` is what the step that runs now has printed so far."""
    return {
        **_head(run),
        "arguments": sorted(run.arguments),
        "steps": [step_json(step) for step in run.steps],
        "output": output,
        "approvals": approvals or [],
    }


def step_json(step: StepRun) -> dict[str, Any]:
    """A step of a run."""
    seconds = (step.ended_at - step.began_at).total_seconds() if step.ended_at and step.began_at else None
    return {
        "number": step.number,
        "name": step.name,
        "title": step.title,
        "way": step.way.value,
        "state": step.state.value,
        "sentence": step.sentence,
        "attempt": step.attempt,
        "accepted_by": step.accepted_by or None,
        "digest": step.digest,
        "began_at": _instant(step.began_at),
        "ended_at": _instant(step.ended_at),
        "seconds": seconds,
        "status": step.status,
        "output_digest": step.output_digest or None,
        "by": person(step.by) or None,
        "note": step.note or None,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at is not None else None


def runs_json(runs: list[Run]) -> Mapping[str, Any]:
    """A page of runs."""
    return {"runs": [_head(run) for run in runs], "before": runs[-1].number if runs else None}
