"""The rooms that do work, put together: each performs its kinds, what recurs is the calendar's, and all of them live and end together."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from keepwell.composition.performing import Performers
from keepwell.composition.tasks import TaskRoom
from keepwell.config.operations import Operations
from keepwell.kernel.problems import AskError
from keepwell.ports.activity import Activity
from keepwell.ports.offer import Face
from keepwell.ports.work import Perform, Recurring


class Doer(Protocol):
    """A room that does work, while a server runs."""

    @property
    def performs(self) -> Mapping[str, Perform]:
        """Who performs each kind of work that is this room's."""
        ...

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        ...

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        ...

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """What recurs by its own sections."""
        ...

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration, going on from what is stored. Raises StorageError."""
        ...

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration. Raises StorageError, and then the one of before stays in force."""
        ...

    async def end(self) -> None:
        """Stores what is not stored yet, once the engine has stopped."""
        ...

    def face(self) -> Face:
        """What it shows."""
        ...


class OwnRecords:
    """What Keepwell itself did (the port ``Records``), from whoever keeps it: the checks' host is there before they are."""

    def __init__(self) -> None:
        self.proofs: Callable[[str | None], Awaitable[datetime | None]] | None = None
        self.successes: Callable[[str], Awaitable[datetime | None]] | None = None

    async def newest_proof(self, backup: str | None) -> datetime | None:
        """See ports.records.Records."""
        if self.proofs is None:
            raise AskError("nobody keeps records of backups here")
        return await self.proofs(backup)

    async def last_success(self, task: str) -> datetime | None:
        """See ports.records.Records."""
        if self.successes is None:
            raise AskError("nobody keeps records of tasks here")
        return await self.successes(task)


class Doing:
    """All of them, and the calendar. ``retire`` ends what rooms told of that are not there any more."""

    def __init__(self, performers: Performers, tasks: TaskRoom, doers: Sequence[Doer], retire: Callable[[], Awaitable[None]]) -> None:
        self._tasks, self._doers, self._retire = tasks, doers, retire
        for doer in doers:
            for kind, perform in doer.performs.items():
                performers.take(kind, perform)

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for them."""
        return [activity for doer in self._doers for activity in doer.activities] + [*self._tasks.activities]

    def fault(self) -> str:
        """Why no task begins now; empty where nothing keeps them from it."""
        return self._tasks.tasks.fault

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        for doer in self._doers:
            doer.on_wake(wake)
        self._tasks.tasks.on_wake(wake)

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration; the calendar last, since it goes on with what a crash interrupted. Raises StorageError."""
        for doer in self._doers:
            await doer.begin(operations)
        await self._tasks.begin(operations, self._recurring(operations))
        await self._retire()

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration. Raises StorageError."""
        for doer in self._doers:
            await doer.configure(operations)
        await self._tasks.configure(operations, self._recurring(operations))

    async def end(self) -> None:
        """Stores what is not stored yet."""
        for doer in self._doers:
            await doer.end()

    def faces(self) -> tuple[Face, ...]:
        """What they show."""
        return (*(doer.face() for doer in self._doers), self._tasks.face())

    def _recurring(self, operations: Operations) -> list[Recurring]:
        return [one for doer in self._doers for one in doer.recurring(operations)]
