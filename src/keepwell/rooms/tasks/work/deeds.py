"""What people do with tasks: begin one now, say that one is done, or that it is not done this time."""

from typing import Protocol

from keepwell.kernel.problems import UsageError
from keepwell.rooms.tasks.model import Run, State, stamp
from keepwell.rooms.tasks.store import Lost

from .keeper import Tasks


class Stop(Protocol):
    """Ends the work of that record, which waits for a person, because somebody says that it is not done this time."""

    async def __call__(self, record: str, by: str, note: str, /) -> None: ...


async def _nothing(record: str, by: str, note: str) -> None:
    """Nothing is left that could go on."""


class Deeds:
    """Checks what may be done, and does it. Every method raises NotFound where there is no such task, UsageError where it cannot be done
    now, StorageError."""

    def __init__(self, tasks: Tasks, stop: Stop = _nothing) -> None:
        self._tasks = tasks
        self._stop = stop

    async def run_now(self, name: str, by: str) -> Run:
        """Begins a task now, beside its cadence; what comes of it is kept as of any other occasion."""
        task, standing = self._tasks.find(name)
        if task.work is None:
            why = f"waits for {task.waits_for}" if task.waits_for else "is done by a person"
            hint = "say in keepwell.yaml what it does" if task.waits_for else f"keepwell tasks done {name}, once it is due and done"
            raise UsageError(f"{name} {why}", hint=hint)
        if standing.open is not None:
            since = stamp(standing.open.started_at or standing.open.due_at)
            raise UsageError(f"{name} is {standing.open.state.value} since {since}", hint=f"keepwell tasks show {name}")
        run = await self._tasks.start(task, by)
        if isinstance(run, Lost):
            raise UsageError(f"{name} cannot begin now: {run.lock or 'it'} is in use", hint="try again when that has ended")
        return run

    async def done(self, name: str, by: str, note: str, actor: str = "") -> Run:
        """A person did what waits for one: ``by``, as ``actor`` says, whom the journal names."""
        task, _ = self._tasks.find(name)
        if task.work is not None:
            raise UsageError(f"{name} is work of Keepwell's", hint="tick its steps where its run is shown, or say keepwell tasks skip")
        return await self._said(name, State.DONE, f"done by {by}", actor or by, note)

    async def skip(self, name: str, by: str, note: str, actor: str = "") -> Run:
        """What waits for a person is not done this time: nor does it go on when somebody ticks or permits it later."""
        run = await self._said(name, State.SKIPPED, f"skipped by {by}", actor or by, note)
        if run.record:
            await self._stop(run.record, actor or by, note)
        return run

    async def rewind(self, name: str, by: str, actor: str = "") -> None:
        """The clock had been ahead, as a person says: what was decided since it was set right is decided anew."""
        task, standing = self._tasks.find(name)
        if standing.ahead_since is None:
            raise UsageError(f"nothing of {name} was decided ahead of the clock", hint=f"keepwell tasks show {name}")
        await self._tasks.rewind(task, standing.ahead_since, by, actor or by)

    async def _said(self, name: str, state: State, sentence: str, actor: str, note: str) -> Run:
        _, standing = self._tasks.find(name)
        run = standing.open
        if run is None or run.state is not State.WAITING:
            raise UsageError(f"nothing of {name} waits for a person now", hint=f"keepwell tasks show {name}")
        closed = await self._tasks.close(run, state, f"{sentence}: {note}" if note else sentence, actor)
        if closed is None:
            raise UsageError(f"nothing of {name} waits for a person any more", hint=f"keepwell tasks show {name}")
        return closed
