"""Tasks put together: the calendar of a running server, on the database, the clock, and whoever performs work."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.config.operations import Operations
from keepwell.kernel.problems import AskError
from keepwell.ports.activity import Activity
from keepwell.ports.alerts import Tell
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.samples.objectives.offer import windows_of
from keepwell.rooms.tasks import offer, store
from keepwell.rooms.tasks.face import face
from keepwell.rooms.tasks.model import Run, Server, Tally, Task, Total
from keepwell.rooms.tasks.routes import Verbs
from keepwell.rooms.tasks.work.deeds import Deeds
from keepwell.rooms.tasks.work.keeper import Tasks
from keepwell.storage.database import Database


class TaskRoom:
    """The room of tasks while a server runs. ``identity`` names the server among all that use its database, the same after a restart."""

    def __init__(self, database: Database, host: Host, perform: Perform, tell: Tell, identity: str) -> None:
        self._database = database
        self._clock = host.clock
        self.stop_run: Callable[[int, str, str], Awaitable[object]] | None = None
        """How a run that waits for a person is ended: its number, by whom, and what they said."""
        self.tasks = Tasks(database, host.clock, perform, tell, Server(f"{identity}/tasks", database.shared))

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.tasks,)

    async def begin(self, operations: Operations, recurring: Sequence[Recurring] = ()) -> None:
        """Takes the first configuration, and whatever recurs by sections of other rooms; goes on with what was under way. Raises
        StorageError."""
        await self.tasks.begin(_tasks(operations, recurring))

    async def configure(self, operations: Operations, recurring: Sequence[Recurring] = ()) -> None:
        """Takes a configuration. Raises StorageError, and then the one of before stays in force."""
        await self.tasks.configure(_tasks(operations, recurring))

    async def last_success(self, task: str) -> datetime | None:
        """When a task last ended well (see ports.records); None: never. Raises AskError where there is no such task."""
        known, at = await self._database.read(lambda connection: store.last_success(connection, task))
        if not known:
            raise AskError(f"no task is called {task}")
        return at

    async def totals(self, start: datetime, end: datetime, states: Sequence[str], most: int) -> tuple[Sequence[Total], Sequence[Run]]:
        """How many occasions were due at ``start`` or later and before ``end``, by task and state; and the newest of them in these states,
        oldest first."""
        return await self._database.read(
            lambda connection: (store.totals(connection, start, end), store.newest_in(connection, states, start, end, most))
        )

    def newest_all(self) -> Mapping[str, Run]:
        """The newest occasion of each task: the one that is open, else the one that ended last. None of a task that was never due."""
        newest = {task.name: standing.open or standing.last for task, standing in self.tasks.shown()}
        return {name: run for name, run in newest.items() if run is not None}

    def ended_all(self) -> Mapping[str, Run]:
        """The occasion of each task that ended last, whatever is open since."""
        return {task.name: standing.last for task, standing in self.tasks.shown() if standing.last is not None}

    def face(self) -> Face:
        """What it shows."""
        return face(Verbs(self.tasks, Deeds(self.tasks, self._stop), self._runs, self._tallies, self._clock.now, _caller))

    async def _stop(self, record: str, by: str, note: str) -> None:
        kind, _, number = record.partition("/")
        if kind == "runs" and self.stop_run is not None:
            await self.stop_run(int(number), by, note)

    async def _tallies(self, start: datetime, end: datetime) -> Sequence[Tally]:
        return await self._database.read(lambda connection: store.tallies(connection, start, end))

    async def _runs(self, task: str | None, before: datetime | None, limit: int) -> Sequence[Run]:
        return await self._database.read(lambda connection: store.runs(connection, task, before, limit))


def _tasks(operations: Operations, recurring: Sequence[Recurring]) -> tuple[Task, ...]:
    return offer.tasks_of(operations, windows_of(operations.entries("windows")), recurring)


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
