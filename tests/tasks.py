"""A room of tasks for tests: a real database, a clock that jumps, and work that a test performs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keepwell.engine import Engine
from keepwell.kernel.cadences import parse_cadence
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import VirtualClock
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.tasks import store
from keepwell.rooms.tasks.model import Run, Server, Task
from keepwell.rooms.tasks.offer import tables
from keepwell.rooms.tasks.work.deeds import Deeds
from keepwell.rooms.tasks.work.keeper import Tasks
from keepwell.storage import journal
from keepwell.storage.database import Database

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def task(name: str, every: str = "hourly", zone: str = "UTC", **more: object) -> Task:
    """A task that runs the runbook of its own name, unless said otherwise."""
    given = {"work": Work("runbook", name), **more}
    return Task(name, parse_cadence(every, zone), **given)  # type: ignore[arg-type]


class Worker:
    """Performs work as a test says: ``outcomes`` by name, else done at once. Keeps every occasion that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.outcomes: dict[str, Performed | Exception | asyncio.Event] = {}

    @property
    def names(self) -> list[str]:
        """What was performed, in order."""
        return [name for name, _ in self.asked]

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ports.work.Perform."""
        self.asked.append((work.name, occasion.key))
        outcome = self.outcomes.get(work.name, Performed(Outcome.DONE, f"{work.name} was done", "runs/1"))
        if isinstance(outcome, asyncio.Event):
            await outcome.wait()
            return Performed(Outcome.DONE, f"{work.name} was done at last")
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Told:
    """What is active, by source, as the alerts were told last."""

    def __init__(self) -> None:
        self.active: dict[str, Sequence[Active]] = {}

    async def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        """See ports.alerts.Tell."""
        self.active[source] = active

    @property
    def names(self) -> list[tuple[str, str]]:
        """The task and the name of each active alert."""
        return sorted((alert.labels["task"], alert.labels["alertname"]) for alerts in self.active.values() for alert in alerts)

    def summary(self, source: str) -> str:
        """What the one alert of a task says."""
        (alert,) = self.active[f"tasks/{source}"]
        return alert.annotations["summary"]


class Played:
    """A room under a clock that stands until it is moved, and then jumps."""

    def __init__(self, database: Database, clock: VirtualClock, worker: Worker, told: Told, server: Server) -> None:
        self.database, self.clock, self.worker, self.told = clock.holding(database), clock, worker, told
        self.tasks = Tasks(self.database, clock, worker.perform, told.tell, server)
        self.deeds = Deeds(self.tasks)
        self.engine = Engine([self.tasks], clock)
        self.tasks.on_wake(self.engine.wake)
        self._running: asyncio.Task[None] | None = None

    async def begin(self, *tasks: Task) -> None:
        """Takes tasks and starts the engine."""
        await self.tasks.begin(tasks)
        self._running = asyncio.create_task(self.engine.run())
        await self.settle()

    async def advance(self, **span: float) -> None:
        """Lets so much time pass (``hours=1``), and everything happen that follows from it."""
        await self.clock.play(self.clock.now() + timedelta(**span))

    async def settle(self) -> None:
        """Lets everything happen that is due now."""
        await self.advance(milliseconds=1)

    async def runs(self, name: str | None = None) -> list[Run]:
        """Its occasions, oldest first."""
        return list(reversed(await self.database.read(lambda connection: store.runs(connection, name, None, 10_000))))

    async def outcomes(self, name: str) -> list[str]:
        """Each occasion of a task, as its time and what came of it."""
        return [f"{run.due_at:%m-%d %H:%M} {run.state.value}{f' x{run.count}' if run.count > 1 else ''}" for run in await self.runs(name)]

    async def events(self, name: str) -> list[str]:
        """What the journal says of a task, oldest first."""
        entries = await self.database.read(lambda connection: journal.slice(connection, f"tasks/{name}", limit=10_000))
        return [entry.event for entry in reversed(entries)]

    async def end(self) -> None:
        """Stops it, as a server stops: what is under way is cancelled."""
        await self.engine.stop(0)
        if self._running is not None:
            await self._running


@asynccontextmanager
async def played(
    place: Path | str,
    *tasks: Task,
    now: datetime = NEW_YEAR,
    worker: Worker | None = None,
    told: Told | None = None,
    server: Server | None = None,
    clock: VirtualClock | None = None,
) -> AsyncIterator[Played]:
    """A room on a database (that of a folder, or at that place), for the length of a ``with``."""
    where = place / "keepwell.sqlite" if isinstance(place, Path) and not place.suffix else place
    database = await Database.open(where, [tables()], now)
    room = Played(database, clock or VirtualClock(now), worker or Worker(), told or Told(), server or Server("one"))
    try:
        await room.begin(*tasks)
        yield room
    finally:
        await room.end()
        await database.close()
