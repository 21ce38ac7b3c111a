"""What lies in a repository beside what the records say of it: copies that came, went, or are not what they were."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from keepwell.kernel.problems import AskError
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.repository import Repository
from keepwell.rooms.backups.decide import EXPIRED
from keepwell.rooms.backups.model import Copy, Found
from keepwell.rooms.backups.resolve import Backup
from keepwell.storage import journal

from .ports import Ports

WENT = "it is not in its repository any more"
_OTHER = "its manifest is not the one that was written when it was made"


def repository_of(backup: Backup) -> Repository:
    """The repository of a backup. Raises AskError where it has none that this version can use."""
    if backup.place is None:
        raise AskError(f"{backup.name} has no copies: {backup.why_not}")
    return Repository(Path(backup.place.path))


async def reconcile(ports: Ports, backup: Backup, public: bytes) -> list[Copy]:
    """Makes the records say what lies there; gives the copies that are there, oldest first. A copy that retention had decided to delete
    when a crash came is deleted now. Raises AskError where the repository cannot be looked at: then nothing is held for gone."""
    repository, database, now = repository_of(backup), ports.database, ports.host.clock.now()
    if not await ports.blocking(repository.path.is_dir):
        known = await database.read(lambda connection: store.copies(connection, backup.name))
        if known:
            raise AskError(f"the repository {backup.repository} is not there: {repository.path} is no folder")
        return []
    found = await ports.blocking(lambda: repository.copies(backup.name, public))
    known = await database.read(lambda connection: store.copies(connection, backup.name, with_gone=True))
    there = {one.id for one in found}
    for id in [one.id for one in known if one.gone_why.startswith(EXPIRED) and one.id in there]:
        await ports.blocking(partial(repository.remove, backup.name, id))
    changes = _changes(backup, found, known, now)
    if changes:
        await database.write(lambda connection: _store(connection, changes, now))
    return await database.read(lambda connection: store.copies(connection, backup.name))


def _changes(backup: Backup, found: Sequence[Found], known: Sequence[Copy], now: datetime) -> list[tuple[str, Copy]]:
    """What the records have to learn: an event, and the copy as it is now."""
    by_id = {copy.id: copy for copy in known}
    changes: list[tuple[str, Copy]] = []
    for one in found:
        before = by_id.get(one.id)
        if before is not None and before.gone_why.startswith(EXPIRED):
            continue
        if before is None or before.gone_at is not None:
            if one.manifest is not None and not one.fault:
                changes.append(("backup.copy-found", before or store.known(one.manifest, one.digest, backup.repository)))
        elif (fault := one.fault or (_OTHER if one.digest != before.digest else "")) and fault != before.fault:
            changes.append(("backup.copy-damaged", replace(before, fault=fault)))
    ids = {one.id for one in found}
    changes += [("backup.copy-gone", store.gone(copy, now, WENT)) for copy in known if copy.gone_at is None and copy.id not in ids]
    return [(event, replace(copy, gone_at=None, gone_why="") if event == "backup.copy-found" else copy) for event, copy in changes]


def _store(connection: Connection, changes: Sequence[tuple[str, Copy]], now: datetime) -> None:
    for _, copy in changes:
        store.put(connection, copy)
    entries = [
        journal.NewEntry("keepwell", event, f"backups/{copy.backup}", {"copy": copy.id, "why": copy.fault or copy.gone_why})
        for event, copy in changes
    ]
    journal.append_many(connection, entries, now)
