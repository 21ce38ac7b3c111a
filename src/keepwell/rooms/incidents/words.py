"""Events of a timeline, and lengths of time, in words."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from keepwell.kernel.durations import format_duration

from .model import Happened

_SAYS = {
    "incident.opened": "opened as {severity}",
    "incident.alert-joined": "alert {alert} ({name}) belongs to it",
    "incident.alert-ended": "alert {alert} ({name}) has ended, {still_firing} still fire",
    "incident.acknowledged": "acknowledged",
    "incident.noted": "update",
    "incident.mitigated": "mitigated",
    "incident.resolved": "resolved",
    "incident.reclassified": "severity changed from {before} to {after}",
    "incident.became-part": "it is part of incident {whole}",
    "incident.took": "incident {part} is part of it: {title}",
    "incident.run": "run {run} of {runbook}",
    "incident.collecting": "evidence is collected again",
    "incident.evidence": "evidence {name} on {host}: {sentence}",
    "incident.respond-missed": "nobody had answered in time (due {due})",
    "incident.update-missed": "no update in time (due {due})",
    "incident.resolve-missed": "not resolved in time (due {due})",
    "alert.firing": "alert {number} ({name}) fires",
    "alert.resolved": "alert {number} ({name}) has ended",
    "alert.acknowledged": "alert {number} ({name}) acknowledged",
    "run.waits": "run {number} waits: {sentence}",
    "run.step-ticked": "run {number}: {step} ticked",
    "run.step-ended": "run {number}: {step} {state}: {sentence}",
    "run.step-repeated": "run {number}: {step} is done again: {why}",
    "run.step-not-begun": "run {number}: {step} had not begun",
    "run.resumed": "run {number}: {what}",
    "run.answered": "run {number}: what its steps ask for was given",
    "run.ended": "run {number} {state}: {sentence}",
}


class _Absent(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "?"


def says(one: Happened) -> str:
    """What happened, in a few words."""
    facts: Mapping[str, Any] = one.facts
    pattern = _SAYS.get(one.event)
    return (
        pattern.format_map(_Absent({**facts, "number": one.subject.rpartition("/")[2]})).removesuffix(": ")
        if pattern is not None
        else f"{one.event} {one.subject}"
    )


def who(one: Happened) -> str:
    """Who did it: the user at the other end of the Unix socket by name only."""
    return one.actor.removeprefix("uid:")


def note(one: Happened) -> str:
    """What somebody wrote about it."""
    return str(one.facts.get("note") or "")


def length(lasted: timedelta) -> str:
    """A length of time to the second, or finer where it is shorter than ten."""
    whole = timedelta(seconds=round(lasted.total_seconds(), 1 if lasted < timedelta(seconds=10) else 0))
    return format_duration(max(whole, timedelta(0)))
