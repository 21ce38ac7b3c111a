"""Which of a check's values are drawn together, and where their numbers are asked for. Pure."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepwell.kernel.comparisons import Unit

from .sampled import metric_name
from .thresholds import Line, Threshold, judged_value, line, unit_of

MOST_LINES = 8
"""Lines in one chart: as many as there are colours that can be told apart."""

MOST_CHARTS = 12
"""Charts on one page; a check with more values says where the others are."""

_PHASE = re.compile(r"(?:.+_)?(?:dns|connect|tls|handshake|first_byte|duration|answer|greeting|banner|ping)_seconds|round_trip_\w+_seconds")
_LOAD = re.compile(r"load_(?:\w+)")


_UNITS = (Unit.SECONDS, Unit.RATIO, Unit.BYTES, Unit.NUMBER)


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart: its title, the unit of its axis (``seconds``, ``bytes``, ``ratio`` or ``number``), the metrics that it draws, and the
    limits of each of them."""

    title: str
    unit: str
    names: tuple[str, ...]
    lines: tuple[Line, ...] = field(default=())


def charts(names: Sequence[str], limits: Sequence[Threshold]) -> tuple[Chart, ...]:
    """The charts of a check with these values: phases of a look together, shares of a whole together, each other value alone. Those of
    times come first, plain numbers last, otherwise they follow the order of the values."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in names:
        groups.setdefault(_group(name), []).append(name)
    judged = {threshold: judged_value(threshold, names) for threshold in limits}
    found: list[Chart] = []
    for (title, unit), members in groups.items():
        for start in range(0, len(members), MOST_LINES):
            part = members[start : start + MOST_LINES]
            lines = tuple(line(threshold, name) for threshold, name in judged.items() if name in part and name is not None)
            found.append(Chart(title, unit, tuple(map(metric_name, part)), lines))
    return tuple(sorted(found, key=lambda chart: _UNITS.index(chart.unit)))


def _group(name: str) -> tuple[str, str]:
    unit = unit_of(name)
    if _PHASE.fullmatch(name):
        return "Latency", unit.value
    if _LOAD.fullmatch(name):
        return "Load", unit.value
    if unit is Unit.RATIO:
        return "Shares", unit.value
    return words(name), unit.value


def words(name: str) -> str:
    """A value's name as a title: ``body_bytes`` becomes ``Body``."""
    bare = name
    for ending in ("_seconds", "_bytes", "_ratio", "_total"):
        bare = bare.removesuffix(ending)
    text = (bare or name).replace("_", " ").strip()
    return text[:1].upper() + text[1:] if text else name


def selector(labels: Mapping[str, str], names: Iterable[str] = ()) -> str:
    """A selector of series with these labels and, where given, one of these names (Prometheus, "Querying basics": strings as in Go)."""
    wanted = [f"{label}={_text(value)}" for label, value in labels.items()]
    chosen = "|".join(re.escape(name) for name in names)
    if chosen:
        wanted.append(f"__name__=~{_text(chosen)}")
    return "{" + ",".join(wanted) + "}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def as_shown(chart: Chart, check: str) -> dict[str, Any]:
    """A chart as its template takes it."""
    return {
        "title": chart.title,
        "unit": chart.unit,
        "names": json.dumps(chart.names),
        "match": selector({"check": check}, chart.names),
        "lines": json.dumps([{"state": one.state, "bound": one.bound, "text": one.text} for one in chart.lines]),
    }
