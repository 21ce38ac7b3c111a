"""KW724: an alert counts in minutes, and what it is about is looked at once a day."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .tasks import titles

_MINUTES = re.compile(
    r"\b(down|unreachable|unavailable|for|failing|not responding)\b[^.]{0,20}?[>≥]?\s*(\d{1,2})\s*(min|minutes?)\b", re.IGNORECASE
)
_ALERT = re.compile(r"\balerts?\b|\balarms?\b", re.IGNORECASE)
_CONTINUOUS = re.compile(
    r"\b(prometheus|alertmanager|grafana|datadog|new ?relic|cloudwatch|nagios|icinga|zabbix|pingdom|uptime ?robot|uptime "
    r"?kuma|statuscake|sentry|"
    r"pagerduty|opsgenie|blackbox|checkmk|monit|sensu|dynatrace|splunk|stackdriver|liveness|readiness|health-?monitor|watchdog|\.timer)\b",
    re.IGNORECASE,
)
_SELDOM = re.compile(
    r"\b(every (business|working|week)? ?(day|morning)|once a day|each (day|morning)|daily|every morning|business day)\b", re.IGNORECASE
)
_HEALTH = re.compile(r"\b(health|availability|checks?|monitoring)\b", re.IGNORECASE)
_PROSE = (Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.TABLE_ROW)


def _check(manual: Manual) -> Iterator[Finding]:
    alarms = [item for item in manual.of(*_PROSE) if _MINUTES.search(item.text) and _ALERT.search(" / ".join(titles(manual, item.line)))]
    if not alarms or any(_CONTINUOUS.search(line) for line in manual.lines) or any(not entry.commented for entry in manual.cron):
        return
    rounds = [
        item
        for item in manual.of(Kind.PARAGRAPH)
        if _SELDOM.search(item.text) and _HEALTH.search(f"{item.text} {titles(manual, item.line)[-1:]}")
    ]
    if rounds:
        first, last = alarms[0], rounds[0]
        yield _finding(
            last, f'this is the only check, and nothing runs in between: "{_short(first)}" (line {first.line}) cannot be noticed'
        )
        yield _finding(first, f"nothing can notice this: the only check runs as said in line {last.line} ({_short(last)})")


def _short(item: Item) -> str:
    text = item.text.replace("\n", " ").strip("*: ")
    return text if len(text) <= 70 else text[:67] + "..."


def _finding(item: Item, message: str) -> Finding:
    return Finding(item.line, message, fix="name what watches all the time (a monitor, a timer, a service), or promise less")


RULE = Rule(
    id="KW724",
    name="alarm-faster-than-its-check",
    title="An alert counts in minutes, and its check runs once a day",
    severity=Severity.WARNING,
    why="An outage of two minutes can only be noticed by something that looks every minute. Where the manual has a person look in the "
    "morning and names no "
    "monitor, the alert is a wish. Source: Google, Site Reliability Engineering, chapter 6 (choosing an appropriate resolution for "
    "measurements).",
    bad="""# Service

## Health checks

Perform these checks every business day:

```bash
curl -f https://shop.example.org/health
```

## Alerts

- Application down for >2 minutes
""",
    good="""# Service

## Health checks

Prometheus asks every 15 seconds.

## Alerts

- Application down for >2 minutes
""",
    check=_check,
)
