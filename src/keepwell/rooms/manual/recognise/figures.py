"""Tables of key figures: Metric | Target | Warning | Critical."""

import re
from collections.abc import Iterator

from keepwell.kernel.comparisons import parse_comparison
from keepwell.rooms.manual.model import Found, Left, Limited, Row, Table

_COLUMNS = {
    "metric": ("metric", "kpi", "indicator", "key figure"),
    "warn": ("warning", "warn"),
    "fail": ("critical", "crit", "alert"),
}
_METRICS = (
    (re.compile(r"response[ -]?time|latency", re.I), "response time"),
    (re.compile(r"\b(memory|ram)\b", re.I), "memory"),
    (re.compile(r"\b(cpu|processor)\b", re.I), "cpu"),
    (re.compile(r"\bdisk\b", re.I), "disk"),
)
_OVER_TIME = re.compile(r"uptime|availab|error|success|rate|percentile|\bp9\d\b|throughput", re.I)
_LIMIT = re.compile(r"(>=|<=|>|<|≥|≤)\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|sec|seconds|%|KB|kB|MB|GB|TB|KiB|MiB|GiB|TiB|B)")
_UNITS = {"sec": "s", "seconds": "s"}
_SIGNS = {"≥": ">=", "≤": "<="}
_FAMILY = {"ms": "time", "s": "time", "%": "share"}
_FITS = {"response time": {"time"}, "memory": {"size", "share"}, "cpu": {"share"}, "disk": {"share"}}


def read_figures(table: Table) -> Iterator[Found]:
    """The rows of a table that has a column for the metric and one for warning or critical; nothing of other tables."""
    columns = {role: _column(table, words) for role, words in _COLUMNS.items()}
    metric, warn, fail = columns["metric"], columns["warn"], columns["fail"]
    if metric is None or (warn is None and fail is None):
        return
    for row in table.rows:
        limits = {name: _cell(row, column) for name, column in (("warn", warn), ("fail", fail)) if column is not None}
        yield _read_row(row, _cell(row, metric), {name: text for name, text in limits.items() if text})


def _column(table: Table, words: tuple[str, ...]) -> int | None:
    return next((index for index, column in enumerate(table.columns) if column.lower().startswith(words)), None)


def _cell(row: Row, column: int) -> str:
    return row.cells[column] if column < len(row.cells) else ""


def _read_row(row: Row, name: str, written: dict[str, str]) -> Found:
    text = " | ".join(row.cells)
    metric = next((known for pattern, known in _METRICS if pattern.search(name)), "")
    if not metric or _OVER_TIME.search(name):
        over_time = "it is a share or a sum over time, which no single look at the service gives"
        return Left(row.line, text, over_time if _OVER_TIME.search(name) else "no kind of check measures it")
    read = {limit: _LIMIT.fullmatch(cell) for limit, cell in written.items()}
    units = {match[3] for match in read.values() if match}
    families = {_FAMILY.get(_UNITS.get(unit, unit), "size") for unit in units}
    if not read or None in read.values() or len(families) != 1 or not families <= _FITS[metric]:
        return Left(row.line, text, f"its limits are not such as a check of {metric} has")
    limits = {limit: _limit(match) for limit, match in read.items() if match}
    if len(limits) == 2 and parse_comparison(limits["fail"]).covers(parse_comparison(limits["warn"])):
        return Left(row.line, text, "its warning could never be seen, because its critical limit holds wherever the warning does")
    return Limited(row.line, text, metric, families.pop(), limits)


def _limit(match: re.Match[str]) -> str:
    sign, amount, unit = match.groups()
    return f"{_SIGNS.get(sign, sign)} {amount}{_UNITS.get(unit, unit)}"
