"""A room of tasks for tests: a real database, a clock that a test moves, and work that a test performs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from keepwell.engine import Engine
from keepwell.kernel.cadences import parse_cadence
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import FakeClock
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.tasks.model import Task
from keepwell.rooms.tasks.offer import tables
from keepwell.rooms.tasks.work.keeper import Tasks
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

    def names(self) -> list[tuple[str, str]]:
        """The task and the name of each active alert."""
        return sorted((alert.labels["task"], alert.labels["alertname"]) for alerts in self.active.values() for alert in alerts)


class Played:
    """A room under a clock that stands until it is moved."""

    def __init__(self, database: Database, clock: FakeClock, worker: Worker, told: Told, holder: str) -> None:
        self.database, self.clock, self.worker, self.told = database, clock, worker, told
        self.tasks = Tasks(database, clock, worker.perform, told.tell, holder)
        self.engine = Engine([self.tasks], clock)
        self.tasks.on_wake(self.engine.wake)
        self._run: asyncio.Task[None] | None = None

    async def begin(self, *tasks: Task) -> None:
        """Takes tasks and starts the engine."""
        await self.tasks.begin(tasks)
        self._run = asyncio.create_task(self.engine.run())
        await self.settle()

    async def advance(self, seconds: float, step: float = 60.0) -> None:
        """Lets time pass, in steps, each until everything that follows from it has happened."""
        left = seconds
        while left > 0:
            self.clock.advance(min(step, left))
            left -= step
            await self.settle()

    async def settle(self) -> None:
        """Until nothing is due."""
        for _ in range(1000):
            await asyncio.sleep(0.001)
            due = self.tasks.next_due()
            if (due is None or due > self.clock.monotonic()) and not self.tasks.is_looking:
                return

    async def end(self) -> None:
        """Stops it, as a server stops: what is under way is cancelled."""
        await self.engine.stop(0)
        if self._run is not None:
            await self._run


@asynccontextmanager
async def played(
    folder: Path, *tasks: Task, now: datetime = NEW_YEAR, worker: Worker | None = None, told: Told | None = None, holder: str = "one"
) -> AsyncIterator[Played]:
    """A room on the database of a folder, for the length of a ``with``."""
    database = await Database.open(folder / "keepwell.sqlite", [tables()], now)
    room = Played(database, FakeClock(now), worker or Worker(), told or Told(), holder)
    try:
        await room.begin(*tasks)
        yield room
    finally:
        await room.end()
        await database.close()


