"""Makes reports when somebody asks, and when their time has come; keeps the latter, and sends them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, NotFound
from keepwell.ports.clock import Clock
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.reports import store
from keepwell.rooms.reports.kpis import Kpi
from keepwell.rooms.reports.model import Report
from keepwell.rooms.reports.offer import Known
from keepwell.rooms.reports.periods import parse_period
from keepwell.rooms.reports.sources import Sources
from keepwell.rooms.reports.store import Kept
from keepwell.storage.database import Database
from keepwell.storage.journal import NewEntry, append


class Send(Protocol):
    """Puts a report among what is to be delivered to these receivers, in a transaction of its making; under the same key only once."""

    def __call__(self, connection: Connection, key: str, to: Sequence[str], report: Report, number: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class InForce:
    """What of a configuration matters here: the service, the reports that can be made, its figures, and the receivers' names."""

    service: str
    reports: Mapping[str, Known]
    kpis: Sequence[Kpi]
    receivers: Sequence[str] = ()


class Desk:
    """Makes reports. ``send`` puts them into the outbox, ``sent`` tells it that there is something new."""

    def __init__(
        self, database: Database, clock: Clock, sources: Callable[[], Sources], send: Send, sent: Callable[[], None] = lambda: None
    ) -> None:
        self._database, self._clock, self._sources = database, clock, sources
        self._send, self._sent = send, sent
        self.in_force = InForce("", {}, ())

    def known(self, name: str) -> Known:
        """A report that can be made. Raises NotFound."""
        found = self.in_force.reports.get(name)
        if found is None:
            raise NotFound(f"no report is called {name}", hint=f"there are: {', '.join(self.in_force.reports)}")
        return found

    async def make(self, name: str, period: str | None = None, occasion: Occasion | None = None) -> Report:
        """The report of that name, until now or until the instant of the occasion. Raises NotFound, and UsageError for a period that is
        none."""
        from .making import Wanted, make  # with every part that a report has

        known, now = self.known(name), self._clock.now()
        span = parse_period(period or known.period, occasion.at if occasion is not None else now, known.zone)
        in_force = self.in_force
        return await make(self._sources(), Wanted(known.kind, name, known.title, in_force.service, span, in_force.kpis, now))

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ``ports.work.Perform``: makes the report, keeps it and sends it, all of it once for an occasion. ``period`` and ``to`` (names
        with commas) of the arguments count instead of the configuration's."""
        kept = await self._database.read(lambda connection: store.by_key(connection, occasion.key))
        if kept is not None:
            return _performed(kept)
        known = self.known(work.name)
        named = work.arguments.get("to")
        to = tuple(part.strip() for part in named.split(",") if part.strip()) if named is not None else known.to
        unknown = [name for name in to if name not in self.in_force.receivers]
        if unknown:
            raise NotFound(f"there is no receiver {unknown[0]}", hint=f"there are: {', '.join(self.in_force.receivers) or 'none'}")
        try:
            report = await self.make(work.name, work.arguments.get("period"), occasion)
        except KeepwellError as error:
            return Performed(Outcome.FAILED, f"the report could not be made: {error}")
        return _performed(await self._keep(report, to, occasion))

    async def _keep(self, report: Report, to: Sequence[str], occasion: Occasion) -> Kept:
        now = self._clock.now()

        def change(connection: Connection) -> Kept:
            there = store.by_key(connection, occasion.key)
            if there is not None:
                return there
            number = store.put(connection, occasion.key, occasion.by, report, ", ".join(to))
            self._send(connection, f"report-{number}", to, report, number)
            facts = {"name": report.name, "headline": report.headline, "state": report.state, "sent_to": list(to)}
            append(connection, NewEntry(occasion.by or "keepwell", "report.made", f"reports/{number}", facts), now)
            kept = store.by_key(connection, occasion.key)
            assert kept is not None
            return kept

        kept = await self._database.write(change)
        if to:
            self._sent()
        return kept

    async def listed(self, name: str | None, before: int | None, limit: int) -> Sequence[Kept]:
        """Reports that are kept, newest first."""
        return await self._database.read(lambda connection: store.listed(connection, name, before, limit))

    async def whole(self, number: int) -> tuple[Kept, Report]:
        """One that is kept. Raises NotFound."""
        found = await self._database.read(lambda connection: store.whole(connection, number))
        if found is None:
            raise NotFound(f"there is no report {number}", hint="GET /api/v1/reports lists them")
        return found


def _performed(kept: Kept) -> Performed:
    sent = f", sent to {kept.sent_to}" if kept.sent_to else ""
    return Performed(Outcome.DONE, f"{kept.headline}{sent}", f"reports/{kept.number}")
