"""The pages of runbooks and runs: what each of them asks, and its values."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from keepwell.ports.offer import Page
from keepwell.rooms.runbooks import store
from keepwell.rooms.runbooks.model import Run, State, StepRun, Way
from keepwell.storage import journal

from .routes import LARGEST_NUMBER, RunsAsked, found_runs, shown
from .shown import plan_json, run_json, runbook_json, step_json
from .verbs import Verbs

_BADGES = {
    "done": "ok",
    "running": "quiet",
    "waiting": "warn",
    "asks": "warn",
    "failed": "fail",
    "refused": "fail",
    "skipped": "quiet",
}
NEWEST = 20
"""Runs on the page of runbooks."""
LONGEST = 256 * 1024
"""Characters of an output that the page shows; the rest is its end cut away, and --json has all of it."""


def pages(verbs: Verbs, permission: str) -> tuple[Page, ...]:
    """Every runbook with its last run, one runbook as it would be run, all runs, and one run live."""

    async def every() -> Mapping[str, Any]:
        newest = await verbs.read(store.newest_of_each)
        runs = await verbs.read(lambda connection: store.listing(connection, runbook=None, states=(), before=None, limit=NEWEST))
        return {
            "runbooks": [runbook_json(ready, newest.get(path)) for path, ready in verbs.ready().items()],
            "runs": [run_json(run) for run in runs],
            "approvals": await verbs.permissions.listing(waiting=True),
            "badges": _BADGES,
        }

    async def one(name: str) -> Mapping[str, Any]:
        ready = verbs.runbook(name)
        asked = RunsAsked(limit=NEWEST)
        runs = await verbs.read(lambda connection: store.listing(connection, runbook=ready.path, states=(), before=None, limit=asked.limit))
        return {"page_title": ready.title, "runbook": plan_json(ready), "runs": [run_json(run) for run in runs], "badges": _BADGES}

    async def runs(runbook: str | None = None, before: Annotated[int | None, Field(ge=1, le=LARGEST_NUMBER)] = None) -> Mapping[str, Any]:
        found = await found_runs(verbs, RunsAsked(runbook=runbook, before=before))
        older = found[-1].number if len(found) == RunsAsked().limit else None
        return {"runs": [run_json(run) for run in found], "older": older, "badges": _BADGES}

    async def run(number: int) -> Mapping[str, Any]:
        return await _run(verbs, number)

    return (
        Page("/runbooks", "Runbooks", permission, "runbooks/runbooks.html", every),
        Page("/runbooks/{name:path}", "Runbook", permission, "runbooks/runbook.html", one, within="/runbooks"),
        Page("/runs", "Runs", permission, "runbooks/runs.html", runs, within="/runbooks"),
        Page("/runs/{number:int}", "Run", permission, "runbooks/run.html", run, within="/runbooks"),
    )


async def _run(verbs: Verbs, number: int) -> dict[str, Any]:
    run = await verbs.runs.find(number)
    told = await shown(verbs, number)
    outputs = await verbs.read(lambda connection: {step.number: journal.output(connection, step.output_digest) for step in run.steps})
    return {
        "page_title": f"Run {number}",
        "run": told,
        "steps": [_step(verbs, run, step, outputs.get(step.number), told["output"]) for step in run.steps],
        "standing": _standing(run),
        "badges": _BADGES,
    }


def _step(verbs: Verbs, run: Run, step: StepRun, content: bytes | None, live: str) -> dict[str, Any]:
    prepared = verbs.runs.ready(run.runbook).step(step.name)
    output = live if step.state is State.RUNNING else (content or b"").decode("utf-8", "replace")
    return {
        **step_json(step),
        "output": output[-LONGEST:],
        "text": prepared.step.text if prepared is not None and prepared.way is not Way.PERSON else "",
        "danger": prepared.danger if prepared is not None else "",
        "why": prepared.why if prepared is not None else "",
        "tickable": step.way is Way.PERSON and step.state is State.WAITING and run.state not in (State.DONE, State.FAILED, State.REFUSED),
    }


def _standing(run: Run) -> dict[str, bool]:
    """What a person may say of it now."""
    step = next((step for step in run.steps if step.state not in (State.DONE, State.SKIPPED)), None)
    over = step is None or run.state in (State.DONE, State.REFUSED) or step.state is State.RUNNING
    return {
        "repeat": not over and step is not None and step.state in (State.FAILED, State.ASKS),
        "skip": not over,
        "stop": not over and run.state is not State.FAILED,
    }
