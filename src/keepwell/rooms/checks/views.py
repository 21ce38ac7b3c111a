"""Checks as plain values: for the API, for the page and its live events."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from keepwell.kernel.durations import format_duration
from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.states import State

from .decide import worst_first
from .model import Change, ChangeRow, Shown, Stored


def instant(at: datetime) -> str:
    """An instant as ISO 8601 in UTC, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def counts(shown: Sequence[Shown]) -> dict[str, int]:
    """How many checks are in each state."""
    found = Counter(item.state for item in shown)
    return {state.value: found[state] for state in State}


def as_json(item: Shown) -> dict[str, Any]:
    """One check for programs."""
    standing = item.standing
    return {
        "name": item.check.name,
        "kind": item.check.kind,
        "state": item.state.value,
        "sentence": standing.sentence if standing else "not looked at yet",
        "values": dict(standing.values) if standing else {},
        "since": instant(standing.since) if standing else None,
        "last_at": instant(standing.last_at) if standing else None,
        "observed": standing.observed.value if standing else None,
        "every": format_duration(item.check.options.every),
        "accepted": not item.check.waiting,
        "accepted_by": item.check.accepted_by,
    }


def listing(shown: Sequence[Shown], now: datetime) -> dict[str, Any]:
    """All checks for programs, worst first."""
    by_name = {item.check.name: item for item in shown}
    order = worst_first([(item.check.name, item.state) for item in shown])
    return {"timestamp": instant(now), "counts": counts(shown), "checks": [as_json(by_name[name]) for name in order]}


def change_json(row: ChangeRow) -> dict[str, Any]:
    """One state change for programs."""
    change = row.change
    before = change.before.value if change.before else None
    named = {"number": row.number, "check": row.name, "at": instant(change.at)}
    return {**named, "before": before, "after": change.after.value, "sentence": change.sentence}


def observation_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """One observation for programs."""
    return {**row, "at": instant(row["at"])}


# --- for people ---------------------------------------------------------------------------------------------------------------


def page(service: str, shown: Sequence[Shown], changes: Sequence[ChangeRow], now: datetime) -> dict[str, Any]:
    """The values of the page's template."""
    by_name = {item.check.name: item for item in shown}
    order = worst_first([(item.check.name, item.state) for item in shown])
    return {
        "service": service,
        "counts": counts(shown),
        "checks": [row(by_name[name], now) for name in order],
        "changes": [change_row(item.name, item.change, now) for item in changes],
    }


def row(item: Shown, now: datetime) -> dict[str, Any]:
    """One check for people."""
    standing = item.standing
    return {
        "id": item.number,
        "name": item.check.name,
        "kind": item.check.kind,
        "state": item.state.value,
        "sentence": standing.sentence if standing else "not looked at yet",
        "since": instant(standing.since) if standing else "",
        "since_words": f"for {ago(standing.since, now)}" if standing else "",
        "last_at": instant(standing.last_at) if standing else "",
        "last_words": f"{ago(standing.last_at, now)} ago" if standing else "never",
        "every": format_duration(item.check.options.every),
        "target": redact_patterns(item.check.target.url or "") if item.check.target else "",
        "values": [(name, number(name, value)) for name, value in standing.values.items()] if standing else [],
        "accepted": not item.check.waiting,
        "history": [state.value for state in item.strip],
    }


def change_row(name: str, change: Change, now: datetime) -> dict[str, Any]:
    """One state change for people."""
    return {
        "at": instant(change.at),
        "at_words": f"{ago(change.at, now)} ago",
        "name": name,
        "before": change.before.value if change.before else "",
        "after": change.after.value,
        "sentence": change.sentence,
    }


def events(news: Stored, shown: Sequence[Shown], now: datetime) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The live events after a write: a row for each check with news, the counts, and the changes: (name, template, values). After a
    reload the page fetches itself again."""
    if news.reconfigured:
        yield "refresh", "checks/refresh.html", {}
        return
    for item in shown:
        if item.check.name in news.names:
            yield f"check-{item.number}", "checks/check_row.html", {"check": row(item, now)}
    yield "summary", "checks/summary.html", {"counts": counts(shown)}
    for name, change in news.changes:
        yield "change", "checks/change_row.html", {"change": change_row(name, change, now)}


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in the one unit a person would say: ``5 s``, ``3 min``, ``2 h``, ``4 d``."""
    seconds = max(0.0, (now - at).total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def number(name: str, value: float) -> str:
    """A named number with its unit, which its name's ending tells as in Prometheus."""
    from keepwell.kernel.comparisons import Unit, describe

    for ending, unit in (("_seconds", Unit.SECONDS), ("_bytes", Unit.BYTES), ("_ratio", Unit.RATIO)):
        if name.endswith(ending):
            return describe(value, unit)
    return describe(value, Unit.NUMBER)
