"""Incidents for people on a terminal. Each function prints one sort of answer and gives the exit code."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call

from .model import Happened
from .words import length, note, says, who

_STYLES = {"open": "fail", "acknowledged": "warn", "mitigated": "warn", "resolved": "dim"}


def listing(call: Call, answer: Mapping[str, Any]) -> int:
    """Incidents, newest first."""
    now, found = datetime.fromisoformat(answer["timestamp"]), answer["incidents"]
    rows = [
        (f"{one['id']}", one["severity"], one["state"], _since(one, now), _due(one, now), one["title"].splitlines()[0]) for one in found
    ]
    if rows:
        columns = ("id", "severity", "state", "opened", "next", "title")
        call.output.table(columns, rows, styles=[_STYLES[one["state"]] for one in found])
    else:
        call.output.say("no incident is open", style="ok")
    return Exit.NEGATIVE if any(one["state"] != "resolved" for one in found) else Exit.OK


def _since(one: Mapping[str, Any], now: datetime) -> str:
    return f"{length(now - datetime.fromisoformat(one['opened_at']))} ago"


def _due(one: Mapping[str, Any], now: datetime) -> str:
    """What is overdue, else what is due next."""
    overdue = [clock["kind"] for clock in one["clocks"] if clock["state"] == "overdue"]
    if overdue:
        return f"{', '.join(overdue)} overdue"
    running = [(datetime.fromisoformat(clock["due_at"]), clock["kind"]) for clock in one["clocks"] if clock["state"] == "running"]
    if not running:
        return ""
    due, kind = min(running)
    return f"{kind} in {length(due - now)}" if due > now else f"{kind} now"


def show(call: Call, one: Mapping[str, Any]) -> int:
    """One incident with its timeline."""
    say = call.output.say
    say(f"incident {one['id']} ({one['severity']}, {one['state']}): {one['title']}", style=_STYLES[one["state"]])
    if one["part_of"] is not None:
        say(f"  part of incident {one['part_of']}")
    for name in ("acknowledged", "mitigated", "resolved"):
        deed = one[name]
        if deed is not None:
            said = f": {deed['note']}" if deed["note"] else ""
            say(f"  {name} by {deed['by']} after {length(timedelta(seconds=deed['after_seconds']))}{said}")
    for clock in one["clocks"]:
        say(f"  {clock['kind']}: {clock['state']}, due {clock['due_at']}", style="fail" if clock["state"] == "overdue" else "")
    _evidence(call, one["evidence"])
    say("Timeline", style="strong")
    rows = []
    for entry in one["timeline"]:
        happened = Happened(0, datetime.fromisoformat(entry["at"]), entry["actor"], entry["event"], entry["subject"], entry["facts"])
        written = note(happened)
        rows.append((entry["at"], who(happened), f"{says(happened)}: {written}" if written else says(happened)))
    call.output.table(("when", "who", "what"), rows)
    return Exit.OK if one["state"] == "resolved" else Exit.NEGATIVE


def _evidence(call: Call, found: Sequence[Mapping[str, Any]]) -> None:
    if found:
        call.output.say("Evidence", style="strong")
        rows = [(one["name"], one["host"], one["at"], one["outcome"], one["output"] or "") for one in found]
        call.output.table(("what", "host", "when", "how it ended", "output"), rows)
