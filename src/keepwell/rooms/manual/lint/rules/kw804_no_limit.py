"""KW804: a metric, alert or symptom is named, and no figure says when it is too much."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .tasks import bare, below_cadence, list_items, stems, titles, verb_of

_VAGUE = re.compile(
    r"\b(high|slow|unusual|excessive|long-running|abnormal|anomal\w+|unexpected|suspicious|growth|leaks?|orphaned|irregular|too "
    r"(?:many|long|high|slow))\b",
    re.IGNORECASE,
)
_METRICS = re.compile(r"\b(metrics|indicators|kpis?)\b", re.IGNORECASE)
_LOOKED_AT = re.compile(
    r"\b(alerts?|thresholds?|alarms?|log review|monitoring|performance issues|security events|symptoms)\b", re.IGNORECASE
)
_NOT = re.compile(
    r"\b(best practices?|principles|troubleshooting|causes|impact|diagnosis|mitigation|overview|documentation|meaning|tools)\b",
    re.IGNORECASE,
)
_GENERIC = frozenset(("rate", "rates", "usage", "succe", "failu", "avera", "total", "numbe", "perce", "targe", "monit", "statu", "space"))
_PATTERNS = frozenset(("patte", "utili"))
_STATES = re.compile(r"\b(connectivity|reachability)\b", re.IGNORECASE)  # there or not: no figure to name
_LIMIT = re.compile(r"[<>≤≥]=?\s*\d|\b(above|below|over|under|more than|less than|within|at least|at most|exceeds?)\s+\d|\d\s*%|\|\s*\d")


def _check(manual: Manual) -> Iterator[Finding]:
    items = [item for item in list_items(manual, Kind.LIST_ITEM) if _may_be(manual, item)]
    if not items:
        return
    limits = [(item.line, stems(item.text)) for item in manual.prose() if _LIMIT.search(item.text)]
    limited = [about - _GENERIC for _, about in limits]
    limited += [
        stems(" ".join((*one.about.split(), *manual.line_text(one.line).split()))) - _GENERIC
        for one in manual.names.thresholds
        if one.where == "test"
    ]
    for item in items:
        name = _name(item)
        wanted = stems(name) - _GENERIC
        if wanted and not any(_about_the_same(wanted, about) for about in limited):
            yield Finding(item.line, _message(item, name, limits)[:290], fix="a figure, for how long, and where it is read")


def _about_the_same(wanted: frozenset[str], about: frozenset[str]) -> bool:
    return len(wanted & about) * 2 > len(wanted)


def _may_be(manual: Manual, item: Item) -> bool:
    text = item.text
    around = titles(manual, item.line)
    if (
        not around
        or len(text) > 100
        or re.search(r"[\n{]", text)
        or re.search(r"\d", re.sub(r"\bS3\b|\bp?\d+th\b|\bIPv\d\b", "", text))
        or _NOT.search(" / ".join(around))
        or (_STATES.search(text) and not _VAGUE.search(text))
    ):
        return False
    if _METRICS.search(" / ".join(around[-2:])) and not below_cadence(manual, item.line):
        return verb_of(text) in ("", "monitor", "track", "measure")
    return bool(_VAGUE.search(text)) and bool(_LOOKED_AT.search(" / ".join(around))) and not verb_of(text)


def _name(item: Item) -> str:
    return re.split(r":|\(| by ", bare(item.text.replace("*", "")))[0].strip()


def _limit_elsewhere(name: str, limits: list[tuple[int, frozenset[str]]]) -> tuple[str, int]:
    """A part of what is named ("CPU and memory use") that has a limit somewhere, and the line of that limit."""
    for part in re.split(r" and |,", _VAGUE.sub("", name)):
        wanted = stems(part) - _GENERIC - _PATTERNS
        line = next((line for line, about in limits if wanted and wanted <= about), 0)
        if line:
            return re.sub(r"\s*\bpatterns?\b", "", part).strip().lower(), line
    return "", 0


def _message(item: Item, name: str, limits: list[tuple[int, frozenset[str]]]) -> str:
    part, line = _limit_elsewhere(name, limits)
    vague = _VAGUE.search(item.text)
    if vague and vague[0].lower() not in ("growth", "leaks", "leak", "orphaned", "anomalies"):
        if part:
            return f'"{bare(item.text)}": what is {vague[0].lower()} is not said here; line {line} has a limit for {part}'
        return f'"{bare(item.text)}": nothing says what is {vague[0].lower()}'
    if part:
        return f'"{name}" is to be watched, and the manual limits only {part} (line {line})'
    return f'"{name}" is to be watched, and the manual gives no limit for it'


RULE = Rule(
    id="KW804",
    name="no-limit",
    title="No figure says when it is too much",
    severity=Severity.NOTE,
    why="Without a figure one person calls the memory use high at 60 % and the next at 95 %, no alert can be set up, and a change for "
    "the worse is noticed by "
    "nobody. Source: Google, Site Reliability Engineering, chapter 4 (service level objectives).",
    bad="""# Service

## Metrics to monitor

- Queue depth
- Disk space: monitor for growth

## Alerts

- Unusual traffic
""",
    good="""# Service

## Metrics to monitor

- Queue depth: < 10
- Disk space: < 80 %

## Alerts

- Traffic above 500 requests a second for 5 minutes
""",
    check=_check,
    grouped=True,
)
