"""What the room of reports declares: the sections ``kpis`` and ``reports``, its table, and the reports of a configuration. Imports nothing
costly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Section, Tables

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.ports.work import Recurring

    from .options import KpiOptions, ReportOptions

READ, MAKE = "reports.read", "reports.make"

_KPIS = """\
# kpis:
#   # The figures by which the service is judged, for reports.
#   response-time: {metric: 'duration_seconds{check="api"}', target: "< 50ms", warning: "> 100ms", critical: "> 500ms"}
#   uptime: {uptime: api, target: ">= 99.9%", warning: "< 99.5%", critical: "< 99%"}
"""
_REPORTS = """\
# reports:
#   weekly: {every: "Monday 09:00", zone: UTC, to: [ops]}       # made by itself, and sent to the receiver ops
#   capacity: {every: "first Monday 09:00", to: [ops]}
"""
TITLES = {"weekly": "Weekly report", "capacity": "Capacity review"}
PERIODS = {"weekly": "week", "capacity": "month"}


@dataclass(frozen=True, slots=True)
class Known:
    """A report that can be made: of which kind, with which title, over which period; when by itself, and who gets it then."""

    name: str
    kind: str
    title: str
    period: str
    zone: str = "UTC"
    every: str | None = None
    to: tuple[str, ...] = ()
    late: timedelta = timedelta(hours=6)


def sections() -> tuple[Section, ...]:
    """Both sections."""
    return (
        Section("kpis", "The figures by which the service is judged", _kpi, named=True, sample=_KPIS),
        Section("reports", "What is reported, when, and to whom", _report, named=True, sample=_REPORTS),
    )


def tables() -> Tables:
    """The room's table."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("reports", metadata, str(Path(__file__).parent / "migrations"), "reports_0001")


def kpis_of(operations: "Operations") -> "Mapping[str, KpiOptions]":
    """The section ``kpis``."""
    found: Mapping[str, KpiOptions] = operations.options("kpis")
    return found


def reports_of(operations: "Operations") -> dict[str, Known]:
    """Every report that can be made, by name: those two that are always there, and those of the section ``reports``."""
    found = {kind: Known(kind, kind, TITLES[kind], PERIODS[kind]) for kind in TITLES}
    return {**found, **{name: _known(name, options) for name, options in operations.options("reports").items()}}


def recurring_of(operations: "Operations") -> "list[Recurring]":
    """The reports that are made by themselves, save those that a task makes."""
    from keepwell.ports.work import Recurring, Work

    by_tasks = {options.report for options in operations.options("tasks").values()}
    return [
        Recurring(f"reports/{one.name}", Work("report", one.name), one.every, one.zone, one.late)
        for one in reports_of(operations).values()
        if one.every is not None and one.name not in by_tasks
    ]


def check(operations: "Operations") -> None:
    """Raises ConfigurationError where reports do not say of which kind they are."""
    from keepwell.kernel.problems import ConfigurationError, Problem

    hint = "write kind: weekly or kind: capacity"
    problems = [
        Problem("reports.kind", f"the report {name} does not say of which kind it is", hint, operations.entries("reports")[name].place)
        for name, options in operations.options("reports").items()
        if options.kind is None and name not in TITLES
    ]
    if problems:
        raise ConfigurationError(*problems)


def _known(name: str, options: "ReportOptions") -> Known:
    kind = options.kind or name
    period = options.period or PERIODS[kind]
    return Known(name, kind, options.title or TITLES[kind], period, options.zone, options.every, options.to, options.late_for)


def _kpi() -> type[Any]:
    from .options import KpiOptions

    return KpiOptions


def _report() -> type[Any]:
    from .options import ReportOptions

    return ReportOptions
