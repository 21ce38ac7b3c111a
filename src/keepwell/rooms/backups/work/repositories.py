"""What lies in a repository beside what the records say of it: copies that came, went, or are not what they were."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from keepwell.kernel.problems import AskError, KeepwellError
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.repository import Repository
from keepwell.rooms.backups.decide import EXPIRED, WENT, doubt, in_order
from keepwell.rooms.backups.model import Copy, Found
from keepwell.rooms.backups.resolve import Backup
from keepwell.storage import journal

from .ports import Ports

_log = logging.getLogger("keepwell.backups")

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
        if any(copy.repository == backup.repository for copy in known):
            raise AskError(f"the repository {backup.repository} is not there: {repository.path} is no folder")
        return []  # what lies in another repository, in which it was kept before, is looked at once there is this one
    found = await ports.blocking(lambda: repository.copies(backup.name, public))
    known = await database.read(lambda connection: store.copies(connection, backup.name, with_gone=True))
    there = {one.id for one in found}
    for id in [one.id for one in known if one.gone_why.startswith(EXPIRED) and one.id in there]:
        await _remove(ports, repository, backup.name, id)
    changes = _changes(backup, found, known, now)
    if changes:
        await database.write(lambda connection: _store(connection, changes, now))
    return in_order(await database.read(lambda connection: store.copies(connection, backup.name)), now)


async def _remove(ports: Ports, repository: Repository, backup: str, id: str) -> None:
    """Deletes what should have gone; where that cannot be done now, the next look tries again."""
    try:
        await ports.blocking(partial(repository.remove, backup, id))
    except (KeepwellError, OSError) as error:
        _log.error("a copy that should be gone could not be deleted", extra={"facts": {"backup": backup, "copy": id, "why": str(error)}})


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
                copy = before or _judged(backup, store.known(one.manifest, one.digest, backup.repository), known, now)
                changes.append(("backup.copy-found", copy))
        elif (fault := one.fault or (_OTHER if one.digest != before.digest else "")) and fault != before.fault:
            changes.append(("backup.copy-damaged", replace(before, fault=fault)))
    ids = {one.id for one in found}
    went = [copy for copy in known if copy.gone_at is None and copy.id not in ids]
    changes += [("backup.copy-gone", store.gone(copy, now, _why_gone(copy, backup))) for copy in went]
    return [(event, replace(copy, gone_at=None, gone_why="") if event == "backup.copy-found" else copy) for event, copy in changes]


def _judged(backup: Backup, copy: Copy, known: Sequence[Copy], now: datetime) -> Copy:
    """A copy that was finished when a crash came, before anybody judged it."""
    earlier = [one for one in in_order(known, now) if one.gone_at is None and one.started < copy.started]
    return replace(copy, doubt=doubt(copy.bytes, copy.files, earlier, backup.options.plausible))


def _why_gone(copy: Copy, backup: Backup) -> str:
    if copy.repository == backup.repository:
        return WENT
    return f"it was left in the repository {copy.repository}: {backup.name} is kept in {backup.repository} now"


def _store(connection: Connection, changes: Sequence[tuple[str, Copy]], now: datetime) -> None:
    for _, copy in changes:
        store.put(connection, copy)
    entries = [
        journal.NewEntry("keepwell", event, f"backups/{copy.backup}", {"copy": copy.id, "why": copy.fault or copy.gone_why})
        for event, copy in changes
    ]
    journal.append_many(connection, entries, now)
