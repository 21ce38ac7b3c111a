"""What a notice says to people, before it is text, HTML or blocks: one line for the whole, and a passage for each alert."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from keepwell.rooms.alerts.model import ALERT_NAME, SEVERITY, Labels, Notice, NoticeAlert

MOST_PASSAGES = 20
"""Alerts that a message to people tells of one by one; a list that nobody reads to its end helps nobody."""
LONGEST_TITLE = 150
_LONGEST_LINE = 300
_LONGEST_TEXT = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Beside what controls a terminal: overrides of the direction of text, and halves of characters that no encoding takes.
_SAID = frozenset({"summary", "description", "message"})
_MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class Passage:
    """What is said of one alert. ``notes`` are its further annotations, ``links`` those that are http addresses, each with a word."""

    state: str
    severity: str
    name: str
    summary: str
    description: str
    when: str
    labels: Sequence[tuple[str, str]]
    notes: Sequence[tuple[str, str]]
    links: Sequence[tuple[str, str]]
    acknowledged_by: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """All that is said: ``more`` is how many alerts are not told of one by one, ``link`` where they can be seen (empty: nowhere)."""

    title: str
    reason: str
    passages: Sequence[Passage]
    more: int
    link: str


def words_of(notice: Notice, most: int = MOST_PASSAGES) -> Words:
    """The words of a notice: what fires before what was resolved."""
    if notice.letter is not None:
        return Words(title(notice), "", (), 0, notice.letter.link if _is_link(notice.letter.link) else "")
    ordered = sorted(notice.alerts, key=lambda alert: alert.state == "resolved")
    told = tuple(_passage(alert, notice) for alert in ordered[:most])
    link = f"{notice.external_url.rstrip('/')}/alerts" if _is_link(notice.external_url) else ""
    return Words(title(notice), one_line(notice.reason), told, len(notice.alerts) - len(told) + notice.truncated, link)


def title(notice: Notice) -> str:
    """One line, such as ``[FIRING:2] shop: CheckFailed``; of a single alert with its summary."""
    if notice.letter is not None:
        return one_line(notice.letter.title)[:LONGEST_TITLE]
    firing = sum(alert.state == "firing" for alert in notice.alerts)
    count = firing + notice.truncated
    state = "RESOLVED" if not firing else "FIRING" if count == 1 else f"FIRING:{count}"
    labels = notice.common_labels or (notice.alerts[0].labels if notice.alerts else {})
    name = labels.get(ALERT_NAME) or notice.group_labels.get(ALERT_NAME) or f"{len(notice.alerts) + notice.truncated} alerts"
    severity = labels.get(SEVERITY, "")
    about = f"{severity} {name}" if severity else name
    if len(notice.alerts) == 1:
        summary = summary_of(notice.alerts[0])
        about = f"{about}: {summary}" if summary else about
    whose = notice.service or labels.get("service", "")
    text = one_line(f"{'[TEST] ' if notice.is_test else ''}[{state}] {f'{whose}: ' if whose else ''}{about}")
    return text if len(text) <= LONGEST_TITLE else f"{text[: LONGEST_TITLE - 1]}…"


def summary_of(alert: NoticeAlert) -> str:
    """What it is about in a sentence: its annotation ``summary``, else its first line of ``description`` or ``message``."""
    found = next((alert.annotations[key] for key in ("summary", "description", "message") if alert.annotations.get(key)), "")
    return one_line(found)


def _passage(alert: NoticeAlert, notice: Notice) -> Passage:
    summary, description = summary_of(alert), _text(alert.annotations.get("description", ""))
    return Passage(
        state=alert.state,
        severity=one_line(alert.labels.get(SEVERITY, "")),
        name=one_line(alert.labels.get(ALERT_NAME, "")) or "(no alertname)",
        summary=summary,
        description="" if one_line(description) == summary else description,
        when=_when(alert, notice.at),
        labels=_labels(alert.labels),
        notes=_notes(alert.annotations),
        links=tuple(_links(alert, notice.external_url)),
        acknowledged_by=one_line(alert.acknowledged_by),
    )


def _when(alert: NoticeAlert, now: datetime) -> str:
    ends = alert.ends_at if alert.state == "resolved" else None
    since = f"since {alert.starts_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if ends is not None:
        return f"{since}, resolved {ends.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return since if alert.value is None else f"{since}, value {alert.value:g}"


def _labels(labels: Labels) -> tuple[tuple[str, str], ...]:
    return tuple((one_line(name), one_line(value)) for name, value in sorted(labels.items()) if name not in (ALERT_NAME, SEVERITY))


def _notes(annotations: Labels) -> tuple[tuple[str, str], ...]:
    others = [(name, value) for name, value in sorted(annotations.items()) if name not in _SAID and value and not _is_link(value)]
    return tuple((one_line(name), one_line(value)) for name, value in others[:_MOST_NOTES])


def _links(alert: NoticeAlert, pages: str) -> list[tuple[str, str]]:
    """Its own page first: there it is acknowledged."""
    own = f"{pages.rstrip('/')}/alerts/{alert.number}" if pages and alert.number else ""
    named = [(one_line(name.removesuffix("_url")), value) for name, value in sorted(alert.annotations.items()) if name not in _SAID]
    found = [("open", own), *named, ("source", alert.generator_url)]
    return [(word, address) for word, address in found if _is_link(address)][: _MOST_NOTES + 2]


def _is_link(address: str) -> bool:
    """Whether a program that shows the message may make it a link: nothing but http and https, and nothing that ends it early."""
    return re.fullmatch(r"https?://[^\s\x00-\x20<>\"'`|\\^{}]{1,2000}", address) is not None


def one_line(text: str) -> str:
    """Foreign text on one line of at most 300 characters, without control characters."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def _text(text: str) -> str:
    """Foreign text of several lines, without other control characters, at most 2,000 characters."""
    lines = "\n".join(" ".join(_CONTROL.sub(" ", line).split()) for line in text.splitlines()).strip()
    return lines if len(lines) <= _LONGEST_TEXT else f"{lines[: _LONGEST_TEXT - 1]}…"
