"""Makes a report: asks every source, and says of each that cannot answer why."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.reports import kpis
from keepwell.rooms.reports.kpis import Kpi
from keepwell.rooms.reports.model import Part, Report, Span, not_measured
from keepwell.rooms.reports.parts import alerts, uptime
from keepwell.rooms.reports.parts import kpis as kpi_part
from keepwell.rooms.reports.sources import CheckFacts, Failed, Sources, Uptime

MOST_CHECKS = 500
"""Checks whose uptime is measured in one report."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which report: its kind, its name and title, whose, over which span, by which figures, made when."""

    kind: str
    name: str
    title: str
    service: str
    span: Span
    kpis: Sequence[Kpi]
    made_at: datetime


async def make(sources: Sources, wanted: Wanted) -> Report:
    """The report. Never raises KeepwellError: a part that cannot be made says why."""
    checks = sources.checks()
    figures = tuple(wanted.kpis) or kpis.derived(checks)
    asking: Sequence[tuple[str, str, Callable[[], Awaitable[Part]]]] = (
        (kpi_part.KEY, kpi_part.TITLE, lambda: _kpis(sources, figures, wanted.span)),
        (uptime.KEY, uptime.TITLE, lambda: _uptime(sources, checks, wanted.span)),
        (alerts.KEY, alerts.TITLE, lambda: _alerts(sources, wanted.span)),
    )
    parts = [await _part(key, title, ask) for key, title, ask in asking]
    return Report(wanted.kind, wanted.name, wanted.title, wanted.service, wanted.span, wanted.made_at, tuple(parts))


async def _part(key: str, title: str, ask: Callable[[], Awaitable[Part]]) -> Part:
    """One after the other: a report may take a moment, and looking goes on meanwhile."""
    await asyncio.sleep(0)
    try:
        return await ask()
    except KeepwellError as error:
        return not_measured(key, title, str(error))


async def _kpis(sources: Sources, figures: Sequence[Kpi], span: Span) -> Part:
    return kpi_part.part([await _measured(sources, kpi, span) for kpi in figures], span)


async def _measured(sources: Sources, kpi: Kpi, span: Span) -> kpi_part.Measured:
    try:
        if kpi.measure == "uptime":
            value = (await sources.measures.uptime(kpi.about, span)).ratio
            return kpi_part.Measured(kpi, value, "" if value is not None else "it was not looked at in this time")
        if kpi.measure == "errors":
            share = (await sources.measures.failed(kpi.about, span)).share
            return kpi_part.Measured(kpi, share, "" if share is not None else "it was not looked at in this time")
        return await _of_series(sources, kpi, span)
    except KeepwellError as error:
        return kpi_part.Measured(kpi, None, str(error))


async def _of_series(sources: Sources, kpi: Kpi, span: Span) -> kpi_part.Measured:
    """The worst of the series."""
    spreads = await sources.measures.spread(kpi.about, span)
    values = [spread.figures[kpi.measure] for spread in spreads if kpi.measure in spread.figures]
    if not values:
        return kpi_part.Measured(kpi, None, f"there are no samples of {kpi.about} in this time")
    worst = values[0]
    for value in values[1:]:
        worst = value if kpis.is_worse(kpi, value, worst) else worst
    return kpi_part.Measured(kpi, worst, lines=tuple(await sources.measures.lines(kpi.about, span, "avg")))


async def _uptime(sources: Sources, checks: Sequence[CheckFacts], span: Span) -> Part:
    uptimes: list[Uptime] = []
    failed: list[Failed] = []
    for check in checks[:MOST_CHECKS]:
        try:
            uptimes.append(await sources.measures.uptime(check.name, span))
            failed.append(await sources.measures.failed(check.name, span))
        except KeepwellError:  # never looked at: its row says so
            continue
    return uptime.part(checks, uptimes, failed)


async def _alerts(sources: Sources, span: Span) -> Part:
    if sources.alerts is None:
        return not_measured(alerts.KEY, alerts.TITLE, "this Keepwell keeps no alerts")
    return alerts.part(await sources.alerts(span), span.end)
