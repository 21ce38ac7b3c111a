"""A room of backups for tests: real files, a real database, the programs of this machine, and a clock that a test moves."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from keepwell.composition import verbs
from keepwell.composition.backing import BackupRoom
from keepwell.composition.hosts import Hosts
from keepwell.ports.clock import Clock
from keepwell.ports.fakes import FakeClock
from keepwell.ports.permission import Permissions
from keepwell.ports.work import Occasion, Performed, Work
from keepwell.rooms.backups import store
from keepwell.rooms.backups.model import Copy
from keepwell.rooms.backups.offer import tables
from keepwell.storage import journal
from keepwell.storage.database import Database

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
BACKUP = """\
  settings:
    files: {{paths: [{source}], exclude: ["*.tmp"]}}
    to: here
"""


class Rig:
    """The room of one life of the server. ``source`` is what is backed up, ``repository`` where its copies lie."""

    def __init__(self, folder: Path, database: Database, clock: Clock) -> None:
        self.folder, self.database, self.clock = folder, database, clock
        self.source, self.repository, self.data = folder / "source", folder / "repository", folder / "data"
        self.room: BackupRoom
        self.permissions: Permissions | None = None
        self._asked = 0

    async def start(self, hosts: Hosts) -> "Rig":
        """As the server starts it."""
        self.hosts = hosts
        self.room = BackupRoom(self.database, hosts, self.data)
        self.room.backups.permissions = self.permissions
        await self.room.begin(verbs.load(str(self.folder / "ops")))
        return self

    def configure(self, backups: str = BACKUP, archive: str = "", rest: str = "") -> None:
        """Writes keepwell.yaml; in force from the next ``reload``."""
        text = (
            "keepwell: 1\nservice: shop\nbackups:\n"
            + backups.format(source=self.source)
            + f"repositories:\n  here: {{archive: {{path: {self.repository}{archive}}}}}\n"
            + rest
        )
        (self.folder / "ops").mkdir(exist_ok=True)
        (self.folder / "ops" / "keepwell.yaml").write_text(text)

    async def reload(self) -> None:
        """Takes what stands in keepwell.yaml."""
        await self.room.configure(verbs.load(str(self.folder / "ops")))

    async def restarted(self) -> "Rig":
        """The next life, on the same database and data directory."""
        await self.room.end()
        return await self.start(self.hosts)

    async def run(self, name: str = "settings", key: str = "") -> Performed:
        """Makes a backup; without a key for a new occasion."""
        return await self._perform(Work("backup", name), key)

    async def prove(self, name: str = "settings", copy: str = "", key: str = "") -> Performed:
        """Proves a backup."""
        return await self._perform(Work("proof", name, {"copy": copy} if copy else {}), key)

    async def _perform(self, work: Work, key: str) -> Performed:
        self._asked += 1
        return await self.room.backups.perform(work, Occasion(key or f"test/{self._asked}", "tests", self.clock.now()))

    async def copies(self, name: str = "settings") -> list[Copy]:
        """The copies that the records know, oldest first, gone ones too."""
        return await self.database.read(lambda connection: store.copies(connection, name, with_gone=True))

    async def events(self) -> list[str]:
        """The events of the journal, oldest first."""
        entries = await self.database.read(lambda connection: journal.slice(connection, limit=1000))
        return [entry.event for entry in reversed(entries) if not entry.event.startswith("storage.")]

    def newest(self, name: str = "settings") -> Path:
        """The folder of the newest copy."""
        return sorted(one for one in (self.repository / name).iterdir() if not one.name.startswith("."))[-1]


@asynccontextmanager
async def rig_on(folder: Path, clock: Clock | None = None) -> AsyncIterator[Rig]:
    """A room with some files to back up."""
    (folder / "data").mkdir()
    fill(folder / "source")
    used = clock or FakeClock(NOW)
    database = await Database.open(folder / "data" / "keepwell.db", [tables()], used.now())
    try:
        async with verbs.local_host() as host:
            hosts = Hosts(replace(host, clock=used))
            rig = Rig(folder, database, used)
            rig.configure()
            await rig.start(hosts)
            yield rig
            await rig.room.end()
            await hosts.close()
    finally:
        await database.close()


def fill(folder: Path, files: Mapping[str, bytes] | None = None) -> None:
    """Makes a small tree: modes, a link, a link to nothing, two names of one file, an empty folder, names that are hard to write."""
    (folder / "conf" / "empty").mkdir(parents=True)
    usual = {"conf/shop.conf": b"listen = 3001\n", "conf/key": b"k" * 5000, "täg\n1": b"", "big": b"0123456789" * 200_000}
    for name, content in (files or usual).items():
        (folder / name).write_bytes(content)
    (folder / "conf" / "key").chmod(0o600)
    (folder / "conf" / "shop.conf").chmod(0o640)
    (folder / "conf" / "here").symlink_to("shop.conf")
    (folder / "conf" / "nowhere").symlink_to("/does/not/exist")
    os.link(folder / "conf" / "key", folder / "again")
    (folder / "conf").chmod(0o750)
