"""Kills a deed of incidents behind each of its writes, for a test of who started it.

``python -m tests.faults.incidents_killed PLACE DEED AFTER``: a desk of alerts and incidents live on the database at PLACE, two alerts
open two incidents (DEED ``open``), and DEED (``acknowledge`` the first, or ``merge`` the second into the first, which somebody answers
before) begins. The process kills itself with SIGKILL as soon as the deed's AFTER-th write is stored; where the deed ends before that, it
ends by itself.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from keepwell.ports.fakes import FakeClock
from keepwell.rooms.alerts import offer as alerts_offer
from keepwell.rooms.incidents import offer
from keepwell.storage.database import Database
from tests.alerts_desk import NOW
from tests.incidents_desk import Life, severe

T = TypeVar("T")


class Dying(Database):
    """A database whose process is killed once so many more writes are stored."""

    left: int | None = None

    async def write(self, change: Callable[[Connection], T]) -> T:
        """See Database."""
        stored = await super().write(change)
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return stored


async def live(place: str, deed: str, after: int) -> None:
    """One life, up to its end."""
    database = await Dying.open(place, [alerts_offer.tables(), offer.tables()], NOW)
    life = await Life(database, FakeClock(NOW)).start()
    if deed == "open":
        database.left = after
    await life.fire(severe("A"), severe("B"))
    if deed == "merge":
        await life.incidents.acknowledge(1, "anna", "on it", "anna")
    if deed == "merge":
        database.left = after
        await life.incidents.merge(2, 1, "anna", "one outage", "anna")
    if deed == "acknowledge":
        database.left = after
        await life.incidents.acknowledge(1, "anna", "on it", "anna")
    await database.close()


if __name__ == "__main__":
    asyncio.run(live(sys.argv[1], sys.argv[2], int(sys.argv[3])))
