"""Numbers that mean something: limits, and how long something is kept. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .parts import Setting
from .shell_model import Script, ShellCommand

if TYPE_CHECKING:
    from .model import Item

_DAY = 86_400.0
_UNITS = {
    "%": ("ratio", 0.01), "percent": ("ratio", 0.01),
    "ms": ("seconds", 0.001), "milliseconds": ("seconds", 0.001), "s": ("seconds", 1.0), "sec": ("seconds", 1.0), "secs": ("seconds", 1.0),
    "second": ("seconds", 1.0), "seconds": ("seconds", 1.0), "min": ("seconds", 60.0),
    "mins": ("seconds", 60.0), "minute": ("seconds", 60.0),
    "minutes": ("seconds", 60.0), "h": ("seconds", 3600.0), "hour": ("seconds", 3600.0), "hours": ("seconds", 3600.0),
    "hr": ("seconds", 3600.0),
    "hrs": ("seconds", 3600.0), "day": ("seconds", _DAY), "days": ("seconds", _DAY), "week": ("seconds", 7 * _DAY),
    "weeks": ("seconds", 7 * _DAY), "month": ("seconds", 30 * _DAY), "months": ("seconds", 30 * _DAY), "year": ("seconds", 365 * _DAY),
    "years": ("seconds", 365 * _DAY), "kb": ("bytes", 1024.0), "mb": ("bytes", 1024.0**2), "gb": ("bytes", 1024.0**3),
    "tb": ("bytes", 1024.0**4),
    "kib": ("bytes", 1024.0), "mib": ("bytes", 1024.0**2), "gib": ("bytes", 1024.0**3), "b": ("bytes", 1.0), "bytes": ("bytes", 1.0),
}  # fmt: skip
_NUMBER = r"(?P<number>\d{1,15}(?:,\d{3})*(?:\.\d{1,9})?)"
_UNIT = "|".join(sorted((re.escape(unit) for unit in _UNITS), key=len, reverse=True))
_COMPARISONS = {
    ">": ">", "<": "<", ">=": ">=", "<=": "<=", "≥": ">=", "≤": "<=", "above": ">", "over": ">", "exceeds": ">", "exceed": ">",
    "exceeding": ">",
    "more than": ">", "greater than": ">", "higher than": ">", "longer than": ">", "older than": ">", "below": "<", "under": "<",
    "less than": "<", "lower than": "<", "fewer than": "<", "within": "<", "at least": ">=", "at most": "<=", "up to": "<=",
}  # fmt: skip
_LIMIT = re.compile(
    rf"(?P<comparison>{'|'.join(sorted(map(re.escape, _COMPARISONS), key=len, reverse=True))})\s*{_NUMBER}\s?(?P<unit>{_UNIT})?(?!\w|\.\d)",
    re.IGNORECASE,
)
_CELL = re.compile(rf"(?P<comparison>[<>≤≥]=?)?\s*{_NUMBER}\s?(?P<unit>{_UNIT})?(?!\w|\.\d)", re.IGNORECASE)
_TEST = {"-gt": ">", "-ge": ">=", "-lt": "<", "-le": "<=", ">": ">", "<": "<", ">=": ">=", "<=": "<="}
_METRICS = (
    ("response time", r"response[_ ]?time|latency|response|\brt\b|\bp9[59]\b"),
    ("error rate", r"error[_ ]?rate|errors?\b|failure rate"),
    ("memory", r"memory|\bmem\b|\brss\b|\bram\b|heap"),
    ("cpu", r"\bcpu\b|cpu[_ ]?usage|processor"),
    ("disk", r"\bdisk|storage|filesystem|file system"),
    ("connections", r"connections?|\bconns?\b"),
    ("availability", r"uptime|availability"),
    ("queue", r"queue|backlog"),
    ("load", r"\bload\b"),
    ("certificate", r"certificate|\bssl\b|\btls\b|expir"),
    ("cache", r"cache"),
    ("throughput", r"throughput|requests? per|\brps\b|\bqps\b"),
)
_KEPT = re.compile(
    rf"(?P<words>ret(?:ain|ention)\w*|keep(?:s|ing)?|kept|older than|clean\w*|archiv\w*|delet\w*|purg\w*)[^.;\n|]{{0,60}}?\b{_NUMBER}[ -]?"
    r"(?P<unit>days?|weeks?|months?|years?)\b",
    re.IGNORECASE,
)
_KEPT_BEFORE = re.compile(rf"\b{_NUMBER}[ -]?(?P<unit>days?|weeks?|months?|years?)\s+(?:retention|of backups?|of logs?)", re.IGNORECASE)
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit. ``value`` is in the base unit (``unit`` = bytes, seconds, ratio, or empty for a bare number): 80 % is 0.8.

    ``comparison`` is ``>``, ``>=``, ``<``, ``<=``, ``keep``, or empty where a table gives a bare figure. ``about`` is what it is a limit
    of: a metric (memory, cpu, disk, response time, error rate, connections, availability, queue, load, certificate, cache, throughput),
    the first cell of its row, or, of a retention, the text that says what is kept. ``where`` is prose, table, comment, test or command;
    ``role`` the head of its column.
    """

    value: float
    unit: str
    text: str
    comparison: str
    about: str
    line: int
    where: str
    role: str = ""


def metric_in(text: str) -> str:
    """The metric that a text speaks of: the one named first; empty where none is."""
    lowered = text.lower()
    found = [(match.start(), name) for name, pattern in _METRICS if (match := re.search(pattern, lowered))]
    return min(found)[1] if found else ""


def _nearest_metric(text: str) -> str:
    """The metric that is named last before a limit."""
    found = [(match.end(), name) for name, pattern in _METRICS for match in re.finditer(pattern, text.lower())]
    return max(found)[1] if found else ""


