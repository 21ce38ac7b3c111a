"""A program that imports a file and is killed at a write: ``FOLDER FILE POINT``. It ends with 0 where it came to the end before."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from keepwell.machine.clock import SystemClock
from keepwell.rooms.samples.files.child import work
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import NAME
from keepwell.rooms.samples.model import Keep
from keepwell.rooms.samples.transfer import importing
from keepwell.rooms.samples.transfer.importing import Import
from keepwell.rooms.samples.transfer.opened import Opened
from keepwell.rooms.samples.transfer.openmetrics_reading import OpenMetricsReader
from keepwell.rooms.samples.transfer.reading import Gathered
from keepwell.rooms.samples.transfer.sinks import StoreSink
from keepwell.rooms.samples.work.store import SampleStore, Settings


class Killer:
    """Counts the points of writes, and kills at one."""

    def __init__(self, left: int) -> None:
        self._left = left

    def __call__(self, step: str) -> None:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, file: Path, kill: Killer) -> None:
    """Imports the file as the command does."""
    files = Files(folder)
    store = SampleStore(folder, SystemClock(), Settings(every=0), files, kill)
    await store.begin()
    opened = Opened(
        store,
        Keep(),
        lambda: int(SystemClock().now().timestamp() * 1000),
        lambda kind, folder, log, start: work(kind, folder, log, start, kill),
        folder / NAME,
        files,
    )
    await opened.settle(lambda done, hours: None)
    with file.open("rb") as stream:
        await Import(OpenMetricsReader(Gathered({})), StoreSink(store, opened.refuse), lambda told: None, lambda done: None).run(
            stream, file.name
        )
    await opened.settle(lambda done, hours: None)
    await store.end()


if __name__ == "__main__":
    importing.BATCH = 500
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), Killer(int(sys.argv[3]))))
