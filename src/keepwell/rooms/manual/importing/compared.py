"""Comparisons of a script: which figure is compared with which limit, and what the figure is. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.sizes import format_size
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.quantities import metric_in
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .command_words import assignment_of, branch_of
from .model import LimitDraft, View
from .script_index import index_of, names_in

_ORDERS = (">", ">=", "<", "<=")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_SHOWN = re.compile(r"\$\{?(?P<name>\w+)\}?\s?(?P<unit>%|ms|[KMG]i?B|B|seconds|s)(?!\w)")
_SUFFIX = re.compile(r"(?:^|_)(ms|sec|secs|seconds|kb|mb|gb|bytes|percent|pct|days)$", re.IGNORECASE)
_UNITS = {
    "sec": "s",
    "secs": "s",
    "seconds": "s",
    "percent": "%",
    "pct": "%",
    "days": "d",
    "bytes": "B",
    "kb": "KB",
    "mb": "MB",
    "gb": "GB",
    "b": "B",
}
_SOURCES = (
    (r"(?s)(?=.*\bdate \+%s).*(?:backup|dump|snapshot)", "backup age"),
    (r"\bdf\b", "disk"),
    (r"\bfree\b|/proc/meminfo|%mem|\brss\b", "memory"),
    (r"\bmpstat\b|%cpu|\btop\b.*[Cc]pu", "cpu"),
    (r"\buptime\b|/proc/loadavg", "load"),
    (r"time_total|time_starttransfer", "response time"),
    (r"-enddate|x509", "certificate"),
)
_NAMES = {
    "rss": "memory",
    "mem": "memory",
    "disk": "disk",
    "lag": "replication lag",
    "conn": "connections",
    "conns": "connections",
    "latency": "response time",
}
_SPANS = {"86400": "d", "3600": "h", "60": "m"}
"""What seconds are divided by, and what they are then."""
_SHARES = frozenset(("disk", "cpu"))
_DEPTH = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure (its variable's name) compared with a limit; ``limit`` is its text, ``limit_names`` the variables that it is made of."""

    name: str
    operator: str
    limit: str
    limit_names: tuple[str, ...] = ()


def compared_in(view: View, command: ShellCommand) -> Iterator[Compared]:
    """The comparisons of ``[ ]``, ``[[ ]]`` or ``(( ))``; also of ``(( $(echo "$X > 80" | bc) ))``."""
    for name, sign, limit in index_of(view.script).comparisons_in(command) if view.script else ():
        names = names_in(limit)
        known = (text for name_of in names[:1] if (text := _constant(view, name_of)))
        written = limit if isinstance(limit, str) else limit.text
        yield Compared(name, sign, next(known, "") or written or "", names)


def _constant(view: View, name: str) -> str:
    return view.values.get(name) or (index_of(view.script).constant(name) if view.script else "")


def is_compared(view: View) -> bool:
    """Whether the item is an assignment of a figure that its script compares with a limit."""
    name = re.match(r"(?:\w+\s+)?(\w+)=", view.item.text.strip())
    return bool(name and view.script and view.item.kind is Kind.ASSIGNMENT and name[1] in index_of(view.script).compared_names)


def limit_of(view: View, command: ShellCommand, compared: Compared) -> LimitDraft | None:
    """The limit that a comparison sets; None where it compares no figure that is measured, or with nothing that is a number."""
    if compared.operator not in _ORDERS or not _NUMBER.fullmatch(compared.limit):
        return None
    told = "\n".join(part.text for part in branch_of(view, command))
    metric = metric_of(view, compared.name) or metric_in(f"{view.comment}\n{told}")
    if not metric:
        return None
    comparison = _written(compared, metric, _unit(view, compared.name, metric, told))
    grave = re.search(r"\bcrit(?:ical)?\b|\bfatal\b|\bexit [1-9]|\bemerg", told, re.IGNORECASE) is not None
    limits = {"fail": comparison} if grave else {"warn": comparison}
    return LimitDraft(metric, **limits, subject=_subject(view, compared.name), words=f"{metric} {comparison}")


def _subject(view: View, name: str) -> str:
    """``host`` where the figure is the whole machine's, not one program's."""
    return (
        "host" if re.search(r"\bfree\b|/proc/(?:meminfo|stat|loadavg)|\bmpstat\b|\btop\b(?!.* -p)|\buptime\b", _sources(view, name)) else ""
    )


def metric_of(view: View, name: str) -> str:
    """What a variable measures, by where its value comes from, else by its name."""
    source = _sources(view, name)
    by_source = next((metric for pattern, metric in _SOURCES if source and re.search(pattern, source)), "")
    words = name.lower().replace("_", " ")
    return metric_in(words) or by_source or next((metric for word, metric in _NAMES.items() if word in words.split()), "")


def _sources(view: View, name: str) -> str:
    """The text of the assignments that a variable's value goes back to."""
    texts: list[str] = []
    waiting = [name]
    while waiting and len(texts) < _DEPTH:
        assignment = assignment_of(view, waiting.pop())
        if assignment is not None and assignment.value is not None:
            texts.append(assignment.value.raw)
            waiting += [other for other in re.findall(r"\b[A-Z_][A-Z0-9_]+\b", assignment.value.raw) if other != name]
    return "\n".join(texts)


def _unit(view: View, name: str, metric: str, told: str) -> str:
    suffix = _SUFFIX.search(name)
    if metric == "backup age" and not suffix:
        return next((unit for divisor, unit in _SPANS.items() if re.search(rf"/\s*{divisor}\b", _sources(view, name))), "s")
    if suffix:
        return _UNITS.get(suffix[1].lower(), suffix[1].lower())
    shown = next((match["unit"] for match in _SHOWN.finditer(told) if match["name"] == name), "")
    if shown:
        return _UNITS.get(shown.lower(), shown)
    return "%" if metric in _SHARES or (re.search(r"(?i)percent|pct|usage$", name) and metric == "memory") else ""


def _written(compared: Compared, metric: str, unit: str) -> str:
    if unit == "B" or (not unit and metric == "memory" and float(compared.limit) > 1e6):
        amount = format_size(round(float(compared.limit)))
    else:
        amount = f"{compared.limit}{unit}"
    comparison = f"{compared.operator} {amount}"
    try:
        parse_comparison(comparison)
    except ValueError:
        return f"{compared.operator} {compared.limit}"
    return comparison
