"""How bad an incident is and how fast to answer: tables of severities, "Warning alerts: response within 1 hour", headings that say so."""

import re

from keepwell.rooms.manual.importing.limits_in_words import duration_in, limits_in
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.reading.model import Kind, Row, Table

_SECTION = "incidents.severities"
_CODE = re.compile(r"\b(p[0-5]|sev[- ]?[0-5]|s[0-4])\b", re.IGNORECASE)
_WORD = r"critical|emergency|fatal|severe|major|high|error|medium|warning|minor|moderate|low|info(?:rmational)?"
_LINE = re.compile(
    rf"^\s*(?:\d{{1,2}}[.)]\s*)?(?P<name>p[0-5]|sev(?:erity)?[- ]?[0-5]|(?:{_WORD}))"
    r"(?P<kind>\s+(?:alerts?|incidents?|issues?|severity|priority))?\s*(?:\([^)]*\))?\s*[:–-]\s*(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_HEADING = re.compile(
    rf"\b(?P<name>p[0-5]|sev-?[0-5]|{_WORD})\s+(?:alerts?|incidents?|severity|issues?)\s*\((?P<rest>[^)]+)\)", re.IGNORECASE
)
_ANSWER = re.compile(r"\b(?:respon[sd]\w*|react\w*|acknowledg\w*|immediate(?:ly)?|within|action|review(?:ed)?)\b", re.IGNORECASE)


def read(view: View) -> Found | None:
    """A row, a line or a heading that says how fast to answer."""
    if view.item.kind is Kind.TABLE_ROW:
        found = surroundings(view.manual).row(view.item)
        value = _of_row(*found) if found else None
    elif view.item.kind is Kind.HEADING:
        match = _HEADING.search(view.item.text)
        value = _of_line(match["name"], match["rest"]) if match and _ANSWER.search(match["rest"]) else None
    else:
        match = _LINE.match(view.item.text[:300])
        value = _of_line(match["name"], match["rest"]) if match and _is_policy(match) else None
    if value is None:
        return None
    return Found(Fate.SEVERITY, about(view, "incident.policy"), drafts=(value,))


def _is_policy(match: re.Match[str]) -> bool:
    if not _ANSWER.search(match["rest"]) or limits_in(match["rest"]):
        return False
    return bool(match["kind"] or _CODE.fullmatch(match["name"]) or duration_in(match["rest"]))


def _of_line(name: str, rest: str) -> EntryDraft:
    respond = duration_in(rest)
    return EntryDraft(_SECTION, _name(name), {"respond": respond} if respond else {"means": " ".join(rest.split())})


def _of_row(table: Table, row: Row) -> EntryDraft | None:
    level = table.column("severity", "level", "priority", "class")
    answer = table.column("response", "respond", "sla", "react", "acknowledge")
    means = table.column("description", "meaning", "definition", "impact", "criteria", "condition")
    if level is None and not table.columns[0].strip() and _CODE.match(row.cells[0]):
        level = 0
    if level and table.column("alert", "rule", "name") == 0:  # alerts with their severities, not severities
        return None
    if level is None or (answer is None and means is None) or table.column("frequency", "metric") is not None:
        return None
    name = row.cells[level]
    if not (_CODE.search(name) or re.search(rf"\b(?:{_WORD})\b", name, re.IGNORECASE)):
        return None
    respond = duration_in(row.cells[answer]) if answer is not None else ""
    value = {
        "respond": respond,
        "note": row.cells[answer] if answer is not None and not respond else "",
        "update": _cell(table, row, "update", "communication"),
        "resolve": _cell(table, row, "resol", "fix"),
        "means": row.cells[means] if means is not None else "",
        "examples": _cell(table, row, "example"),
    }
    for key in ("update", "resolve"):
        value[key] = duration_in(value[key])
    return EntryDraft(_SECTION, _name(name), {key: text for key, text in value.items() if text})


def _cell(table: Table, row: Row, *words: str) -> str:
    column = table.column(*words)
    return row.cells[column] if column is not None else ""


def _name(text: str) -> str:
    code = _CODE.search(text)
    if code:
        return re.sub(r"[- ]", "", code[1].upper())
    word = re.search(rf"\b(?:{_WORD})\b", text, re.IGNORECASE)
    return word[0].lower() if word else text.lower()


RECOGNISER = Recogniser(
    "severities",
    (Kind.TABLE_ROW, Kind.LIST_ITEM, Kind.PARAGRAPH, Kind.COMMENT, Kind.HEADING),
    read,
    order=24,
    example="""\
## Severities

| Severity | Description | Response time |
|---|---|---|
| P1 | Nobody can log in | 10 minutes |
| P2 | Uploads are slow | 2 hours |
""",
)
