"""KW722: a metric has a limit in one list, and the list of alerts does not know it."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual, Section

from .tasks import stems

_METRICS = re.compile(r"\bmetrics\b", re.IGNORECASE)
_ALERTS = re.compile(r"\b(alert\w*|alarm\w*)\b.*\b(threshold|rule|level|limit)s?|\b(critical|warning) alerts?\b", re.IGNORECASE)
_LIMIT = re.compile(r"[<>≤≥]=?\s*\d")
_MOST = 50
_GENERIC = frozenset(("usage", "rate", "avera", "numbe", "targe", "max", "total", "count"))


def _check(manual: Manual) -> Iterator[Finding]:
    alerts = [section for section in manual.all_sections if _ALERTS.search(section.title)][:_MOST]
    tiers = [item for section in alerts for item in manual.items_in(section, Kind.LIST_ITEM, Kind.TABLE_ROW) if _LIMIT.search(item.text)]
    if len(tiers) < 2:
        return
    known = stems(" ".join(item.text for item in tiers)) - _GENERIC
    own: dict[int, list[Item]] = {}
    for item in manual.of(Kind.LIST_ITEM):
        own.setdefault(manual.section_of(item.line).line, []).append(item)
    for section in manual.all_sections:
        if section.line in own and _METRICS.search(section.title) and not any(_inside(section, alert) for alert in alerts):
            yield from _of_items(own[section.line], known, alerts[0])


def _inside(section: Section, other: Section) -> bool:
    return other.line <= section.line <= other.end_line


def _of_items(items: list[Item], known: frozenset[str], alerts: Section) -> Iterator[Finding]:
    for item in items:
        if _LIMIT.search(item.text):
            name = _name(item)
            wanted = stems(name) - _GENERIC
            if wanted and not wanted & known:
                yield Finding(
                    item.line,
                    f'{name} has a limit here, and no alert of "{alerts.title.strip("* ")}" (line {alerts.line}) speaks of it',
                    fix="give it a level there, or say that nobody is called for it",
                )


def _name(item: Item) -> str:
    return re.split(r":|[<>≤≥]", item.text.replace("*", ""))[0].strip()


RULE = Rule(
    id="KW722",
    name="limit-without-an-alert",
    title="A metric with a limit has no alert",
    severity=Severity.NOTE,
    why="The manual names the metric as one that matters and gives it a limit, and its own list of alerts leaves it out: nobody is "
    "called when it is "
    "exceeded. Source: Google, Site Reliability Engineering, chapter 6 (monitoring distributed systems).",
    bad="""# Service

## Key metrics

- **CPU**: < 80%
- **Disk**: < 90%

## Alert thresholds

- Critical: CPU > 95%
- Warning: CPU > 80%
""",
    good="""# Service

## Key metrics

- **CPU**: < 80%
- **Disk**: < 90%

## Alert thresholds

- Critical: CPU > 95%, disk > 97%
- Warning: CPU > 80%, disk > 90%
""",
    check=_check,
)
