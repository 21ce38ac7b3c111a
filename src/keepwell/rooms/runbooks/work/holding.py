"""Which runs this server drives: each under a lease, so that of several servers on one database one drives it."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.storage import leases
from keepwell.storage.database import Database

LEASE = timedelta(minutes=2)
"""How long a run belongs to the server that drives it, unless it says so again."""

RENEWED = 40.0
"""Seconds between two renewals."""

_log = logging.getLogger("keepwell.runbooks")


class Taken(Exception):
    """Another server drives the run, or somebody changed it meanwhile."""


class Holding:
    """The leases of the runs that are driven. ``holder`` names this server among those on one database. An activity: it renews them."""

    def __init__(self, database: Database, clock: Clock, holder: str) -> None:
        self._database, self._clock, self._holder = database, clock, holder
        self._leases: dict[int, leases.Lease] = {}
        self._renew_at = 0.0

    def take_back(self, connection: Connection) -> None:
        """What this server held when it died is free again."""
        leases.release_all(connection, self._holder)

    def held(self, connection: Connection, number: int, now: datetime) -> leases.Lease:
        """The lease of a run, taken where it is not held. Raises Taken. Call it in the transaction that writes the run."""
        lease = self._leases.get(number)
        if lease is not None and leases.is_current(connection, lease, now):
            return lease
        taken = leases.acquire(connection, f"runs/{number}", self._holder, now, LEASE)
        if taken is None:
            raise Taken
        return taken

    def keep(self, number: int, lease: leases.Lease) -> None:
        """Remembers a lease once the transaction that took it is stored."""
        if not self._leases:
            self._renew_at = self._clock.monotonic() + RENEWED
        self._leases[number] = lease

    async def release(self, number: int, *, over: bool) -> None:
        """The run is driven no longer; where it is over, it never will be."""
        lease = self._leases.pop(number, None)
        if lease is None:
            return
        try:
            await self._database.write(lambda connection: (leases.remove if over else leases.release)(connection, lease))
        except StorageError as error:
            _log.warning("the lease of a run ends by itself", extra={"facts": {"run": number, "why": str(error)}})

    def next_due(self) -> float | None:
        """When leases are renewed; None where there are none."""
        return self._renew_at if self._leases else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The renewal of all of them, where it is due."""
        if not self._leases or self._renew_at > monotonic:
            return ()
        job = Job(self._renew_at, "leases of runs", self._renew)
        self._renew_at = monotonic + RENEWED
        return (job,)

    async def _renew(self) -> None:
        now = self._clock.now()
        held = dict(self._leases)

        def write(connection: Connection) -> dict[int, leases.Lease | None]:
            return {number: leases.renew(connection, lease, now, LEASE) for number, lease in held.items()}

        for number, lease in (await self._database.write(write)).items():
            if lease is not None and number in self._leases:
                self._leases[number] = lease
