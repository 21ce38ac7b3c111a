"""A server of tasks that is killed again and again: run as a program with a data directory and a folder for effects.

Time jumps from one occasion to the next, in steps of an hour; the file ``reached`` in the data directory has where it is and where it ends.
So after a kill the clock stands up to an hour before what was reached. Work takes a moment and has its effect once a key: what a performer
keeps to by its own journal is here a file that is made with O_EXCL.
"""

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from keepwell.composition.performing import Performers
from keepwell.engine import Engine
from keepwell.ports.fakes import VirtualClock
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.tasks.model import Server
from keepwell.rooms.tasks.offer import tables
from keepwell.rooms.tasks.work.keeper import Tasks
from keepwell.storage.database import Database
from tests.tasks import Told, task

STEP = timedelta(hours=1)
TASKS = (
    task("hourly", "hourly"),
    task("daily", "daily 02:30", "Europe/Berlin", locks=("disk",)),
    task("twice", "0 */12 * * *", locks=("disk",)),
    task("weekly", "Sunday 03:00"),
)


class Effects:
    """Work whose effect is a file of its key; each attempt is written down."""

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self._folder, self._clock = folder, clock

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ports.work.Perform."""
        with self._clock.standing_still():
            with (self._folder / "attempts").open("a") as attempts:
                attempts.write(f"{occasion.key}\n")
            await asyncio.sleep(0.005)
            try:
                os.close(os.open(self._folder / occasion.key.replace("/", "_"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return Performed(Outcome.DONE, "it had been done")
            await asyncio.sleep(0.005)
            return Performed(Outcome.DONE, "done")


async def main(data: Path, effects: Path) -> None:
    """Until it is killed, or has come to the end."""
    reached = data / "reached"
    begin, end = (datetime.fromisoformat(text) for text in reached.read_text().split())
    clock = VirtualClock(begin)
    performers = Performers()
    performers.take("runbook", Effects(effects, clock).perform)
    database = await Database.open(data / "keepwell.sqlite", [tables()], clock.now())
    tasks = Tasks(clock.holding(database), clock, performers.perform, Told().tell, Server("one"))
    engine = Engine([tasks], clock)
    tasks.on_wake(engine.wake)
    await tasks.begin(TASKS)
    running = asyncio.create_task(engine.run())
    while clock.now() < end:
        await clock.play(min(end, clock.now() + STEP))
        fresh = reached.with_suffix(".new")
        fresh.write_text(f"{clock.now().isoformat()} {end.isoformat()}")
        fresh.replace(reached)
    await engine.stop(10)
    await running
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
