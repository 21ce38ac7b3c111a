"""What a report asks of samples: figures, uptime, and where figures are heading."""

from collections.abc import Sequence

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.reports import kpis
from keepwell.rooms.reports.kpis import Kpi
from keepwell.rooms.reports.model import Line, Part, Span
from keepwell.rooms.reports.parts import uptime
from keepwell.rooms.reports.parts.capacity import Grown
from keepwell.rooms.reports.parts.kpis import Measured
from keepwell.rooms.reports.sources import Failed, Heading, Measures, Sources, Spread, Uptime
from keepwell.rooms.reports.words import length

MOST_CHECKS = 500
"""Checks whose uptime is measured in one report."""
MOST_SERIES = 12
"""Series of one figure whose trend is told one by one."""
LEAST_SECONDS = 2 * 86400.0
"""From less than so long (or a quarter of the span) no trend is told."""
_UNSEEN = "it was not looked at in this time"
_SHARES = ("uptime", "errors")


async def kpi_measured(measures: Measures, kpi: Kpi, span: Span) -> Measured:
    """What was measured of a figure."""
    try:
        if kpi.measure == "uptime":
            value = (await measures.uptime(kpi.about, span)).ratio
            return Measured(kpi, value, "" if value is not None else _UNSEEN)
        if kpi.measure == "errors":
            share = (await measures.failed(kpi.about, span)).share
            return Measured(kpi, share, "" if share is not None else _UNSEEN)
        return await _of_series(measures, kpi, span)
    except KeepwellError as error:
        return Measured(kpi, None, str(error))


async def _of_series(measures: Measures, kpi: Kpi, span: Span) -> Measured:
    """The worst of the series."""
    spreads = await measures.spread(kpi.about, span)
    values = [spread.figures[kpi.measure] for spread in spreads if kpi.measure in spread.figures]
    if not values:
        why = f"the samples of {kpi.about} have no {kpi.measure} that is a number" if spreads else f"there are no samples of {kpi.about}"
        return Measured(kpi, None, f"{why} in this time")
    worst = values[0]
    for value in values[1:]:
        worst = value if kpis.is_worse(kpi, value, worst) else worst
    return Measured(kpi, worst, lines=tuple(await measures.lines(kpi.about, span, "avg")))


async def uptime_part(sources: Sources, span: Span) -> Part:
    """Uptime and errors of every check."""
    checks = sources.checks()
    uptimes: list[Uptime] = []
    failed: list[Failed] = []
    for check in checks[:MOST_CHECKS]:
        try:
            uptimes.append(await sources.measures.uptime(check.name, span))
            failed.append(await sources.measures.failed(check.name, span))
        except KeepwellError:  # never looked at: its row says so
            continue
    return uptime.part(checks, uptimes, failed)


async def grown(measures: Measures, figures: Sequence[Kpi], span: Span) -> list[Grown]:
    """Where each figure with a limit is heading; shares of time and of looks do not grow."""
    found: list[Grown] = []
    for kpi in figures:
        if kpi.measure not in _SHARES and (kpi.critical or kpi.warning) is not None:
            try:
                found += await _grown(measures, kpi, span)
            except KeepwellError as error:
                found.append(Grown(kpi, "", None, None, (), str(error)))
    return found


async def _grown(measures: Measures, kpi: Kpi, span: Span) -> list[Grown]:
    limit = kpi.critical or kpi.warning
    spreads = list(await measures.spread(kpi.about, span))[:MOST_SERIES]
    if not spreads:
        return [Grown(kpi, "", None, None, (), "there are no samples of it in this time")]
    lines = await measures.lines(kpi.about, span, "avg")
    short = _too_short(lines, span)
    found = [Heading(one.labels, why=short) for one in spreads] if short else await measures.heading(kpi.about, span, str(limit))
    headings = {_key(one): one for one in found}
    if len(spreads) == 1:
        return [Grown(kpi, "", spreads[0], headings.get(_key(spreads[0])), tuple(lines[:1]))]
    named = {line.name: line for line in lines}
    return [
        Grown(kpi, name, spread, headings.get(_key(spread)), (named[name],) if name in named else ())
        for spread in spreads
        for name in [measures.name_of(spread.labels)]
    ]


def _too_short(lines: Sequence[Line], span: Span) -> str:
    """Why no trend is told from what there is: a morning says nothing about a month. Empty where it can be told."""
    end, needed = span.end.timestamp(), min(span.seconds / 4, LEAST_SECONDS)
    first = min((at for line in lines for at, value in line.points if value is not None), default=end)
    return "" if end - first >= needed else f"samples of {length(end - first)} only: a trend needs {length(needed)}"


def _key(one: Spread | Heading) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(one.labels.items()))
