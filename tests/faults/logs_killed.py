"""Rotates the logs of a directory once, and is killed at the Nth thing that it does to files, processes or the database.

Started by test_logs_killed.py: ``python -m tests.faults.logs_killed DIRECTORY DATABASE KEY N``; N 0 is never. It prints how many there
were.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keepwell.composition.logs import LogRoom
from keepwell.composition.verbs import local_host
from keepwell.config.core import core_sections
from keepwell.config.operations import load
from keepwell.ports.fakes import ListSamples
from keepwell.ports.work import Occasion, Outcome, Work
from keepwell.rooms.logs.files import rotating
from keepwell.rooms.logs.files.folder import Folder
from keepwell.rooms.logs.offer import sections, tables
from keepwell.rooms.logs.work import rotate
from keepwell.storage.database import Database

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Deadly:
    """Counts what is done, before it and after it, and dies at one of these moments."""

    def __init__(self, moment: int) -> None:
        self.moment, self.count = moment, 0

    def tick(self) -> None:
        """One moment passed."""
        self.count += 1
        if self.count == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Makes a function of a module or class deadly."""
        real: Callable[..., Any] = getattr(owner, name)

        def deadly(*arguments: Any, **named: Any) -> Any:
            self.tick()
            answer = real(*arguments, **named)
            self.tick()
            return answer

        setattr(owner, name, deadly)

    def around_awaited(self, owner: Any, name: str) -> None:
        """The same for what is awaited."""
        real: Callable[..., Any] = getattr(owner, name)

        async def deadly(*arguments: Any, **named: Any) -> Any:
            self.tick()
            answer = await real(*arguments, **named)
            self.tick()
            return answer

        setattr(owner, name, deadly)


async def main(directory: str, database_place: str, key: str, moment: int) -> None:
    """Performs the one occasion."""
    operations = load(Path(directory), (*core_sections(), *sections()), {})
    async with local_host() as host:
        database = await Database.open(Path(database_place), (tables(),), AT)
        room = LogRoom(database, host, ListSamples())
        await room.begin(operations)
        deadly = Deadly(moment)
        for name in ("rename", "create", "remove", "settle"):
            deadly.around(Folder, name)
        for name in ("write", "fsync", "ftruncate", "utime"):
            deadly.around(os, name)
        deadly.around(rotating, "wait_until_free")
        deadly.around(rotate, "tell")
        deadly.around_awaited(Database, "write")
        performed = await room.performs["rotation"](Work("rotation", "shop"), Occasion(key, "tasks/rotate", AT))
        await room.end()
        await database.close()
    print(deadly.count, performed.outcome.value, performed.sentence)
    sys.exit(0 if performed.outcome is Outcome.DONE else 1)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
