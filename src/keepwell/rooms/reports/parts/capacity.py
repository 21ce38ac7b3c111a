"""Where each figure with a limit is heading, and when it reaches that. The slope is Theil and Sen's (see the room of samples)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from keepwell.kernel.comparisons import Comparison
from keepwell.rooms.reports.kpis import Kpi
from keepwell.rooms.reports.model import Bound, Cell, Line, Part, Plot, Span, State, Table
from keepwell.rooms.reports.sources import Heading, Spread
from keepwell.rooms.reports.words import count

KEY, TITLE = "capacity", "Capacity"
_COLUMNS = ("figure", "mean", "95 %", "peak", "limit", "in 30 days", "limit reached")
_MONTH = 30.0
_SOON = 30.0
"""A limit that is reached within so many days is one to act on."""
_LATER = 90.0


@dataclass(frozen=True, slots=True)
class Grown:
    """A figure of one series: how it was spread, where it is heading, and its course. ``why`` says why nothing is known."""

    kpi: Kpi
    series: str
    spread: Spread | None
    heading: Heading | None
    lines: tuple[Line, ...] = ()
    why: str = ""


def part(grown: Sequence[Grown], span: Span) -> Part:
    """The part: what reaches its limit first comes first."""
    if not grown:
        return Part(KEY, TITLE, why_not="no figure has a limit: write the section kpis, or warn and fail in a check")
    ordered = sorted(grown, key=lambda one: (_days(one), one.kpi.name, one.series))
    soon = [one for one in ordered if _days(one) <= _SOON]
    state: State = "fail" if any(_days(one) <= 0 for one in ordered) else "warn" if soon else "ok"
    headline = f"{count(len(soon), 'limit')} reached within 30 days" if soon else "no limit is reached within 30 days"
    said = (*(_advice(one) for one in soon), *(f"{one.kpi.name}: {one.why}" for one in ordered if one.why))
    plots = tuple(_plot(one, span) for one in ordered if one.lines)
    return Part(KEY, TITLE, headline, state, said, (Table(_COLUMNS, tuple(_row(one) for one in ordered)),), plots)


def _days(one: Grown) -> float:
    """In how many days the limit is reached: 0 where it is, far where it never is."""
    heading = one.heading
    if heading is None or heading.reached in ("", "never", "unclear"):
        return 1e9
    return 0.0 if heading.reached == "already" else heading.days if heading.days is not None else 1e9


def _advice(one: Grown) -> str:
    limit = one.kpi.critical or one.kpi.warning
    name = f"{one.kpi.name} ({one.series})" if one.series else one.kpi.name
    if _days(one) <= 0:
        return f"{name} is beyond {limit} by its trend: act now."
    return f"{name} reaches {limit} in about {_days(one):.0f} days if it goes on so: plan for more, or find what grows."


def _row(one: Grown) -> tuple[Cell, ...]:
    kpi, heading = one.kpi, one.heading
    figures = one.spread.figures if one.spread is not None else {}
    name = f"{kpi.name}: {one.series}" if one.series else kpi.name
    spread = (Cell(kpi.describe(figures[of]) if of in figures else "–", figures.get(of)) for of in ("mean", "p95", "max"))
    level = heading.level if heading is not None else None
    slope = heading.per_day if heading is not None else None
    ahead = level + slope * _MONTH if level is not None and slope is not None else None
    limit = kpi.critical or kpi.warning
    said = Cell(kpi.describe(max(ahead, 0.0)), max(ahead, 0.0)) if ahead is not None and isfinite(ahead) else Cell("–")
    return (Cell(name), *spread, Cell(str(limit or "–"), limit.bound if limit else None), said, _reached(one))


def _reached(one: Grown) -> Cell:
    heading, days = one.heading, _days(one)
    if heading is None or heading.per_day is None:
        return Cell((heading.why if heading else "") or "not known", None, "dim")
    if days <= 0:
        return Cell("is beyond it", 0.0, "fail")
    if days < 1e9:
        return Cell(f"in {days:.0f} days", days, "warn" if days <= _SOON else "" if days > _LATER else "dim")
    return Cell("not in sight" if heading.reached != "unclear" else "cannot be told", None, "ok" if heading.reached != "unclear" else "dim")


def _plot(one: Grown, span: Span) -> Plot:
    """The course, and its trend as a second line."""
    kpi, heading = one.kpi, one.heading
    end = span.end.timestamp()
    lines = list(one.lines)
    if heading is not None and heading.level is not None and heading.per_day is not None:
        known = [at for line in one.lines for at, value in line.points if value is not None]
        start = min(known, default=span.start.timestamp())
        before = heading.level - heading.per_day * (end - start) / 86400
        lines.append(Line("trend", ((start, before), (end, heading.level))))
    levels: tuple[tuple[str, State, Comparison | None], ...] = (("warning", "warn", kpi.warning), ("critical", "fail", kpi.critical))
    bounds = tuple(Bound(f"{word} {limit}", limit.bound, state) for word, state, limit in levels if limit is not None)
    title = f"{kpi.name}: {one.series}" if one.series else kpi.name
    return Plot(title, kpi.unit, span.start.timestamp(), end, tuple(lines), bounds, title)
