"""The pages of tasks: what each of them asks, and its values."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from keepwell.kernel.problems import UsageError
from keepwell.kernel.zones import find_zone
from keepwell.ports.offer import Page

from .calendar import Day, Mark, bounds, often, weeks
from .model import Run, State
from .routes import READ, Verbs
from .views import run_json, task_json

BADGES = {
    "done": "ok",
    "running": "info",
    "waiting": "warn",
    "held": "warn",
    "missing": "unknown",
    "new": "quiet",
    "skipped": "quiet",
    "failed": "fail",
    "refused": "fail",
    "missed": "fail",
}
"""The badge of each state of a task or an occasion."""

_WORST = ("failed", "refused", "missed", "waiting", "held", "running", "missing")
_NEWEST = 30
MOST = 100
"""So many tasks the page shows, what went wrong first; the others are counted, and so are those that are due many times a day."""
MOST_OF_A_DAY = 20
"""So many occasions a day of the calendar shows."""


def pages(verbs: Verbs) -> tuple[Page, ...]:
    """All tasks with their calendar, and one task."""

    async def tasks(zone: str = "UTC") -> Mapping[str, Any]:
        return await _tasks(verbs, zone)

    async def one(name: str) -> Mapping[str, Any]:
        task, standing = verbs.kept.find(name)
        shown = task_json(task, standing, verbs.now())
        return {
            "page_title": name,
            "task": _row(shown),
            "facts": _facts(shown),
            "runs": [_run(run) for run in await verbs.runs(name, None, _NEWEST)],
        }

    return (
        Page("/tasks", "Tasks", READ, "tasks/tasks.html", tasks),
        Page("/tasks/{name:path}", "Task", READ, "tasks/task.html", one, within="/tasks"),
    )


async def _tasks(verbs: Verbs, zone: str) -> dict[str, Any]:
    try:
        place = find_zone(zone)
    except ValueError as error:
        raise UsageError(str(error)) from None
    now = verbs.now()
    shown = verbs.kept.shown()
    listed = [task for task, _ in shown]
    rows = [_row(task_json(task, standing, now)) for task, standing in shown]
    tallies = await verbs.tallies(*bounds(now, place))
    today = now.astimezone(place).date()
    # Of thousands of tasks that takes a second or two, in which the engine has other work.
    calendar = await asyncio.to_thread(weeks, listed, tallies, now, place)
    many = await asyncio.to_thread(often, listed, now, place)
    return {
        "headline": headline(rows),
        "tasks": sorted(rows, key=lambda row: _rank(row["state"]))[:MOST],
        "more": max(0, len(rows) - MOST),
        "weeks": [[_day(day, today) for day in week] for week in calendar],
        "often": [{"name": task.name, "every": task.cadence.text} for task in many[:MOST]],
        "more_often": max(0, len(many) - MOST),
        "zone": place.key,
    }


def _rank(state: str) -> int:
    return _WORST.index(state) if state in _WORST else len(_WORST)


def _day(day: Day, today: date) -> dict[str, Any]:
    """A day with those of its marks that say most, in the order of their times."""
    numbered = sorted(enumerate(day.marks), key=lambda one: _rank(one[1].state.value if one[1].state is not None else ""))[:MOST_OF_A_DAY]
    marks = [mark for _, mark in sorted(numbered, key=lambda one: one[0])]
    past = {"is_today": day.date == today, "is_past": day.date < today}
    return {"date": day.date, **past, "marks": _marks(marks), "more": len(day.marks) - len(marks)}


def headline(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What stands over the list: what went wrong, else what waits, else how much was due so far; with its colour."""
    counted = {word: sum(1 for row in rows if row["state"] == word) for word in _WORST}
    wrong = [(word, counted[word]) for word in ("failed", "refused", "missed") if counted[word]]
    waits = [f"{counted['waiting']} {'waits' if counted['waiting'] == 1 else 'wait'} for a person"] if counted["waiting"] else []
    waits += [f"{counted['held']} cannot begin now"] if counted["held"] else []
    if wrong or waits:
        words = ", ".join([*(f"{count} {word}" for word, count in wrong), *waits])
        return {"kind": "fail" if wrong else "warn", "words": words}
    return {"kind": "ok", "words": _well(rows)}


def _well(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "There are no tasks"
    new = sum(row["state"] == "new" for row in rows)
    if new == len(rows):
        return "No task was due so far"
    return f"What was due is done; {new} of {len(rows)} tasks were not due so far" if new else "All tasks are done as they should be"


def _row(shown: Mapping[str, Any]) -> dict[str, Any]:
    work = shown["work"]
    does = f"{work['kind']} {work['name']}" if work else f"waits for {shown['waits_for']}" if shown["waits_for"] else "a person does it"
    waits = shown["open"] is not None and shown["open"]["state"] == State.WAITING.value
    record = (shown["open"] or shown["last"] or {}).get("record")
    return {
        **shown,
        "badge": BADGES[shown["state"]],
        "does": does,
        "record": _record(record),
        "can_run": work is not None and shown["open"] is None,
        "can_done": waits and work is None,
        "can_skip": waits,
    }


def _facts(shown: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to know of a task beside how it stands."""
    known = (
        ("Every", f"{shown['every']} ({shown['zone']})"),
        ("Only in", shown["window"]),
        ("May begin late by", shown["late_within"]),
        ("Expected to take", shown["expected_duration"]),
        ("Locks", ", ".join(shown["locks"])),
        ("Severity of its alerts", shown["severity"]),
    )
    return [(name, text) for name, text in known if text]


def _marks(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    return [
        {
            "task": mark.task,
            "at": f"{mark.at:%H:%M}" if mark.at is not None else "",
            "words": mark.words,
            "badge": BADGES[mark.state.value] if mark.state is not None else "",
        }
        for mark in marks
    ]


def _run(run: Run) -> dict[str, Any]:
    shown = run_json(run)
    return {**shown, "badge": BADGES[run.state.value], "record": _record(run.record), "by": run.by.removeprefix("tasks/")}


def _record(record: str | None) -> str:
    """The page of a record; empty where it has none of this server's."""
    return f"/{record}" if record and record.startswith(("runs/", "backups/", "logs/", "reports/", "audits/")) else ""
