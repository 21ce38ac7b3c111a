"""When work recurs: tables of tasks with their frequency, and sentences that say it ("Every Monday, review:")."""

import re

from keepwell.kernel.cadences import parse_cadence
from keepwell.rooms.manual.importing.limits_in_words import duration_in
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, TaskDraft, View
from keepwell.rooms.manual.importing.surroundings import is_only_a_link, surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.views import cadence_in
from keepwell.rooms.manual.importing.wording import asks_for_something, only_cadence
from keepwell.rooms.manual.reading.model import Kind, Row, Table

_FREQUENCY = ("frequency", "schedule", "cadence", "how often", "interval", "recurrence", "every")
_TASK = ("task", "activity", "procedure", "job", "action", "check", "maintenance", "what", "item", "name", "type", "backup")
_LONGEST_INTRODUCTION = 160


def read(view: View) -> Found | None:
    """A row of such a table, a list item with its cadence before a colon, or a sentence that leads work in."""
    if view.item.kind is Kind.TABLE_ROW:
        found = surroundings(view.manual).row(view.item)
        draft = _of_row(*found) if found else None
    elif view.item.kind is Kind.LIST_ITEM:
        draft = _of_list_item(view)
    else:
        draft = _of_sentence(view)
    return Found(Fate.TASK, about(view, "schedule"), drafts=(draft,)) if draft else None


def _of_row(table: Table, row: Row) -> TaskDraft | None:
    frequency = table.column(*_FREQUENCY)
    every = _cadence(row.cells[frequency]) if frequency is not None else ""
    title = next((column for column in (table.column(word) for word in _TASK) if column is not None and column != frequency), None)
    if not every or title is None or not row.cells[title]:
        return None
    head = table.columns[title].lower()
    name = row.cells[title] if head not in row.cells[title].lower() and "backup" in head else ""
    duration = table.column("duration", "time needed", "estimate", "effort")
    priority = table.column("priority", "importance")
    settings = {
        "expected_duration": duration_in(row.cells[duration]) if duration is not None else "",
        "priority": row.cells[priority].lower() if priority is not None else "",
    }
    return TaskDraft(every, f"{name} backup" if name else row.cells[title], settings={key: text for key, text in settings.items() if text})


def _cadence(cell: str) -> str:
    """The cadence of a cell, with its time of day where it has one (``daily 02:00``)."""
    timed = re.match(r"\s*(?:every )?([a-z ]+?),?(?: at)? (\d{1,2}:\d{2})\b", cell.lower())
    if timed and _is_cadence(f"{timed[1]} {timed[2]}"):
        return f"{timed[1]} {timed[2]}"
    return cadence_in(cell) or cadence_in(f"every {cell}")


def _is_cadence(text: str) -> bool:
    try:
        parse_cadence(text, "UTC")
    except ValueError:
        return False
    return True


def _of_list_item(view: View) -> TaskDraft | None:
    """``Weekly: rotate the logs``."""
    if only_cadence(view.item.text) and cadence_in(view.item.text):
        if is_only_a_link(view.manual, view.item):
            return None
        return TaskDraft(cadence_in(view.item.text), f"{view.title} {view.item.text.rstrip(':').lower()}")
    label, colon, rest = view.item.text.partition(":")
    every = cadence_in(label) if colon and len(label) < 40 else ""
    if not every or not rest.strip() or not only_cadence(label):
        return None
    return TaskDraft(every, rest.strip()[:80])


def _of_sentence(view: View) -> TaskDraft | None:
    text = view.item.text.strip()
    every = cadence_in(text) if len(text) <= _LONGEST_INTRODUCTION else ""
    alone = only_cadence(text.rstrip(":"))  # a line in bold that stands for a heading
    leads_in = alone or text.endswith(":") or (asks_for_something(text) and text.count(". ") == 0)
    title = f"{view.title} {text.lower()}" if alone and not text.endswith(":") and not cadence_in(view.title) else view.title
    return TaskDraft(every, title.strip()) if every and leads_in else None


RECOGNISER = Recogniser(
    "schedules",
    (Kind.TABLE_ROW, Kind.LIST_ITEM, Kind.PARAGRAPH),
    read,
    order=32,
    example="""\
| Frequency | Task | Duration | Priority |
|---|---|---|---|
| Weekly | Empty the spool | 15 minutes | Low |
| Quarterly | Restore drill | 3 hours | High |
""",
)
