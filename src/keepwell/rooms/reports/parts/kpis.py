"""The table of key figures: what was measured beside target, warning and critical."""

from collections.abc import Sequence
from dataclasses import dataclass

from keepwell.kernel.comparisons import Comparison
from keepwell.rooms.reports.kpis import Kpi, state_of, verdict
from keepwell.rooms.reports.model import Bound, Cell, Line, Part, Plot, Span, State, Table
from keepwell.rooms.reports.words import count

KEY, TITLE = "kpis", "Key figures"
_COLUMNS = ("figure", "measured", "verdict", "target", "warning", "critical")


@dataclass(frozen=True, slots=True)
class Measured:
    """A figure and what was measured of it; ``why`` says why nothing was. ``lines`` are its course over the span."""

    kpi: Kpi
    value: float | None
    why: str = ""
    lines: tuple[Line, ...] = ()


def part(measured: Sequence[Measured], span: Span) -> Part:
    """The part."""
    if not measured:
        return Part(KEY, TITLE, why_not="no figure has limits: write the section kpis, or warn and fail in a check")
    words = [verdict(one.kpi, one.value) for one in measured]
    good = sum(word in ("on target", "within limits") for word in words)
    table = Table(_COLUMNS, tuple(_row(one) for one in measured))
    missing = tuple(f"{one.kpi.name} was not measured: {one.why}" for one in measured if one.value is None and one.why)
    states = [state_of(word) for word in words]
    return Part(
        KEY,
        TITLE,
        f"{good} of {count(len(measured), 'key figure')} good",
        _worst(states),
        missing,
        (table,),
        tuple(plot_of(one, span) for one in measured if one.lines),
    )


def _worst(states: Sequence[State]) -> State:
    order: tuple[State, ...] = ("fail", "warn", "unknown")
    return next((state for state in order if state in states), "ok")


def _row(one: Measured) -> tuple[Cell, ...]:
    kpi, word = one.kpi, verdict(one.kpi, one.value)
    limits = (Cell(str(limit) if limit is not None else "–", limit.bound if limit is not None else None) for limit in _limits(kpi))
    said = "–" if one.value is None else kpi.describe(one.value)
    figure = kpi.name if kpi.measure in ("uptime", "errors") else f"{kpi.name} ({kpi.measure})"
    return (Cell(figure), Cell(said, one.value), Cell(word, None, state_of(word)), *limits)


def _limits(kpi: Kpi) -> tuple[Comparison | None, ...]:
    return (kpi.target, kpi.warning, kpi.critical)


def plot_of(one: Measured, span: Span) -> Plot:
    """The course of a figure with its limits as lines."""
    kpi = one.kpi
    levels: tuple[tuple[str, State, Comparison | None], ...] = (("target", "ok", kpi.target), ("warning", "warn", kpi.warning))
    levels += (("critical", "fail", kpi.critical),)
    bounds = tuple(Bound(f"{word} {limit}", limit.bound, state) for word, state, limit in levels if limit is not None)
    said = f"{kpi.name}: {kpi.measure} {kpi.describe(one.value)}" if one.value is not None else kpi.name
    return Plot(kpi.name, kpi.unit, span.start.timestamp(), span.end.timestamp(), one.lines, bounds, said)
