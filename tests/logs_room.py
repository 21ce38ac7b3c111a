"""The room of logs on a real database, real files and this machine's programs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from keepwell.composition.logs import LogRoom
from keepwell.composition.verbs import local_host
from keepwell.config.core import core_sections
from keepwell.config.operations import load
from keepwell.ports.fakes import ListSamples
from keepwell.ports.host import Host
from keepwell.ports.permission import Permissions
from keepwell.ports.work import Occasion, Performed, Work
from keepwell.rooms.logs.offer import sections, tables
from keepwell.storage.database import Database

HEAD = "keepwell: 1\nservice: shop\n"


@asynccontextmanager
async def room_on(folder: Path, logs: str, place: Path | str | None = None) -> AsyncIterator["Rig"]:
    """The room over the section ``logs`` (YAML below that key), its database at ``place``, else in a file of ``folder``."""
    directory = folder / "ops"
    directory.mkdir(exist_ok=True)
    (directory / "keepwell.yaml").write_text(f"{HEAD}logs:\n{logs}")
    async with local_host() as host:
        database = await Database.open(place or folder / "keepwell.sqlite", (tables(),), host.clock.now())
        try:
            rig = Rig(database, host, directory)
            await rig.begin()
            yield rig
        finally:
            await database.close()


class Rig:
    """One life of the room."""

    def __init__(self, database: Database, host: Host, directory: Path) -> None:
        self.database, self.host, self.directory = database, host, directory
        self.samples = ListSamples()
        self.room = LogRoom(database, host, self.samples)
        self.count = 0

    def anew(self, permissions: Permissions | None = None) -> None:
        """Another life of the room on the same database."""
        self.room = LogRoom(self.database, self.host, self.samples, permissions)

    async def begin(self) -> None:
        """Reads the directory, and begins."""
        await self.room.begin(load(self.directory, (*core_sections(), *sections()), {}))

    async def do(self, kind: str, name: str, key: str = "") -> Performed:
        """Performs work, under a key of its own where none is given."""
        self.count += 1
        occasion = Occasion(key or f"test/{self.count}", "somebody", datetime(2026, 1, 1, tzinfo=UTC))
        return await self.room.performs[kind](Work(kind, name), occasion)
