"""Lists of conditions on which somebody is told: "Error rate > 10% for > 5 minutes", "Critical: response time > 5s, CPU > 95%"."""

import re

from keepwell.rooms.manual.importing.limit_drafts import limit_draft
from keepwell.rooms.manual.importing.limits_in_words import duration_in, limits_in, state_in
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, LimitDraft, Recogniser, View
from keepwell.rooms.manual.importing.surroundings import surroundings
from keepwell.rooms.manual.importing.topics import about
from keepwell.rooms.manual.importing.unlimited import unlimited
from keepwell.rooms.manual.importing.wording import asks_for_something
from keepwell.rooms.manual.reading.model import Kind

_LEVEL = re.compile(r"\b(critical|emergency|fatal|major|high|error|warning|warn|minor|medium|low|info(?:rmational)?|p[0-4]|sev-?[0-4])\b")
_LABEL = re.compile(
    r"^\s*(critical|emergency|error|warning|warn|info(?:rmational)?|p[0-4]|sev-?[0-4])(?:\s+alerts?)?\s*[:–-]\s+", re.IGNORECASE
)
_ALERTS = re.compile(
    r"\balert(?:s|ing)?\b.{0,30}\b(?:threshold|rule|condition|criteria|trigger)s?\b"
    r"|\b(?:critical|warning|error|info) alerts?\b|\bthresholds\b"
)
_THRESHOLD = re.compile(r"^(?:alert )?(?:threshold|condition|trigger|fires when|criteria)s?\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_SEVERITY = re.compile(r"^severity\s*:\s*(.+)$", re.IGNORECASE | re.MULTILINE)
_INDICATES = re.compile(r"[<>≤≥]=?\s*\d[\d.]*\s?(?:%|\w{1,3})?\s+(?:indicates?|means|suggests?|signals?)\b", re.IGNORECASE)
_HEALTHY = re.compile(r"^\s*(?:normal|acceptable|typical|healthy|good|ok|expected|green|yellow|amber|orange|red)\b\s*[:(–-]", re.IGNORECASE)
_EXPRESSION = re.compile(r"(?P<expr>[a-z_:]\w*(?:\{.*\}|\(.*\))?\s*(?:==|!=|>=|<=|>|<)\s*[\d.]+)(?:\s+for\s+(?P<over>\d+\s?\w+))?")
_DURATION = re.compile(r"\bfor\s+(?:more than|longer than|over|at least|>|≥)?\s*\d+\+?\s*(?:s|m|h|sec|min|hour|day)", re.IGNORECASE)


def read(view: View) -> Found | None:
    """Such a condition: a row of a table with conditions, the threshold of an alert that is described, a line below a heading of alerts,
    behind a level, or one that says how long it must hold."""
    if view.item.kind is Kind.TABLE_ROW:
        return _of_row(view)
    if view.item.kind is Kind.PARAGRAPH:
        match = _THRESHOLD.search(view.item.text[:1000])
        severity = _SEVERITY.search(view.item.text[:1000])
        return _conditions(view, match[1], _level(severity[1] if severity else "")) if match else None
    return _of_line(view)


def _of_line(view: View) -> Found | None:
    text = view.item.text
    label = _LABEL.match(text)
    listed = any(_ALERTS.search(title.lower()) for title in view.item.section)
    if not (label or listed or _DURATION.search(text) or _INDICATES.search(text)) or _HEALTHY.match(text):
        return None
    severity = _severity(view, label[1] if label else "")
    condition, *action = re.split(r"\s+[–—-]\s+", text[label.end() :] if label else text, maxsplit=1)
    if re.match(r"\s*[<>≥≤]", condition) and label:  # the figure stands in the heading: "Execution time": "Critical: > 60s"
        condition = f"{re.sub(r'[^A-Za-z ]', ' ', view.title)} {condition}"
    if asks_for_something(text) and not (listed and limits_in(condition)):
        return None
    found = _conditions(view, condition, severity, "".join(action))
    if found is None and listed and not label and not text.endswith(":") and len(text) < 100:
        return unlimited(view, re.split(r"\s*[<>≥≤:]|\s+for\s", text)[0], severity)
    return found


def _of_row(view: View) -> Found | None:
    found = surroundings(view.manual).row(view.item)
    if found is None:
        return None
    table, row = found
    condition = table.column("condition", "trigger", "fires when", "expression", "threshold")
    level, action = table.column("severity", "level", "priority"), table.column("action", "response", "what to do")
    if condition is None or level is None:
        return None
    severity = _level(row.cells[level])
    expression = _EXPRESSION.fullmatch(row.cells[condition].strip())
    if expression and table.column("alert", "rule", "name") == 0:
        value = {"expr": expression["expr"], "for": duration_in(expression["over"] or ""), "severity": severity}
        draft = EntryDraft("rules", row.cells[0], {key: text for key, text in value.items() if text})
        return Found(Fate.RULE, ("rule", "check.promql"), drafts=(draft,))
    return _conditions(view, row.cells[condition], severity, row.cells[action] if action is not None else "")


def _conditions(view: View, text: str, severity: str, action: str = "") -> Found | None:
    limits = limits_in(text)
    if limits:
        return Found(Fate.RULE, about(view, "rule"), drafts=tuple(limit_draft(limit, severity, action.strip()) for limit in limits))
    state, over = state_in(text)
    if not state:
        return None
    draft = LimitDraft(state, over=over, severity=severity, action=action.strip(), words=f"{state} for {over}")
    return Found(Fate.RULE, about(view, "rule"), drafts=(draft,))


def _severity(view: View, label: str) -> str:
    """The level that stands nearest: before the condition, in the item above it, in its headings."""
    around = surroundings(view.manual)
    nearest = (label, *(item.text for item in around.parents(view.item)), around.lead_in(view.item), *reversed(view.item.section))
    return next((level for text in nearest if (level := _level(text))), "")


def _level(text: str) -> str:
    match = _LEVEL.search(text.lower())
    level = match[1] if match else ""
    if re.fullmatch(r"p\d", level):
        return level.upper()
    return {"warn": "warning", "informational": "info", "emergency": "critical", "fatal": "critical"}.get(level, level)


RECOGNISER = Recogniser(
    "alert conditions",
    (Kind.LIST_ITEM, Kind.TABLE_ROW, Kind.PARAGRAPH),
    read,
    order=23,
    example="""\
## Alert thresholds

### Critical alerts

- Queue depth > 500 for more than 10 minutes
- Importer down for 5 minutes
""",
)
