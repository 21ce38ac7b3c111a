"""A table of key figures becomes the section ``kpis`` too, by which reports judge: each row with what measures it here. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from keepwell.rooms.manual.reading.model import Manual, Row, Table

from .entries import Check, Entries
from .limits_in_words import limit_in_cell, metric_of
from .model import EntryDraft, Outcome
from .names import slug

_COLUMNS = {"target": ("target", "goal"), "warning": ("warn",), "critical": ("crit", "severe")}
_GOOD_WHEN_HIGH = re.compile(r"uptime|availab|success|hit|throughput|free|remaining|compliance|satisf|complet")
_VALUES = {"memory": "memory_bytes", "cpu": "cpu_ratio"}


def take_key_figures(manual: Manual, outcomes: Sequence[Outcome], entries: Entries) -> list[Outcome]:
    """Adds a figure for each row that something here measures; the outcomes with their new places."""
    placed = list(outcomes)
    at_line = {outcome.item.line: at for at, outcome in enumerate(placed)}
    for table, columns in _tables(manual):
        for row in table.rows:
            at = at_line.get(row.line)
            value = _figure(row, columns, placed[at].place if at is not None else "", entries)
            if at is not None and value:
                place = entries.take_entry(EntryDraft("kpis", slug(row.cells[0]) or "figure", value), row.line)
                placed[at] = replace(placed[at], place=", ".join(part for part in (placed[at].place, place) if part))
    return placed


def _tables(manual: Manual) -> Iterator[tuple[Table, Mapping[str, int]]]:
    """The tables that have a target and a limit, with their columns."""
    for table in manual.tables:
        columns = {key: column for key, words in _COLUMNS.items() if (column := table.column(*words)) is not None}
        if "target" in columns and len(columns) > 1 and 0 not in columns.values():
            yield table, columns


def _figure(row: Row, columns: Mapping[str, int], places: str, entries: Entries) -> dict[str, str]:
    words = row.cells[0].lower()[:200]
    measured = _measured(metric_of(words), places.split(", "), entries)
    rising = not _GOOD_WHEN_HIGH.search(words)
    limits = {key: _limit(words, row.cells[column], key, rising) for key, column in columns.items()}
    limits = {key: limit for key, limit in limits.items() if limit}
    return {**measured, **limits} if measured and limits else {}


def _limit(words: str, cell: str, key: str, rising: bool) -> str:
    """What a cell says; a bare amount is what is wanted at least or at most, or the limit that is crossed."""
    limit = limit_in_cell(words, cell, rising if key != "target" else not rising)
    if limit is None:
        return ""
    is_bare = not re.match(r"\s*(?:[<>≤≥]|[A-Za-z])", cell)
    return limit.comparison.replace("> ", ">= ", 1).replace("< ", "<= ", 1) if key == "target" and is_bare else limit.comparison


def _measured(metric: str, places: Sequence[str], entries: Entries) -> dict[str, str]:
    """What measures a figure: the check that bears its limits, or the primary health check."""
    health = entries.health()
    if metric == "availability":
        return {"uptime": health.name} if health else {}
    if metric == "error rate":
        return {"title": f"error rate (of looks at {health.name})", "errors": health.name} if health else {}
    checks = {check.name: check for check in entries.checks.values()}
    for place in places:
        name, _, part = place.removeprefix("checks.").partition(".")
        value = _value(checks[name], part) if place.startswith("checks.") and name in checks else ""
        if value:
            return {"metric": f"{value}{{check={json.dumps(name)}}}"}
    return {}


def _value(check: Check, part: str) -> str:
    if part:
        return _VALUES.get(part, "")
    return "duration_seconds" if check.kind == "http" else "disk_used_ratio" if "mount" in check.settings else ""
