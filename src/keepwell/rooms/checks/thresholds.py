"""The limits that a check's options hold, and which of its values each of them judges."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from keepwell.kernel.comparisons import Comparison, Unit

_STATES = ("warn", "fail")

_DECIDING = ("expires_in_seconds", "duration_seconds", "round_trip_avg_seconds", "disk_used_ratio")
"""Of several values with a limit's unit, the one that is judged by a kind's outermost ``warn`` and ``fail``."""

_SECONDS_A_DAY = 86400.0
_ENDINGS = {"_seconds": Unit.SECONDS, "_bytes": Unit.BYTES, "_ratio": Unit.RATIO}


@dataclass(frozen=True, slots=True)
class Threshold:
    """One limit: where it stands in the options (``memory``; empty at the outermost), the state that it leads to where it says one, and the
    comparison."""

    place: str
    state: str
    limit: Comparison


@dataclass(frozen=True, slots=True)
class Line:
    """A limit as a line in a chart: at ``bound``, in the unit of the chart's values. ``state`` is warn, fail or expected."""

    state: str
    bound: float
    text: str


def thresholds(settings: Any) -> tuple[Threshold, ...]:
    """Every limit of a check's options, in their order."""
    return tuple(_found(settings, ()))


def _found(value: Any, path: tuple[str, ...]) -> Iterator[Threshold]:
    if isinstance(value, Comparison):
        state = path[-1] if path and path[-1] in _STATES else ""
        yield Threshold(".".join(path[:-1] if state else path), state, value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _found(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _found(part, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for position, part in enumerate(value):
            yield from _found(part, (*path, str(position + 1)))


def unit_of(name: str) -> Unit:
    """The unit of a value, which its name's ending tells as in Prometheus ("Metric and label naming")."""
    return next((unit for ending, unit in _ENDINGS.items() if name.endswith(ending)), Unit.NUMBER)


def judged_value(threshold: Threshold, names: Iterable[str]) -> str | None:
    """The value that a limit judges, as far as names and units tell it without a doubt; otherwise None."""
    limit = threshold.limit
    fitting = [name for name in names if limit.unit in _units(name)]
    if threshold.place:
        key = threshold.place.replace(".", "_")
        fitting = [name for name in fitting if name == key or name.startswith(f"{key}_")]
    if len(fitting) == 1:
        return fitting[0]
    if threshold.place:
        return None
    return next((name for name in _DECIDING if name in fitting), None)


def _units(name: str) -> tuple[Unit, ...]:
    return (Unit.NUMBER, Unit.SECONDS) if name.endswith("days_left") else (unit_of(name),)


def line(threshold: Threshold, name: str) -> Line:
    """The limit as a line in the chart of that value; days are drawn as days."""
    limit = threshold.limit
    days = name.endswith("days_left") and limit.unit is Unit.SECONDS
    return Line(threshold.state or "expected", limit.bound / _SECONDS_A_DAY if days else limit.bound, limit.text)
