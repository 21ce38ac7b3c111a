"""The functions that a template may call: Go's own, and those that Prometheus adds (prometheus.io, "Template reference")."""

import html
import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlsplit

from keepwell.rooms.promql.patterns import PatternError, compiled

from . import humane
from .comparing import equal, indexed, is_true, length, less, sliced
from .model import Found, TemplateError
from .printing import formatted, printed

LONGEST = 1_000_000
"""Characters of one text that a function makes."""

Callee = Callable[..., Any]


def functions(url: str, query: Callable[[str], Sequence[Found]], at: int) -> Mapping[str, Callee]:
    """All of them. ``url`` is where Keepwell's pages are reached, ``query`` gives the series of an expression, ``at`` is the instant of the
    evaluation (milliseconds since 1970)."""
    return {
        **_GENERAL,
        **_PROMETHEUS,
        "query": lambda text: query(_text(text)),
        "now": lambda: at / 1000,
        "externalURL": lambda: url,
        "pathPrefix": lambda: urlsplit(url).path,
    }


def number(value: Any) -> float:
    """A number, or a text that is one."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise TemplateError(f"strconv.ParseFloat: parsing {json.dumps(value)}: invalid syntax") from None
    raise TemplateError("can't convert this value to a number")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TemplateError("wrong type for value; expected string")
    return value


def _found(value: Any) -> Found:
    if not isinstance(value, Found):
        raise TemplateError("wrong type for value; expected one series of a query")
    return value


def _series(value: Any) -> Sequence[Found]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TemplateError("wrong type for value; expected the answer of a query")
    return value


def _first(value: Any) -> Found:
    series = _series(value)
    if not series:
        raise TemplateError("first() called on vector with no elements")
    return series[0]


def _pattern(text: str) -> Any:
    try:
        return compiled(text, dot_matches_newline=False)
    except PatternError as error:
        raise TemplateError(str(error)) from None


_GROUP = re.compile(r"\$(?:\$|(?P<plain>\w+)|\{(?P<braced>\w+)\})")


def _replaced(pattern: str, instead: str, text: str) -> str:
    known = _pattern(_text(pattern))

    def group(name: str, match: Any) -> str:
        place = int(name) if name.isdigit() else known.groupindex.get(name, -1)
        return (match.group(place) or "") if 0 <= place <= known.groups else ""

    def one(match: Any) -> str:
        return _GROUP.sub(lambda part: "$" if part[0] == "$$" else group(part["plain"] or part["braced"], match), instead)

    return _bounded(known.sub(one, _text(text)))


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise TemplateError(f"a text of more than {LONGEST:,} characters")
    return text


def _split(address: str) -> tuple[str, str] | None:
    """Go's net.SplitHostPort."""
    match = re.fullmatch(r"\[([^\[\]]*)\]:([^:\[\]]*)|([^:\[\]]*):([^:\[\]]*)", address)
    return None if match is None else (match[1] or match[3] or "", match[2] or match[4] or "")


def _without_port(address: Any) -> str:
    parts = _split(_text(address))
    return parts[0] if parts else _text(address)


def _without_domain(address: Any) -> str:
    parts = _split(_text(address))
    host, port = parts or (_text(address), "")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        host = host.split(".")[0]
        return f"{host}:{port}" if port else host
    return _text(address)


def _sorted(label: Any, series: Any) -> Sequence[Found]:
    return sorted(_series(series), key=lambda one: one.labels.get(_text(label), ""))


def _graph(tab: int) -> Callee:
    return lambda expression: f"/graph?g0.expr={quote_plus(_text(expression))}&g0.tab={tab}"


def _seconds(text: Any) -> float:
    from keepwell.rooms.promql.rules.durations import read_duration

    try:
        return read_duration(_text(text)) / 1000
    except ValueError as error:
        raise TemplateError(str(error)) from None


def _titled(text: Any) -> str:
    return re.sub(r"(?<![\w])\w", lambda match: match[0].title(), _text(text))


def _only(method: Callable[[float], Any]) -> Callee:
    return lambda value: method(number(value))


def _call_not(value: Any) -> bool:
    return not is_true(value)


def _escaped(*values: Any) -> str:
    return html.escape(printed(values)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")


_GENERAL: Mapping[str, Callee] = {
    "and": lambda *values: next((value for value in values if not is_true(value)), values[-1]),
    "or": lambda *values: next((value for value in values if is_true(value)), values[-1]),
    "not": _call_not,
    "eq": equal,
    "ne": lambda first, second: not equal(first, second),
    "lt": less,
    "le": lambda first, second: less(first, second) or equal(first, second),
    "gt": lambda first, second: not (less(first, second) or equal(first, second)) and first == first and second == second,
    "ge": lambda first, second: not less(first, second) and first == first and second == second,
    "len": length,
    "index": indexed,
    "slice": sliced,
    "print": lambda *values: _bounded(printed(values)),
    "println": lambda *values: _bounded(" ".join(printed([value]) for value in values) + "\n"),
    "printf": lambda pattern, *values: _bounded(formatted(_text(pattern), values)),
    "html": _escaped,
    "urlquery": lambda *values: quote_plus(printed(values)),
}

_PROMETHEUS: Mapping[str, Callee] = {
    "first": _first,
    "label": lambda name, found: _found(found).labels.get(_text(name), ""),
    "value": lambda found: _found(found).value,
    "strvalue": lambda found: _found(found).labels.get("__value__", ""),
    "sortByLabel": _sorted,
    "args": lambda *values: {f"arg{place}": value for place, value in enumerate(values)},
    "reReplaceAll": _replaced,
    "match": lambda pattern, text: _pattern(_text(pattern)).search(_text(text)) is not None,
    "title": _titled,
    "toUpper": lambda text: _text(text).upper(),
    "toLower": lambda text: _text(text).lower(),
    "safeHtml": _text,
    "graphLink": _graph(0),
    "tableLink": _graph(1),
    "stripPort": _without_port,
    "stripDomain": _without_domain,
    "humanize": _only(humane.humanize),
    "humanize1024": _only(humane.humanize1024),
    "humanizeDuration": _only(humane.humanize_duration),
    "humanizePercentage": _only(humane.humanize_percentage),
    "humanizeTimestamp": _only(humane.humanize_timestamp),
    "toTime": _only(humane.to_time),
    "toDuration": _only(humane.show_span),
    "urlQueryEscape": lambda text: quote_plus(_text(text)),
    "parseDuration": _seconds,
}

METHODS: Mapping[str, Callable[..., Any]] = {
    "Format": lambda moment, layout: humane.format_time(moment, _text(layout)),
    "Unix": lambda moment: int(moment.timestamp()),
    "Year": lambda moment: moment.year,
    "Day": lambda moment: moment.day,
    "Hour": lambda moment: moment.hour,
    "Minute": lambda moment: moment.minute,
    "Weekday": lambda moment: f"{moment:%A}",
    "Month": lambda moment: f"{moment:%B}",
    "String": humane.show_time,
    "UTC": lambda moment: moment,
}
"""What may be called on an instant."""

NAMES = frozenset({*_GENERAL, *_PROMETHEUS, "query", "now", "externalURL", "pathPrefix", "tmpl"})
"""The names of all functions."""


def method_of(value: Any, name: str) -> Callee | None:
    """A method of an instant."""
    if not isinstance(value, datetime) or name not in METHODS:
        return None
    method = METHODS[name]
    return lambda *arguments: method(value, *arguments)
