"""Tables of key figures: Metric | Target | Warning | Critical, and Metric | Threshold | Action."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.importing.limit_drafts import limit_draft
from keepwell.rooms.manual.importing.limits_in_words import limit_in_cell, metric_of, share_in
from keepwell.rooms.manual.importing.model import Draft, EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.unlimited import unlimited
from keepwell.rooms.manual.reading.model import Kind, Row, Table

_NAMES = ("metric", "kpi", "indicator", "key figure", "measure", "parameter", "signal", "resource")
_WARN = ("warn",)
_FAIL = ("crit", "severe", "emergency")
_LIMIT = ("threshold", "limit", "alert", "trigger")
_TARGET = ("target", "goal", "expected", "normal", "healthy", "slo")
_ACTION = ("action", "response", "what to do", "remedy")
_GOOD_WHEN_HIGH = re.compile(r"uptime|availab|success|hit|throughput|free|remaining|compliance|satisf|complet")


def read(view: View) -> Found | None:
    """A row of such a table."""
    found = surroundings(view.manual).row(view.item)
    if found is None:
        return None
    table, row = found
    name, limits = table.column(*_NAMES), _limits(table)
    if name is None or not limits or name in limits.values():
        return None
    words = row.cells[name].lower()[:200]
    objective = _objective(table, row, words)
    drafts = (*objective, *_drafts(table, row, words, limits))
    if not drafts:
        return unlimited(view, words)
    fate = Fate.OBJECTIVE if objective else Fate.RULE
    return Found(fate, about(view, "objective" if objective else "rule"), drafts=drafts)


def _limits(table: Table) -> dict[str, int]:
    columns = {"warn": table.column(*_WARN), "fail": table.column(*_FAIL)}
    if columns["warn"] is None and columns["fail"] is None:
        columns["warn"] = table.column(*_LIMIT)
    if columns["warn"] is None and columns["fail"] is None:
        columns = {"target": table.column(*_TARGET)}
    return {role: column for role, column in columns.items() if column is not None}


def _drafts(table: Table, row: Row, words: str, limits: dict[str, int]) -> Iterator[Draft]:
    rising = not _GOOD_WHEN_HIGH.search(words)
    action = table.column(*_ACTION)
    about_ = re.sub(r"\(([^)]*)\)", r"\1", words)  # "response time (95th)" is not the response time that one look gives
    for role, column in limits.items():
        limit = limit_in_cell(about_, row.cells[column], rising if role != "target" else not rising)
        if limit is not None:
            severity = "critical" if role == "fail" else "warning"
            yield limit_draft(limit.broken if role == "target" else limit, severity, row.cells[action] if action is not None else "")


def _objective(table: Table, row: Row, words: str) -> tuple[Draft, ...]:
    target = table.column(*_TARGET)
    if target is None or metric_of(words) != "availability":
        return ()
    share = share_in(row.cells[target])
    section = table.section[-1] if table.section else ""
    name = (
        "service" if re.search(r"indicator|metric|figure|kpi|target|goal|objective", section, re.IGNORECASE) else slug(section) or "service"
    )
    return (EntryDraft("objectives", name, {"availability": share}),) if share else ()


RECOGNISER = Recogniser(
    "key figures",
    (Kind.TABLE_ROW,),
    read,
    order=30,
    example="""\
| Metric | Target | Warning | Critical |
|---|---|---|---|
| Response time | < 80ms | > 120ms | > 400ms |
| Queue depth | < 5 | > 20 | > 100 |
""",
)
