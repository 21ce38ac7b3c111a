"""Incidents beside a desk of alerts on a real database, with a clock that tests move and starts that tests make."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from keepwell.composition.alerting import AlertStore
from keepwell.composition.incidents import Alerts
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import FakeClock, fake_host
from keepwell.ports.runner import Command, Result
from keepwell.rooms.alerts import offer as alerts_offer
from keepwell.rooms.alerts.model import NOTICE_LIVES
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.incidents import offer, store
from keepwell.rooms.incidents.model import Incident, Policy, Severity
from keepwell.rooms.incidents.reading import Reading
from keepwell.rooms.incidents.verbs import Diagnostic, Verbs
from keepwell.rooms.incidents.work import Incidents
from keepwell.storage import journal
from keepwell.storage.database import Database
from tests.alerts_desk import NOW, POLICY

MINUTE = timedelta(minutes=1)
P1 = Severity("P1", 0, 15 * MINUTE, 30 * MINUTE, 240 * MINUTE, "Service down")
P2 = Severity("P2", 1, 60 * MINUTE)
SEVERITIES = Policy({"P1": P1, "P2": P2}, {"critical": "P1", "p1": "P1", "p2": "P2"})

Answer = Callable[[Command], Result | Exception]


class Life:
    """One life of the server: the desk of alerts and the incidents."""

    def __init__(self, database: Database, clock: FakeClock, answer: Answer | None = None) -> None:
        self.database, self.clock = database, clock
        self.ran: list[str] = []
        self._answer = answer
        self.desk = Desk(AlertStore(database, fake_host(clock=clock), lambda to: NOTICE_LIVES), clock)
        alerts = Alerts(self.desk, database)
        verbs = Verbs(database.read, database.write, alerts, self.desk.tell, self._run, clock)
        self.incidents = Incidents(verbs)
        self.reading = Reading(self.incidents, verbs, "shop")

    async def _run(self, host: str, command: Command) -> Result:
        self.ran.append(f"{host}: {' '.join(command.argv)}")
        assert self._answer is not None, "no answer was prepared"
        answer = self._answer(command)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def start(self, policy: Policy = SEVERITIES, diagnostics: Mapping[str, Diagnostic] = {}) -> "Life":
        """As the server starts it."""
        await self.desk.begin()
        await self.desk.configure(POLICY)
        await self.incidents.begin()
        self.incidents.configure(policy, diagnostics, "http://127.0.0.1:8750")
        await self.incidents.look()
        return self

    async def restarted(self, away: float = 0.0, **settings: object) -> "Life":
        """The next life, after so many seconds."""
        self.clock.advance(away)
        return await Life(self.database, self.clock, self._answer).start(**settings)  # type: ignore[arg-type]

    async def fire(self, *active: Active, source: str = "rules/a") -> "Life":
        """A source tells all that it holds for active, and incidents look."""
        await self.desk.tell(source, active, self.clock.now())
        await self.incidents.look()
        return self

    async def after(self, seconds: float) -> "Life":
        """Lets time pass; whatever is due is run at its instant."""
        end = self.clock.monotonic() + seconds
        while (due := self.next_due()) is not None and max(due, self.clock.monotonic()) <= end:
            self.clock.advance(max(due - self.clock.monotonic(), 0.0))
            for activity in (self.desk, self.incidents):
                for job in activity.take_due(self.clock.monotonic()):
                    await job.run()
        self.clock.advance(end - self.clock.monotonic())
        return self

    def next_due(self) -> float | None:
        """When something is due next."""
        return min((at for at in (self.desk.next_due(), self.incidents.next_due()) if at is not None), default=None)

    async def rows(self) -> Sequence[Incident]:
        """All incidents, oldest first."""
        return list(reversed(await self.database.read(lambda connection: store.newest(connection, 100))))

    async def events(self, number: int = 1) -> list[str]:
        """What the journal says of an incident, oldest first."""
        found = await self.database.read(lambda connection: journal.slice(connection, f"incidents/{number}", limit=100))
        return [entry.event.removeprefix("incident.") for entry in reversed(found)]

    def firing(self) -> list[str]:
        """The names of alerts of incidents that are active now."""
        return sorted(alert.name for alert in self.desk.active() if alert.source == "incidents")


def severe(name: str, severity: str = "P1", **labels: str) -> Active:
    """An alert that fires and opens an incident."""
    text = {"summary": f"{name} is bad"}
    return Active({"alertname": name, "severity": severity, **labels}, text, "firing", NOW, NOW)


def promising(**changes: timedelta | None) -> Policy:
    """The severities with other promises of P1."""
    return Policy({"P1": replace(P1, **changes), "P2": P2}, SEVERITIES.opens)  # type: ignore[arg-type]


@asynccontextmanager
async def life_on(place: Path | str, answer: Answer | None = None, **settings: object) -> AsyncIterator[Life]:
    """A first life on a database that is made there."""
    database = await Database.open(place, [alerts_offer.tables(), offer.tables()], NOW)
    try:
        yield await Life(database, FakeClock(NOW), answer).start(**settings)  # type: ignore[arg-type]
    finally:
        await database.close()