def measured(text: str) -> tuple[float, str] | None:
    """``"200 MB"`` as (209715200.0, "bytes"); None where it is no number."""
    match = _CELL.search(text)
    return _value(match) if match else None


def _value(match: re.Match[str]) -> tuple[float, str]:
    unit, factor = _UNITS.get((match["unit"] or "").lower(), ("", 1.0))
    return round(float(match["number"].replace(",", "")) * factor, 9), unit


def thresholds(items: Sequence["Item"], scripts: Sequence[Script]) -> Iterator[Quantity]:
    """Limits, unsorted."""
    heads: list[str] = []
    for item in items:
        text = item.text[:_LONGEST]
        match item.kind.value:
            case "table row" if item.level == 0:
                heads = [cell.strip() for cell in text.split(" | ")]
            case "table row":
                yield from _in_row(text.split(" | "), heads, item.line)
            case "paragraph" | "list item" | "checkbox" | "comment":
                where = "comment" if item.kind.value == "comment" else "prose"
                yield from _in_text(text, item.line, where)
    for script in scripts:
        for command in script.commands:
            yield from _in_test(command)


def _in_text(text: str, line: int, where: str) -> Iterator[Quantity]:
    for number, part in enumerate(text.split("\n")):
        for match in _LIMIT.finditer(part):
            value, unit = _value(match)
            comparison = _COMPARISONS[match["comparison"].lower()]
            about = _nearest_metric(part[: match.start()]) or metric_in(part)
            yield Quantity(value, unit, match[0].strip(), comparison, about, line + number, where)


def _in_row(cells: Sequence[str], heads: Sequence[str], line: int) -> Iterator[Quantity]:
    name = cells[0].strip()
    for at, cell in enumerate(cells[1:], 1):
        match = _CELL.match(cell.strip())
        if match and (match["comparison"] or match["unit"]):
            value, unit = _value(match)
            comparison = _COMPARISONS.get(match["comparison"] or "", "")
            yield Quantity(
                value, unit, match[0].strip(), comparison, metric_in(name) or name, line, "table", heads[at] if at < len(heads) else ""
            )  # fmt: skip


def _in_test(command: ShellCommand) -> Iterator[Quantity]:
    for test in command.tests:
        if test.operator not in _TEST or test.left is None or not re.fullmatch(r"\d{1,15}(\.\d+)?", test.right.filled):
            continue
        name = " ".join(test.left.variables) or test.left.filled
        about = metric_in(name.replace("_", " "))
        suffix = re.search(r"(?:_|\b)(ms|kb|mb|gb|percent|pct|seconds|secs|days)$", name, re.IGNORECASE)
        unit, factor = _UNITS.get(suffix[1].lower().replace("pct", "percent"), ("", 1.0)) if suffix else ("", 1.0)
        if name and name not in ("?", "#"):
            yield Quantity(float(test.right.filled) * factor, unit, test.right.filled, _TEST[test.operator], about, test.line, "test")


def retention(items: Sequence["Item"], scripts: Sequence[Script], settings: Sequence[Setting]) -> Iterator[Quantity]:
    """How long things are kept, unsorted."""
    for item in items:
        if item.kind.value in ("paragraph", "list item", "checkbox", "table row", "comment") and re.search(r"\d", item.text):
            yield from _kept_in_text(item)
    for script in scripts:
        yield from _kept_by(script)
    for setting in settings:
        if setting.syntax == "logrotate" and setting.key == "rotate" and setting.value.isdigit() and len(setting.value) < 6:
            globs = setting.path[0] if len(setting.path) > 1 else ""
            every = next(
                (days for part in settings if part.path[:-1] == setting.path[:-1] for word, days in _EVERY.items() if part.key == word), 1.0
            )  # fmt: skip
            yield Quantity(
                float(setting.value) * every * _DAY, "seconds", f"rotate {setting.value}", "keep", globs, setting.line, "command"
            )


def _kept_in_text(item: "Item") -> Iterator[Quantity]:
    text = item.text[:_LONGEST]
    where = "comment" if item.kind.value == "comment" else "prose"
    for match in (*_KEPT.finditer(text), *_KEPT_BEFORE.finditer(text)):
        value, unit = _value(match)
        yield Quantity(value, unit, match[0], "keep", text, item.line + text.count("\n", 0, match.start()), where)


_EVERY = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 30.0, "yearly": 365.0}


def _kept_by(script: Script) -> Iterator[Quantity]:
    for assignment in script.assignments:
        value = assignment.value.text if assignment.value else None
        is_days = re.search(r"RETENTION|KEEP", assignment.name, re.IGNORECASE) and not re.search(
            r"COUNT|WEEK|MONTH|HOUR", assignment.name, re.IGNORECASE
        )
        if is_days and value and value.isdigit() and len(value) < 6:
            yield Quantity(
                float(value) * _DAY, "seconds", f"{assignment.name}={value}", "keep", assignment.name, assignment.line, "command"
            )
    for command in script.named("find"):
        age = command.option("-mtime", "-ctime")
        minutes = command.option("-mmin", "-cmin")
        word = age or minutes
        number = re.fullmatch(r"\+(\d{1,6})", word.filled) if word else None
        if word and number and (command.has_flag("-delete") or re.search(r"-exec\s+rm|xargs\s.*\brm\b", command.text)):
            factor = _DAY if age else 60.0
            pattern = command.option("-name", "-iname")
            about = " ".join((*(part.filled for part in command.operands[:1]), pattern.filled if pattern else ""))
            yield Quantity(float(number[1]) * factor, "seconds", f"find {word.filled}", "keep", about, word.line, "command")
