"""The review of an incident: a Markdown document written from its timeline, with headings left for what only people know.

Its parts are those that reviews without blame have in common (Google's Site Reliability Engineering, chapter 15): what happened and when,
how quickly people answered beside what was promised, what was seen, and then what is learned.
"""

import re
from collections.abc import Iterator, Sequence

from .model import Clock, Deed, Evidence, Happened, Incident, Kind, Policy
from .words import length, note, says, who

_OWN = """
## What was the cause

_To be written._

## What went well, what did not

_To be written._

## What is done about it

| what | who | until |
|---|---|---|
|  |  |  |
"""


def written(incident: Incident, timeline: Sequence[Happened], evidence: Sequence[Evidence], policy: Policy, service: str) -> str:
    """The document."""
    parts = (_head(incident, service), _times(incident, policy), _alerts(incident), _timeline(timeline), _found(evidence))
    return "\n".join((*(line for part in parts for line in part), _OWN))


def _head(incident: Incident, service: str) -> Iterator[str]:
    yield f"# Incident {incident.number}: {_text(incident.title)}"
    yield ""
    yield f"Service {_text(service)}, severity {_text(incident.severity)}, {incident.stage.value}. Opened by {_text(incident.opened_by)}."
    if incident.part_of is not None:
        yield ""
        yield f"It is part of incident {incident.part_of}, whose review has what happened then."
    if incident.resolved is not None and incident.resolved.note:
        yield ""
        yield f"> {_text(incident.resolved.note)}"
    yield ""


def _times(incident: Incident, policy: Policy) -> Iterator[str]:
    severity = policy.severities.get(incident.severity)
    rows = (
        ("acknowledged", incident.acknowledged, incident.clock(Kind.RESPOND)),
        ("mitigated", incident.mitigated, None),
        ("resolved", incident.resolved, incident.clock(Kind.RESOLVE)),
    )
    yield "## How quickly"
    yield ""
    yield "| | when (UTC) | by | after | promised |"
    yield "|---|---|---|---|---|"
    yield f"| opened | {incident.opened_at:%Y-%m-%d %H:%M:%S} | {_cell(incident.opened_by)} | | |"
    for name, deed, clock in rows:
        yield _row(incident, name, deed, _promise(incident, clock))
    update = incident.clock(Kind.UPDATE)
    if update is not None:
        every = f" (every {length(severity.update)})" if severity and severity.update else ""
        yield ""
        yield f"Updates{every}: missed {update.misses} times." if update.misses else f"Updates{every}: none was missed."
    yield ""


def _row(incident: Incident, name: str, deed: Deed | None, promise: str) -> str:
    if deed is None:
        return f"| {name} | not yet | | | {promise} |"
    return f"| {name} | {deed.at:%Y-%m-%d %H:%M:%S} | {_cell(deed.by)} | {length(deed.at - incident.opened_at)} | {promise} |"


def _promise(incident: Incident, clock: Clock | None) -> str:
    """What was promised when it counted: the severity, or what the configuration promises of it, may be another since."""
    if clock is None:
        return ""
    promised = length(clock.due_at - incident.opened_at)
    if clock.missed_at is not None:
        return f"{promised}: **missed**"
    return f"{promised}: kept" if clock.ended_at is not None else promised


def _alerts(incident: Incident) -> Iterator[str]:
    if not incident.alerts:
        return
    yield "## Alerts"
    yield ""
    yield "| alert | severity | since (UTC) | ended | what it said |"
    yield "|---|---|---|---|---|"
    for one in incident.alerts:
        ended = f"{one.ended_at:%Y-%m-%d %H:%M:%S}" if one.ended_at is not None else "fires"
        began = f"{one.since:%Y-%m-%d %H:%M:%S}"
        yield f"| {one.number} {_cell(one.name)} | {_cell(one.severity)} | {began} | {ended} | {_cell(one.sentence)} |"
    yield ""


def _timeline(timeline: Sequence[Happened]) -> Iterator[str]:
    yield "## Timeline"
    yield ""
    yield "| when (UTC) | who | what | note |"
    yield "|---|---|---|---|"
    for one in timeline:
        yield f"| {one.at:%Y-%m-%d %H:%M:%S} | {_cell(who(one))} | {_cell(says(one))} | {_cell(note(one))} |"
    yield ""


def _found(evidence: Sequence[Evidence]) -> Iterator[str]:
    if not evidence:
        return
    yield "## Evidence"
    yield ""
    yield "| what | host | when (UTC) | how it ended | output (SHA-256) |"
    yield "|---|---|---|---|---|"
    for one in evidence:
        digest = f"`{one.digest[:16]}`, {one.size} bytes" if one.digest else ""
        yield f"| {_cell(one.name)} | {_cell(one.host)} | {one.at:%Y-%m-%d %H:%M:%S} | {_cell(one.sentence or 'under way')} | {digest} |"
    yield ""


def _cell(text: str) -> str:
    """A text in a cell of a table: one line, and no sign that ends the cell."""
    return _text(text).replace("|", "\\|")


def _text(text: str) -> str:
    """A text as Markdown that shows it as it is: on one line, no HTML, no links, no emphasis (CommonMark, 2.4), and nothing that would
    steer a terminal on which it is read."""
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in " ".join(text.split()))
    return re.sub(r"([\\`*_\[\]<>#])", r"\\\1", plain)
