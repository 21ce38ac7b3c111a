"""Audits put together: on the database and the hosts, their findings told to the desk of alerts, made when the calendar says so."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import verbs as composed
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.alerts import Tell
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.runner import Command, Result
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.audits import offer, store
from keepwell.rooms.audits.face import face
from keepwell.rooms.audits.model import LOCAL, Found, Made
from keepwell.rooms.audits.work import Audits, Verbs
from keepwell.storage.database import Database
from keepwell.storage.under_way import Server, UnderWay


class AuditRoom:
    """The room of audits while a server runs."""

    def __init__(self, database: Database, hosts_of: Callable[[str], Host], tell: Tell, server: Server) -> None:
        self._database = database
        self._hosts_of = hosts_of
        clock = hosts_of(LOCAL).clock
        self._under_way = UnderWay(database, clock, "audits", server)
        self._under_way.take_up = self._take_up
        self._verbs = Verbs(database.read, database.write, tell, self._run, clock, self._holding)
        self.audits = Audits(self._verbs)

    @property
    def performs(self) -> Mapping[str, Perform]:
        """It makes audits."""
        return {"audit": self.audits.perform}

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.audits, self._under_way)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self.audits.on_wake(wake)

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """When each audit is made."""
        return offer.recurring_of(operations)

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration; what an end of the server interrupted is under way no more."""
        if not self._database.shared:  # else what is interrupted is told from what another server has under way
            await self._database.write(store.forget_interrupted)
        await self.configure(operations)

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration."""
        self.audits.configure(offer.audits_of(operations, composed.control_kinds()), operations.values["web"].address)

    async def end(self) -> None:
        """Has nothing left to store."""

    async def open_findings(self) -> Sequence[Found]:
        """The findings that are not gone, each with the waiver that holds now. Raises StorageError."""
        return await self.audits.findings()

    async def newest_all(self) -> Mapping[str, Made]:
        """The newest that has ended, of each audit. Raises StorageError."""
        return await self._database.read(store.newest_runs)

    def face(self) -> Face:
        """What it shows."""
        return face(self.audits, self._verbs, _caller)

    def _holding(self, occasion: str) -> AbstractAsyncContextManager[bool]:
        """What a schedule asks for is held by the calendar."""
        return self._under_way.holding(occasion) if occasion.startswith(store.OWN) else nullcontext(True)

    async def _take_up(self) -> None:
        """What a person asked a server for that is gone is under way no more."""
        for one in await self._under_way.over(await self._database.read(store.unfinished)):
            async with self._under_way.holding(one.key) as is_ours:
                if is_ours:
                    await self._database.write(partial(store.forget_begun, occasion=one.key))

    async def _run(self, host: str, command: Command) -> Result:
        return await self._hosts_of(host).runner.run(command)


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
