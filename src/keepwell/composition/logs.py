"""Logs put together: policies of the configuration, the machine's files, the database, and who else needs them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import verbs
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.permission import Permissions
from keepwell.ports.samples import Samples
from keepwell.ports.work import Occasion, Perform, Performed, Recurring, Work
from keepwell.rooms.logs import store
from keepwell.rooms.logs.face import Verbs, face
from keepwell.rooms.logs.model import Policy, Step
from keepwell.rooms.logs.offer import policies_of, recurring_of
from keepwell.rooms.logs.work.interrupted import Interrupted
from keepwell.rooms.logs.work.perform import ANALYSIS, CLEANUP, ROTATION, Performing
from keepwell.rooms.logs.work.rotate import Blocking, in_thread
from keepwell.rooms.logs.work.sizes import Sizes
from keepwell.rooms.logs.work.watch import Watching
from keepwell.storage.database import Database
from keepwell.storage.under_way import Server, UnderWay

if TYPE_CHECKING:
    from keepwell.config.operations import Operations

ONLY = Server("the only one")
"""Which server this is, where no other uses the database."""


class LogRoom:
    """The room of logs while a server runs. ``blocking`` runs what waits for disks and writers in a thread; a virtual clock hands its own.
    Without ``permissions`` cleaning up asks nobody. ``server`` is this one among those that use the database."""

    def __init__(
        self,
        database: Database,
        host: Host,
        samples: Samples,
        permissions: Permissions | None = None,
        blocking: Blocking = in_thread,
        server: Server = ONLY,
    ) -> None:
        self._database, self._host = database, host
        self._under_way = UnderWay(database, host.clock, "logs", server)
        self._performing = Performing(database, host, blocking, permissions, self._under_way)
        self._under_way.take_up = self._performing.take_up
        self.watching = Watching(database, host.clock, samples, blocking)
        self._performing.caught_up = self.watching.catch_up
        self._sizes = Sizes(host.clock, blocking, self._full)
        self._interrupted = Interrupted(host.clock, self._performing.go_on)

    @property
    def performs(self) -> Mapping[str, Perform]:
        """Who performs each kind of its work."""
        return dict.fromkeys((ROTATION, CLEANUP, ANALYSIS), self._performing.perform)

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        # Where others use the database too, what has no end may be under way with one of them.
        return (self.watching, self._sizes, self._under_way if self._database.shared else self._interrupted)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Nothing here becomes due by anything but time."""

    def recurring(self, operations: "Operations") -> Sequence[Recurring]:
        """Rotations by ``every``, where no task has them."""
        return recurring_of(operations)

    async def begin(self, operations: "Operations") -> None:
        """Takes the first configuration, and how far watched files were read. Raises StorageError."""
        await self.watching.begin()
        await self.configure(operations)

    async def configure(self, operations: "Operations") -> None:
        """Takes a configuration."""
        self._performing.policies = policies = policies_of(operations)
        self._performing.why = why_not(operations)
        self._sizes.configure(policies)
        await self.watching.configure(policies)

    async def end(self) -> None:
        """Stores what was counted and is not stored yet."""
        await self.watching.end()

    async def would_clean(self, name: str) -> Sequence[Step]:
        """What cleaning up would delete now. Raises NotFound."""
        return await self._performing.would_clean(self._performing.policy(name))

    async def newest(self, name: str, kind: str = ROTATION) -> Mapping[str, Any] | None:
        """The newest work of a kind on a policy (``shop``), or an analysis of one question (``shop/errors``)."""
        found = await self._database.read(lambda connection: store.newest(connection, kind, name))
        return store.shown(found[0]) if found else None

    async def analysed(self, start: datetime, stop: datetime) -> Sequence[Mapping[str, Any]]:
        """What was analysed in a span, newest first; ``details`` are the answers."""
        found = await self._database.read(lambda connection: store.between(connection, ANALYSIS, start, stop))
        return [store.shown(one) for one in found]

    def face(self) -> Face:
        """What it shows."""
        told = Verbs(
            policies=lambda: self._performing.policies,
            perform=self._performing.perform,
            would_clean=self._performing.would_clean,
            counted=self.watching.counted,
            faults=self.watching.faults,
            read=self._database.read,
            now=self._host.clock.now,
            caller=_caller,
        )
        return face(told)

    async def _full(self, policy: Policy, key: str) -> Performed:
        now = self._host.clock.now()
        size = policy.rotate.size if policy.rotate is not None and policy.rotate.size is not None else 0
        work = Work(ROTATION, policy.name, {"at_least": str(size)})
        return await self._performing.perform(work, Occasion(key, f"logs/{policy.name}", now))


def why_not(operations: "Operations") -> Callable[[str, str], str]:
    """Says of a text why it may not run; nothing where a person accepted exactly this one."""
    from keepwell.config.acceptance import Executable, read_acceptances

    acceptances, user = read_acceptances(operations.directory), verbs.effective_user()

    def why(name: str, text: str) -> str:
        executable = Executable(name, text, "", verbs.LOCAL, user)
        return "" if acceptances.accepts(executable) else acceptances.why_not(executable)

    return why


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
