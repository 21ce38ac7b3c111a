"""What servers on one database have under way: each piece of work under a lease, so that what the death of a server interrupted is known
from what another one is doing.

1. Who begins a piece of work takes its lease first, and prolongs it as long as the work lasts.
2. Every server looks at the leases of work that has no end. One that nobody prolonged in ``LOOKS`` looks of its own in a row is that of a
   server that is gone: what is compared is whether it changed, not instants of clocks that may differ, and a look that the database did not
   answer counts as none, since nobody could prolong anything meanwhile. One of this server's that it knows nothing of is of its last life.
3. Who goes on with it, or says that it is interrupted, takes the lease from the one that is gone, unless that was prolonged meanwhile.

Where nobody else uses the database (SQLite) there are no leases: what has no end at the start is of the last life.
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock

from . import leases
from .database import Database
from .leases import Lease

LEASE = timedelta(minutes=1)
"""How long a lease lasts that nobody prolongs."""
EVERY = 20.0
"""Seconds between two prolongations, and between two looks."""
LOOKS = 4
"""Looks in a row in which the lease of a living server would have changed."""

_log = logging.getLogger("keepwell.storage")


@dataclass(frozen=True, slots=True)
class Server:
    """Which server this is. ``identity`` names it among all that use the database, the same after a restart; ``machine`` is the same for
    all that share a running kernel, so that a file's device and number mean the same file; empty where that is not known."""

    identity: str
    machine: str = ""

    @property
    def holder(self) -> str:
        """Its name in leases, of few characters."""
        return f"{_digest(self.identity)}/{self.machine}"


@dataclass(frozen=True, slots=True)
class Over:
    """Work whose server is gone. ``is_own``: it was this one, in an earlier life; ``is_here``: it ran on this machine, since its start."""

    key: str
    is_own: bool
    is_here: bool


class UnderWay:
    """The work of one room that servers have under way. It is an Activity: it prolongs and looks. ``take_up`` is awaited at every look, at
    the start first; it asks ``over`` what is to be taken up."""

    def __init__(self, database: Database, clock: Clock, room: str, server: Server) -> None:
        self.take_up: Callable[[], Awaitable[None]] = _nothing
        self._database, self._clock, self._room, self._server = database, clock, room, server
        self._held: dict[str, Lease | None] = {}
        self._unchanged: dict[str, tuple[Lease, int]] = {}
        self._due = clock.monotonic()
        self._is_looking = False
        self._fault = ""

    @asynccontextmanager
    async def holding(self, key: str) -> AsyncIterator[bool]:
        """Holds the lease of a piece of work while it is under way; False where another server has it. Raises StorageError."""
        if not self._database.shared:
            yield True
            return
        name = self._name(key)
        if name in self._held:
            raise RuntimeError(f"{key} is under way here already")
        self._held[name] = None  # before it is stored: what is stored and not held would be of an earlier life
        try:
            self._held[name] = await self._database.write(lambda connection: self._take(connection, name))
            yield self._held[name] is not None
        finally:
            await self._let_go(self._held.pop(name))

    def _take(self, connection: Connection, name: str) -> Lease | None:
        gone, looks = self._unchanged.get(name, (None, 0))
        if gone is not None and (looks >= LOOKS or self._is_own(gone)):
            leases.end(connection, gone)
        return leases.acquire(connection, name, self._server.holder, self._clock.now(), LEASE)

    async def _let_go(self, held: Lease | None) -> None:
        if held is None:
            return
        try:
            await self._database.write(lambda connection: leases.remove(connection, held))
        except StorageError as error:
            _log.warning("a lease ends by itself", extra={"facts": {"room": self._room, "why": str(error)}})

    async def over(self, keys: Iterable[str]) -> Sequence[Over]:
        """Those of these pieces of work, which have no end, whose server is gone, as of this look. What has no lease is left alone. Raises
        StorageError."""
        named = {self._name(key): key for key in keys}
        found = await self._database.read(lambda connection: leases.find(connection, list(named)))
        before, self._unchanged = self._unchanged, {}
        for lease in found:
            same, looks = before.get(lease.name, (None, 0))
            if lease.name not in self._held:
                self._unchanged[lease.name] = (lease, looks + 1 if same == lease else 1)
        machine = self._server.machine
        return [
            Over(named[name], self._is_own(lease), machine != "" and lease.holder.endswith(f"/{machine}"))
            for name, (lease, looks) in self._unchanged.items()
            if looks >= LOOKS or self._is_own(lease)
        ]

    def _is_own(self, lease: Lease) -> bool:
        """Whether a server of this name took it (on this machine since its start, or before): the data directory has one server only."""
        return lease.holder.startswith(f"{_digest(self._server.identity)}/")

    def _name(self, key: str) -> str:
        return f"{self._room}/{_digest(key)}"

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        return self._due if self._database.shared else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        if not self._database.shared or monotonic < self._due:
            return ()
        jobs = [Job(self._due, f"leases of {self._room}", self._prolong)]
        if not self._is_looking:  # what was taken up may last
            self._is_looking = True
            jobs.append(Job(self._due, f"interrupted {self._room}", self._look))
        self._due = monotonic + EVERY
        return jobs

    async def _look(self) -> None:
        try:
            await self.take_up()
            self._fault = ""
        except StorageError as error:
            self._warn(error)
        finally:
            self._is_looking = False

    async def _prolong(self) -> None:
        try:
            await self._prolong_all()
        except StorageError as error:
            self._warn(error)

    def _warn(self, error: StorageError) -> None:
        if not self._fault:
            _log.warning("what is under way cannot be stored or looked at", extra={"facts": {"room": self._room, "why": str(error)}})
        self._fault = str(error)

    async def _prolong_all(self) -> None:
        held, now = {name: one for name, one in self._held.items() if one is not None}, self._clock.now()

        def write(connection: Connection) -> dict[str, Lease | None]:
            again = self._server.holder, now, LEASE
            return {
                name: leases.renew(connection, one, now, LEASE) or leases.acquire(connection, name, *again) for name, one in held.items()
            }

        for name, lease in (await self._database.write(write)).items() if held else ():
            if lease is not None and name in self._held:
                self._held[name] = lease


async def _nothing() -> None:
    """What is taken up where nobody says."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
