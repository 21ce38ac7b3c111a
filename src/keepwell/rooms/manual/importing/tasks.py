"""Work that recurs: which runbook it runs, and its entry in keepwell.yaml. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from keepwell.rooms.manual.reading.model import Item, Kind

from .entries import Entries
from .model import EntryDraft, TaskDraft
from .names import slug, unused
from .provided import work_of
from .runbooks import Runbook

_EMPTY = frozenset(
    ("daily", "weekly", "monthly", "quarterly", "maintenance", "tasks", "task", "and", "the", "of", "operations", "checklist", "procedures")
)


def take_task(draft: TaskDraft, item: Item, runbooks: Sequence[Runbook], entries: Entries) -> tuple[str, dict[str, str]]:
    """Adds the task; gives its place, and what of Keepwell does the work of a script that nobody supplied (else nothing)."""
    runbook = _runbook(draft, item, runbooks)
    title = draft.title or (runbook.section.title if runbook else "") or (item.section[-1] if item.section else "")
    value: dict[str, Any] = {}
    if runbook is not None:
        value["run"] = runbook.path
    work = work_of(draft.script, entries.sections) if draft.script and runbook is None else {}
    if work:
        value |= work
    elif draft.script and runbook is None:
        value["waits_for"] = draft.script.rpartition("/")[2]
    value["every"] = draft.every
    known = _same_work(value, entries.sections.get("tasks", {}))
    name = known or slug(draft.script.rpartition(".")[0] if draft.script else title) or "task"
    tasks = entries.sections.get("tasks", {})
    if not known and "run" in value and "run" in tasks.get(name, ({}, {}))[0]:  # another procedure of the same title is other work
        name = unused(name, tasks)
    return entries.take_entry(EntryDraft("tasks", name, {**value, **draft.settings}), item.line), work


def _same_work(value: Mapping[str, Any], tasks: Mapping[str, tuple[dict[str, Any], dict[int, None]]]) -> str:
    """The task that runs the same runbook as often already."""
    if "run" not in value:
        return ""
    return next(
        (name for name, (other, _) in tasks.items() if other.get("run") == value["run"] and other.get("every") == value["every"]), ""
    )


def _runbook(draft: TaskDraft, item: Item, runbooks: Sequence[Runbook]) -> Runbook | None:
    if "shell" in draft.settings:  # a crontab's own command: it runs that, and no runbook
        return None
    if draft.script:
        wanted = slug(draft.script.rpartition("/")[2].rpartition(".")[0])
        return next((runbook for runbook in runbooks for steps in runbook.steps.values() for step in steps if step.name == wanted), None)
    own = [runbook for runbook in runbooks if runbook.section.line <= item.line <= runbook.section.end_line]
    if own and item.kind is not Kind.TABLE_ROW:
        return own[-1]
    words = _words(draft.title)
    scored = [
        (len(words & _words(" ".join(runbook.section.path))), runbook.cadence == draft.every, -at, runbook)
        for at, runbook in enumerate(runbooks)
    ]
    best = max(scored, key=lambda entry: entry[:3], default=None)
    return best[3] if best and best[0] * 2 > len(words) and (best[1] or not best[3].cadence) else None


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in re.findall(r"[a-z]{3,}", text.lower()) if word not in _EMPTY)
