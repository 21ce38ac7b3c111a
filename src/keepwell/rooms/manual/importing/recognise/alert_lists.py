"""Lists of conditions on which somebody is told: "Error rate > 10% for > 5 minutes", "Critical: response time > 5s, CPU > 95%"."""

import re

from keepwell.rooms.manual.importing.limits_in_words import Limit, limits_in, state_in
from keepwell.rooms.manual.importing.model import Fate, Found, LimitDraft, Recogniser, View
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
_DURATION = re.compile(r"\bfor\s+(?:more than|longer than|over|at least|>|≥)?\s*\d+\s*(?:s|m|h|sec|min|hour|day)", re.IGNORECASE)


def read(view: View) -> Found | None:
    """Such a condition: under a heading of alerts, behind a level, or where it says how long it must hold."""
    text = view.item.text
    label = _LABEL.match(text)
    listed = any(_ALERTS.search(title.lower()) for title in view.item.section)
    if not (label or listed or _DURATION.search(text)):
        return None
    severity = _severity(view, label[1] if label else "")
    limits = limits_in(text[label.end() :] if label else text)
    if asks_for_something(text) and not (limits and listed):
        return None
    if limits:
        return Found(Fate.RULE, about(view, "rule"), drafts=tuple(_draft(limit, severity) for limit in limits))
    state, over = state_in(text)
    if state:
        draft = LimitDraft(state, over=over, severity=severity, words=f"{state} for {over}")
        return Found(Fate.RULE, about(view, "rule"), drafts=(draft,))
    if listed and not label and not text.endswith(":") and len(text) < 100:
        return unlimited(view, re.split(r"\s*[<>≥≤]|\s+for\s", text)[0], severity)
    return None


def _draft(limit: Limit, severity: str) -> LimitDraft:
    """What is only worth knowing neither warns nor fails: it stays a rule."""
    fails, informs = severity == "critical", severity in ("info", "low")
    return LimitDraft(
        limit.metric,
        warn="" if fails or informs else limit.comparison,
        fail=limit.comparison if fails else "",
        over=limit.over,
        severity=severity,
        words=limit.words,
    )


def _severity(view: View, label: str) -> str:
    """The level that stands nearest: before the condition, in the item above it, in its headings."""
    around = surroundings(view.manual)
    nearest = (label, *(item.text for item in around.parents(view.item)), around.lead_in(view.item), *reversed(view.item.section))
    level = next((match[1] for text in nearest if (match := _LEVEL.search(text.lower()))), "")
    if re.fullmatch(r"p\d", level):
        return level.upper()
    return {"warn": "warning", "informational": "info", "emergency": "critical", "fatal": "critical"}.get(level, level)


RECOGNISER = Recogniser(
    "alert conditions",
    (Kind.LIST_ITEM,),
    read,
    order=28,
    example="""\
## Alert thresholds

### Critical alerts

- Queue depth > 500 for more than 10 minutes
- Importer down for 5 minutes
""",
)
