"""What ``keepwell tasks`` prints."""

from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call

_STYLES = {
    "done": "ok",
    "running": "strong",
    "waiting": "warn",
    "held": "warn",
    "missing": "unknown",
    "new": "dim",
    "skipped": "dim",
    "failed": "fail",
    "refused": "fail",
    "missed": "fail",
}
_BAD = ("failed", "refused", "missed")


def listing(call: Call, answer: dict[str, Any]) -> int:
    """Every task; 1 where one failed, was refused or was missed."""
    tasks = answer["tasks"]
    call.output.data(answer)
    if not tasks:
        call.output.say("there are no tasks", style="dim")
    rows = [(one["name"], one["state"], one["every"], _when(one["next"]), one["sentence"]) for one in tasks]
    call.output.table(("task", "state", "every", "next", "what there is to say"), rows, styles=[_STYLES[one["state"]] for one in tasks])
    return Exit.NEGATIVE if any(one["state"] in _BAD for one in tasks) else Exit.OK


def show(call: Call, task: dict[str, Any]) -> int:
    """One task; 1 where it failed, was refused or was missed."""
    call.output.data(task)
    call.output.say(f"{task['name']}  {task['state']}: {task['sentence']}", style=_STYLES[task["state"]])
    work = (
        f"{task['work']['kind']} {task['work']['name']}"
        if task["work"]
        else f"waits for {task['waits_for']}"
        if task["waits_for"]
        else None
    )
    facts = (
        ("does", work or "a person does it"),
        ("every", f"{task['every']} ({task['zone']})"),
        ("next", _when(task["next"])),
        ("only in", task["window"]),
        ("may begin late by", task["late_within"]),
        ("expected to take", task["expected_duration"]),
        ("locks", ", ".join(task["locks"])),
        ("last ended well", _when(task["last_success"]) if task["last_success"] else "never"),
    )
    for name, value in facts:
        if value:
            call.output.say(f"  {name}: {value}")
    _runs(call, task["runs"], named=False)
    return Exit.NEGATIVE if task["state"] in _BAD else Exit.OK


def history(call: Call, answer: dict[str, Any]) -> int:
    """Occasions, newest first, and where the next page begins."""
    call.output.data(answer)
    if not answer["runs"]:
        call.output.say("nothing was due so far" if call.arguments["before"] is None else "nothing was due before then", style="dim")
    _runs(call, answer["runs"], named=True)
    if answer["next"] is not None:
        call.output.say(f"--before {answer['next']} shows older ones", style="dim")
    return Exit.OK


def begun(call: Call, run: dict[str, Any]) -> int:
    """What became of a wish."""
    call.output.data(run)
    call.output.say(f"{run['task']}: {run['state']}{': ' + run['sentence'] if run['sentence'] else ''}", style=_STYLES[run["state"]])
    return Exit.OK


def rewound(call: Call, tasks: list[dict[str, Any]]) -> int:
    """When tasks are due now."""
    call.output.data({"tasks": tasks})
    for task in tasks:
        call.output.say(f"{task['name']} is due next {_when(task['next'])}", style="ok")
    return Exit.OK


def _runs(call: Call, runs: list[dict[str, Any]], *, named: bool) -> None:
    columns = (*(("task",) if named else ()), "due", "state", "took", "by", "what came of it")
    rows = [(*((one["task"],) if named else ()), _due(one), one["state"], _took(one), one["by"], _came(one)) for one in runs]
    if rows:
        call.output.table(columns, rows, styles=[_STYLES[one["state"]] for one in runs])


def _due(run: dict[str, Any]) -> str:
    due = run["due_at"].replace("T", " ")  # whole: ``--before`` takes it, and several may be due within a second
    return f"{_when(run['first_due_at'])} to {due}" if run["first_due_at"] else due


def _came(run: dict[str, Any]) -> str:
    return f"{run['sentence']} ({run['count']:,} in a row)" if run["count"] > 1 else str(run["sentence"])


def _took(run: dict[str, Any]) -> str:
    return f"{run['seconds']:.1f}s" if run["seconds"] is not None else ""


def _when(instant: str | None) -> str:
    """An instant of the API, shortened to seconds."""
    return "never" if instant is None else instant[:19].replace("T", " ") + "Z"
