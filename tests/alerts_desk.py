"""A desk on a real database, with a clock that tests move and starts that tests make."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from keepwell.composition.alerting import AlertStore
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import FakeClock, fake_host
from keepwell.rooms.alerts.model import NOTICE_LIVES, Alert, Notice, Posted
from keepwell.rooms.alerts.notice import unpacked
from keepwell.rooms.alerts.offer import tables
from keepwell.rooms.alerts.policy import Policy
from keepwell.rooms.alerts.routing.model import Route, Routing
from keepwell.rooms.alerts.store import alert_of
from keepwell.rooms.alerts.tables import ALERT, OUTBOX
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.storage import journal
from keepwell.storage.database import Database

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

ROUTE = Route("0", "{}", "hook", lambda labels: True, ("alertname",), timedelta(0), timedelta(seconds=10), timedelta(minutes=1))
POLICY = Policy("shop", Routing(ROUTE), receivers=("hook",))


def firing(name: str, *, value: float | None = None, **labels: str) -> Active:
    """An alert that its source holds for firing since the beginning."""
    return Active({"alertname": name, **labels}, {}, "firing", NOW, NOW, value=value)


def pending(name: str, since: datetime = NOW) -> Active:
    """One that its source holds for pending."""
    return Active({"alertname": name}, {}, "pending", since)


def posted(*names: str, **labels: str) -> list[Posted]:
    """Alerts that a program posts."""
    return [Posted({"alertname": name, **labels}, {}) for name in names]


class Rig:
    """The desk of one life of the server on its database."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock
        self.storing = AlertStore(database, fake_host(clock=clock), lambda to: NOTICE_LIVES)
        self.desk = Desk(self.storing, clock)

    async def start(self, policy: Policy = POLICY) -> "Rig":
        """As the server starts it."""
        await self.desk.begin()
        await self.desk.configure(policy)
        return self

    async def restarted(self, policy: Policy = POLICY, away: float = 0.0) -> "Rig":
        """The next life, after so many seconds."""
        self.clock.advance(away)
        return await Rig(self.database, self.clock).start(policy)

    async def after(self, seconds: float) -> "Rig":
        """Lets time pass; timers go off at their instants."""
        end = self.clock.monotonic() + seconds
        while (due := self.desk.next_due()) is not None and max(due, self.clock.monotonic()) <= end:
            self.clock.advance(max(due - self.clock.monotonic(), 0.0))
            for job in self.desk.take_due(self.clock.monotonic()):
                await job.run()
        self.clock.advance(end - self.clock.monotonic())
        return self

    async def tell(self, *active: Active, source: str = "rules/a") -> None:
        """A source tells all that it holds for active."""
        await self.desk.tell(source, active, self.clock.now())

    async def notices(self) -> list[Notice]:
        """What the outbox was given, in order."""
        query = select(OUTBOX.c.payload).order_by(OUTBOX.c.id)
        return [unpacked(payload) for payload in await self.database.read(lambda connection: list(connection.scalars(query)))]

    async def told(self) -> list[str]:
        """The same in short: ``hook +a -b``."""
        return [f"{notice.to} {' '.join(map(_sign, notice.alerts))}" for notice in await self.notices()]

    async def rows(self) -> Sequence[Alert]:
        """All alerts that are stored."""
        query = select(ALERT).order_by(ALERT.c.number)
        return await self.database.read(lambda connection: [alert_of(row) for row in connection.execute(query)])

    async def events(self) -> list[tuple[str, str]]:
        """What the journal says of alerts and silences: event and subject."""
        found = await self.database.read(lambda connection: journal.slice(connection, limit=1000))
        return [(entry.event, entry.subject) for entry in reversed(found) if not entry.event.startswith("storage.")]


@asynccontextmanager
async def rig_on(place: Path | str, policy: Policy = POLICY) -> AsyncIterator[Rig]:
    """A rig on a database that is made there."""
    database = await Database.open(place, [tables()], NOW)
    try:
        yield await Rig(database, FakeClock(NOW)).start(policy)
    finally:
        await database.close()


def routed(**changes: object) -> Policy:
    """The policy with another root route."""
    return replace(POLICY, routing=Routing(replace(ROUTE, **changes)))  # type: ignore[arg-type]


def refuse(connection: Connection) -> None:
    """A write that fails in the middle of a transaction."""
    raise RuntimeError("refused by the test")


def _sign(alert: object) -> str:
    labels: Mapping[str, str] = alert.labels  # type: ignore[attr-defined]
    return ("+" if alert.state == "firing" else "-") + labels["alertname"]  # type: ignore[attr-defined]


Decide = Callable[..., object]
