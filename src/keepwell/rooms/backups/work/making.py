"""Making a backup: a copy is written and read back, judged beside the earlier ones, and only then what is too old goes."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import AskError, KeepwellError
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.sealing import identities_of
from keepwell.rooms.backups.archive.signing import FILE, Signer, signer_in
from keepwell.rooms.backups.archive.writing import Means, Wanted, write_copy
from keepwell.rooms.backups.decide import WENT, doubt, in_order, retention
from keepwell.rooms.backups.engine import Place
from keepwell.rooms.backups.model import Copy, Found, Run
from keepwell.rooms.backups.resolve import Backup
from keepwell.rooms.backups.source import LeftOut, Seen
from keepwell.rooms.backups.words import copies_are, count, named
from keepwell.rooms.backups.words import size as size_words
from keepwell.storage import journal

from .own_database import with_a_copy_of_it
from .ports import Ports, scratch
from .repositories import reconcile, repository_of

_log = logging.getLogger("keepwell.backups")


async def signer(ports: Ports) -> Signer:
    """The key that signs manifests. Raises StorageError."""
    return await ports.blocking(lambda: signer_in(ports.data))


async def identities(ports: Ports, backup: Backup) -> list[object]:
    """The identities that open a backup's copies; none where none is set, or where the command that fetches it was not accepted."""
    place = backup.place
    if place is None or not place.recipients or not place.identity or backup.opens:
        return []
    return identities_of(await ports.host.secrets.resolve(place.identity))


async def make(ports: Ports, backup: Backup, run: Run, resumed: bool) -> Run:
    """Makes the copy of an occasion; gives the run as it ended. ``resumed``: an earlier attempt was cut off, so the copy may be there
    already. Raises KeepwellError or OSError where it failed."""
    key, now = await signer(ports), ports.host.clock.now
    before = now()
    copies = await reconcile(ports, backup, key.public)
    lost = await _lost(ports, backup, before)
    found = await _earlier(ports, backup, run, key) if resumed else None
    if found is None:
        found = await _written(ports, backup, run, key)
    assert found.manifest is not None
    copy = store.known(found.manifest, found.digest, backup.repository)
    earlier = [one for one in copies if one.id != copy.id]
    copy = replace(copy, doubt=doubt(copy.bytes, copy.files, earlier, backup.options.plausible))
    ended = _ended(run, copy, found, now(), (now() - before).total_seconds(), lost)
    await ports.database.write(lambda connection: _store(connection, ended, copy))
    if not copy.doubt:
        await _forget_safely(ports, backup, run.by)
    return ended


async def _lost(ports: Ports, backup: Backup, since: datetime) -> int:
    """How many copies were found to be gone since then, that nobody deleted."""
    copies = await ports.database.read(lambda connection: store.copies(connection, backup.name, with_gone=True))
    return sum(copy.gone_why == WENT and copy.gone_at is not None and copy.gone_at >= since for copy in copies)


async def _forget_safely(ports: Ports, backup: Backup, by: str) -> None:
    """Retention that cannot go on is said, and makes no copy bad that was made; the next backup goes on with it."""
    try:
        await forget(ports, backup, by)
    except (KeepwellError, OSError) as error:
        now, why = ports.host.clock.now(), str(error)
        entry = journal.NewEntry(by, "backup.retention-failed", f"backups/{backup.name}", {"why": why})
        _log.error("copies that should go could not be deleted", extra={"facts": {"backup": backup.name, "why": why}})
        await ports.database.write(lambda connection: journal.append(connection, entry, now))


async def _earlier(ports: Ports, backup: Backup, run: Run, key: Signer) -> Found | None:
    """The copy that an attempt at the same occasion finished before it was cut off."""
    copies = await ports.blocking(lambda: repository_of(backup).copies(backup.name, key.public))
    return next((one for one in copies if one.manifest and not one.fault and one.manifest.occasion == run.key), None)


