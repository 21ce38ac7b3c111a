"""Makes a report: asks every source, and says of each that cannot answer why."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.reports import kpis
from keepwell.rooms.reports.kpis import Kpi
from keepwell.rooms.reports.model import Part, Report, Span, not_measured
from keepwell.rooms.reports.parts import alerts, analyses, backups, capacity, findings, incidents, objectives, tasks
from keepwell.rooms.reports.parts import kpis as kpi_part
from keepwell.rooms.reports.sources import Sources

from .measuring import grown, kpi_measured, uptime_part

Facts = TypeVar("Facts")
Making = Callable[[], Awaitable[Part]]
_NOT_WRITTEN = "the section {} is not written"


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
    asking = (_capacity if wanted.kind == "capacity" else _weekly)(sources, figures, wanted.span)
    parts = [await _part(key, title, ask) for key, title, ask in asking]
    return Report(wanted.kind, wanted.name, wanted.title, wanted.service, wanted.span, wanted.made_at, tuple(parts))


async def _part(key: str, title: str, ask: Making) -> Part:
    """One after the other: a report may take a moment, and looking goes on meanwhile."""
    await asyncio.sleep(0)
    try:
        return await ask()
    except KeepwellError as error:
        return not_measured(key, title, str(error))


def _weekly(sources: Sources, figures: Sequence[Kpi], span: Span) -> Sequence[tuple[str, str, Making]]:
    async def key_figures() -> Part:
        return kpi_part.part([await kpi_measured(sources.measures, kpi, span) for kpi in figures], span)

    async def up() -> Part:
        return await uptime_part(sources, span)

    return (
        (kpi_part.KEY, kpi_part.TITLE, key_figures),
        _asked(objectives, "objectives", sources.objectives, objectives.part),
        ("uptime", "Uptime and errors", up),
        _asked(incidents, "incidents", _over(sources.incidents, span), incidents.part),
        _asked(alerts, "alerts", _over(sources.alerts, span), lambda fired: alerts.part(fired, span.end)),
        _asked(tasks, "tasks", _over(sources.tasks, span), tasks.part),
        _asked(backups, "backups", _over(sources.backups, span), backups.part),
        _asked(findings, "audits", sources.findings, lambda audited: findings.part(audited, span.end)),
        _asked(analyses, "logs", _over(sources.analyses, span), analyses.part),
    )


def _capacity(sources: Sources, figures: Sequence[Kpi], span: Span) -> Sequence[tuple[str, str, Making]]:
    async def heading() -> Part:
        return capacity.part(await grown(sources.measures, figures, span), span)

    return ((capacity.KEY, capacity.TITLE, heading), *_weekly(sources, figures, span))


class _PartModule(Protocol):
    """A module of ``parts``."""

    KEY: str
    TITLE: str


def _asked(
    part: _PartModule, section: str, ask: Callable[[], Awaitable[Facts]] | None, made: Callable[[Facts], Part]
) -> tuple[str, str, Making]:
    """A part that is made of what one question gives."""
    key, title = part.KEY, part.TITLE

    async def making() -> Part:
        return not_measured(key, title, _NOT_WRITTEN.format(section)) if ask is None else made(await ask())

    return key, title, making


def _over(ask: Callable[[Span], Awaitable[Facts]] | None, span: Span) -> Callable[[], Awaitable[Facts]] | None:
    """A question about a span, with its span."""
    return (lambda: ask(span)) if ask is not None else None
