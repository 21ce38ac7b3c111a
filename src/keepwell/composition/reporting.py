"""Reports put together: what they ask of the other rooms, where they are kept, and how they are sent."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import reported
from keepwell.composition import reported_rooms as rooms
from keepwell.composition.alerting import AlertRoom
from keepwell.composition.samples import SampleRoom
from keepwell.composition.samples_shown import measured
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.alerts.model import NOTICE_LIVES, Letter, Notice
from keepwell.rooms.alerts.outbox import store as outbox
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.reports import kpis
from keepwell.rooms.reports.face import face
from keepwell.rooms.reports.model import Report
from keepwell.rooms.reports.offer import kpis_of, recurring_of, reports_of
from keepwell.rooms.reports.sources import Sources
from keepwell.rooms.reports.work.desk import Desk, InForce
from keepwell.storage.database import Database


class ReportRoom:
    """The room of reports while a server runs."""

    def __init__(self, database: Database, host: Host, samples: SampleRoom, alerts: AlertRoom) -> None:
        self._database = database
        self._clock = host.clock
        self._samples = samples
        self._alerts = alerts
        self._operations: Operations | None = None
        self.checks: Checks | None = None
        """Whose states are told; set before ``begin``."""
        self.others = rooms.Others()
        """The rooms that do work; set before ``begin``."""
        self.desk = Desk(database, host.clock, self._sources, self._send, alerts.outbox.wake_up)

    @property
    def performs(self) -> Mapping[str, Perform]:
        """It makes reports."""
        return {"report": self.desk.perform}

    @property
    def activities(self) -> Sequence[Activity]:
        """None: its times are the calendar's."""
        return ()

    def on_wake(self, wake: Callable[[], None]) -> None:
        """It wakes nobody."""

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """The reports that are made by themselves."""
        return recurring_of(operations)

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration."""
        await self.configure(operations)

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration."""
        self._operations = operations
        figures, receivers = kpis.configured(kpis_of(operations)), tuple(operations.entries("receivers"))
        self.desk.in_force = InForce(operations.service, reports_of(operations), figures, receivers)

    async def end(self) -> None:
        """Nothing waits: a report is stored when it is made."""

    def face(self) -> Face:
        """What is shown of reports."""
        return face(self.desk, self._clock, _caller)

    def _sources(self) -> Sources:
        assert self.checks is not None
        asker, others = self._samples.asker(), self.others
        return Sources(
            checks=reported.check_facts(self.checks, lambda check: measured(self._samples.store, check)),
            measures=reported.SampleMeasures(asker),
            objectives=reported.promised(asker),
            alerts=reported.fired(self._database),
            tasks=rooms.tasks_asked(others.tasks),
            backups=rooms.backups_asked(others.backups, self._database, self._clock.now),
            findings=rooms.findings_asked(others.audits, self._severities),
            incidents=rooms.incidents_asked(others.incidents),
            analyses=rooms.analyses_asked(others.logs),
        )

    def _severities(self) -> Mapping[str, str]:
        """That of the findings of each audit."""
        assert self._operations is not None
        return {name: str(getattr(entry.common, "severity", "warning")) for name, entry in self._operations.entries("audits").items()}

    def _send(self, connection: Connection, key: str, to: Sequence[str], report: Report, number: int) -> None:
        assert self._operations is not None
        known, address = self._operations.options("receivers"), self._operations.values["web"].address
        letter = _letter(report, f"{address.rstrip('/')}/reports/{number}" if address else "")
        notices = [_notice(f"{key}-{place}", name, report, letter) for place, name in enumerate(to, 1)]
        outbox.put(connection, notices, lambda name: known[name].expires if name in known else NOTICE_LIVES)


def _letter(report: Report, link: str) -> Letter:
    from keepwell.rooms.reports.render_html import html
    from keepwell.rooms.reports.render_text import text

    parts = [f"{part.title}: {part.headline}" for part in report.parts if part.headline]
    title = f"{report.service}: {report.title}, {report.span.words}"
    return Letter(title, "\n".join(parts) or report.headline, text(report), html(report), link)


def _notice(key: str, to: str, report: Report, letter: Letter) -> Notice:
    return Notice(
        key=key,
        to=to,
        group_key=f"{{}}/reports/{report.name}:{{receiver={to!r}}}",
        group_labels={"report": report.name},
        alerts=(),
        at=report.made_at,
        reason="a report",
        common_labels={"report": report.name, "service": report.service},
        common_annotations={"summary": letter.title, "description": letter.summary},
        service=report.service,
        letter=letter,
    )


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