async def _written(ports: Ports, backup: Backup, run: Run, key: Signer) -> Found:
    assert backup.source is not None
    assert backup.source.seen is not None
    assert backup.place is not None
    repository = repository_of(backup)
    # Neither the repository is part of what it keeps, nor what is restored from it to be proven.
    everything = backup.source.seen(backup.settings, (str(repository.path), str(scratch(ports.data))))
    wanted = Wanted(
        backup=backup.name,
        service=ports.service,
        host=ports.host.name,
        user=ports.user,
        occasion=run.key,
        source={backup.kind: backup.settings.model_dump(mode="json")},
        everything=with_a_copy_of_it(_without_key(everything, ports, backup.place), ports.data),
    )
    means = Means(ports.host.clock.now, key, backup.place.recipients, await identities(ports, backup), ports.stop)
    try:
        return await ports.blocking(lambda: write_copy(repository, wanted, means))
    except OSError as error:
        raise AskError(f"the copy cannot be written to {repository.path}: {error.strerror or error}") from error


def _without_key(everything: Iterator[Seen | LeftOut], ports: Ports, place: Place) -> Iterator[Seen | LeftOut]:
    """Who can read a repository could sign copies of their own with a key that lies in one of its copies."""
    key = (ports.data / FILE).stat()
    for one in everything:
        if not place.recipients and isinstance(one, Seen) and (one.facts.st_dev, one.facts.st_ino) == (key.st_dev, key.st_ino):
            yield LeftOut(f"{named(one.path)} is the key that signs copies, and these are not encrypted")
        else:
            yield one


def _ended(run: Run, copy: Copy, found: Found, now: datetime, seconds: float, lost: int) -> Run:
    assert found.manifest is not None
    totals = found.manifest.totals
    facts = {
        "files": copy.files,
        "bytes": copy.bytes,
        "archive_bytes": copy.archive_bytes,
        "duration_seconds": seconds,
        "changed": totals.changed,
    }
    sentence = f"{count(copy.files, 'file')} with {size_words(copy.bytes)} in {size_words(copy.archive_bytes)}, written and read back"
    if totals.changed:
        sentence += f"; {totals.changed} changed while they were read"
    if totals.left_out:
        more = len(totals.left_out) - 1 + totals.unsaid
        sentence += f"; left out: {totals.left_out[0]}" + (f" and {more} more" if more else "")
    if lost:
        sentence += f"; {copies_are(lost, 'earlier ')} not in the repository any more, and not deleted by Keepwell"
    if copy.doubt:
        sentence = f"the copy is implausible: {copy.doubt}; nothing older is deleted until somebody accepts it"
    return replace(run, state="failed" if copy.doubt else "done", ended=now, copy=copy.id, sentence=sentence, facts=facts)


def _store(connection: Connection, run: Run, copy: Copy) -> None:
    known = store.copy(connection, copy.backup, copy.id)
    store.put(connection, replace(copy, proven_at=known.proven_at, recovery_seconds=known.recovery_seconds) if known else copy)
    store.end(connection, run)
    facts = {"run": run.id, "copy": copy.id, "sentence": run.sentence, "manifest_sha256": copy.digest, **run.facts}
    event = "backup.implausible" if copy.doubt else "backup.made"
    assert run.ended is not None
    journal.append(connection, journal.NewEntry(run.by, event, f"backups/{copy.backup}", facts), run.ended)


async def forget(ports: Ports, backup: Backup, by: str) -> list[Copy]:
    """Deletes the copies that nothing keeps; gives them. Each is recorded as gone before its files go, so that a crash in between is
    finished later and no copy is ever claimed that is half deleted. Raises AnswerError, OSError or StorageError."""
    now = ports.host.clock.now()
    copies = in_order(await ports.database.read(lambda connection: store.copies(connection, backup.name)), now)
    verdicts = [one for one in retention(copies, backup.keep, now) if not one.kept]
    repository, gone = repository_of(backup), []
    for verdict in verdicts:
        ports.stop()
        copy = store.gone(verdict.copy, now, verdict.why)
        await ports.database.write(partial(_store_gone, copy=copy, by=by, now=now))
        await ports.blocking(partial(repository.remove, backup.name, copy.id))
        gone.append(copy)
    return gone


def _store_gone(connection: Connection, copy: Copy, by: str, now: datetime) -> None:
    store.put(connection, copy)
    facts = {"copy": copy.id, "why": copy.gone_why, "age": format_duration(max(now - copy.started, timedelta()))}
    journal.append(connection, journal.NewEntry(by, "backup.copy-deleted", f"backups/{copy.backup}", facts), now)
