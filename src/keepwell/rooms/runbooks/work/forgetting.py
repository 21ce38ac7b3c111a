"""Old runs are forgotten: the tables hold what is asked for, the journal holds everything."""

from collections.abc import Sequence
from datetime import timedelta

from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.rooms.runbooks import store
from keepwell.storage.database import Database

EVERY = 3600.0
"""Seconds between two looks."""

AT_ONCE = 500
"""Runs that one transaction deletes, so that it stays short."""


class Forgetting:
    """An activity that deletes runs which ended ``kept`` ago, but for the newest of each runbook."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self.kept = timedelta(days=90)
        self._due = clock.monotonic() + EVERY

    def next_due(self) -> float | None:
        """When it looks next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, where it is due."""
        if monotonic < self._due:
            return ()
        job = Job(self._due, "forget old runs", self.forget)
        self._due = monotonic + EVERY
        return (job,)

    async def forget(self) -> None:
        """Deletes them, a part after the other."""
        before = self._clock.now() - self.kept
        while await self._database.write(lambda connection: store.forget(connection, before, AT_ONCE)) == AT_ONCE:
            pass
