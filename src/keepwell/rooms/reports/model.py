"""The words of reports: a span of time, and a report of parts, each a table, plots and sentences, or the reason why it was not measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from keepwell.kernel.comparisons import Unit

State = Literal["", "ok", "warn", "fail", "unknown", "dim"]
"""How a cell is to be seen; always beside its words, never instead of them."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` (contained) to ``end`` (not contained), and what a person calls it (``the last 7 days``)."""

    start: datetime
    end: datetime
    words: str = ""

    @property
    def seconds(self) -> float:
        """How long it is. (Two instants of one zone that are subtracted give what the clock on the wall says, over a change of it too.)"""
        return self.end.timestamp() - self.start.timestamp()


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its words, the value behind them in base units where there is one, and how it is to be seen."""

    words: str
    value: float | str | None = None
    state: State = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with their heads; every row has as many cells. ``more`` is how many rows were left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot: seconds since 1970 and values, None where there is none."""

    name: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit as a horizontal line: what it is called (``warning > 100ms``), where it lies, and its colour."""

    words: str
    at: float
    state: State = "warn"


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over one stretch of time (seconds since 1970), all in one unit. ``said`` says in words what it shows."""

    title: str
    unit: Unit
    start: float
    end: float
    lines: tuple[Line, ...]
    bounds: tuple[Bound, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a report. ``headline`` is what the whole report says of it in a few words (empty: nothing); ``why_not`` says why nothing
    was measured (then the rest is empty)."""

    key: str
    title: str
    headline: str = ""
    state: State = ""
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    plots: tuple[Plot, ...] = ()
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it was made, with all that is needed to show it again. ``kind`` is weekly or capacity."""

    kind: str
    name: str
    title: str
    service: str
    span: Span
    made_at: datetime
    parts: tuple[Part, ...] = field(default_factory=tuple)

    @property
    def headline(self) -> str:
        """The whole in one line."""
        return "; ".join(part.headline for part in self.parts if part.headline) or "nothing was measured"

    @property
    def state(self) -> State:
        """The worst of its parts."""
        order: tuple[State, ...] = ("fail", "warn", "unknown", "ok")
        return next((state for state in order if any(part.state == state for part in self.parts)), "unknown")


def not_measured(key: str, title: str, why: str) -> Part:
    """A part of which nothing is known, and why."""
    return Part(key, title, why_not=why)


# --- as plain values -----------------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """All of it as JSON values; instants are RFC 3339 in UTC, points seconds since 1970."""
    return {
        "kind": report.kind,
        "name": report.name,
        "title": report.title,
        "service": report.service,
        "start": report.span.start.isoformat(),
        "end": report.span.end.isoformat(),
        "period": report.span.words,
        "made_at": report.made_at.isoformat(),
        "state": report.state,
        "headline": report.headline,
        "parts": [_part_json(part) for part in report.parts],
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "key": part.key,
        "title": part.title,
        "headline": part.headline,
        "state": part.state,
        "not_measured": part.why_not or None,
        "sentences": list(part.sentences),
        "tables": [
            {
                "columns": list(table.columns),
                "rows": [[{"words": cell.words, "value": cell.value, "state": cell.state} for cell in row] for row in table.rows],
                "more": table.more,
            }
            for table in part.tables
        ],
        "plots": [
            {
                "title": plot.title,
                "unit": plot.unit.value,
                "start": plot.start,
                "end": plot.end,
                "lines": [{"name": line.name, "points": [list(point) for point in line.points]} for line in plot.lines],
                "bounds": [{"words": bound.words, "at": bound.at, "state": bound.state} for bound in plot.bounds],
                "said": plot.said,
            }
            for plot in part.plots
        ],
    }


def from_json(held: Mapping[str, Any]) -> Report:
    """The report again. Raises KeyError or ValueError for anything else."""
    span = Span(datetime.fromisoformat(held["start"]), datetime.fromisoformat(held["end"]), held["period"])
    parts = tuple(_part(part) for part in held["parts"])
    made_at = datetime.fromisoformat(held["made_at"])
    return Report(held["kind"], held["name"], held["title"], held["service"], span, made_at, parts)


def _part(held: Mapping[str, Any]) -> Part:
    return Part(
        held["key"],
        held["title"],
        held["headline"],
        held["state"],
        tuple(held["sentences"]),
        tuple(_table(table) for table in held["tables"]),
        tuple(_plot(plot) for plot in held["plots"]),
        held["not_measured"] or "",
    )


def _table(held: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(Cell(cell["words"], cell["value"], cell["state"]) for cell in row) for row in held["rows"])
    return Table(tuple(held["columns"]), rows, held["more"])


def _plot(held: Mapping[str, Any]) -> Plot:
    lines = tuple(Line(line["name"], tuple((at, value) for at, value in line["points"])) for line in held["lines"])
    bounds = tuple(Bound(bound["words"], bound["at"], bound["state"]) for bound in held["bounds"])
    return Plot(held["title"], Unit(held["unit"]), held["start"], held["end"], lines, bounds, held["said"])
