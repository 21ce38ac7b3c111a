"""Recovering in place: paths of a copy are restored beside, compared, and put in the place of what is there, which is kept.

So a configuration or a program that a service needs comes back whole or not at all, and a service that runs is never without it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.permission import Decision, Deed, Permissions
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.compare import compare
from keepwell.rooms.backups.archive.exchange import put_in_place
from keepwell.rooms.backups.archive.extract import extract
from keepwell.rooms.backups.archive.reading import check_parts, members_of
from keepwell.rooms.backups.archive.repository import found_in
from keepwell.rooms.backups.model import Copy, Manifest, MemberKind, Run
from keepwell.rooms.backups.resolve import Backup
from keepwell.storage import journal

from .making import identities, signer
from .ports import Ports, remove
from .repositories import reconcile, repository_of

STAGING = ".keepwell-recovery-"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is put back: paths from the root, out of a copy, under a name that tells this recovery from others."""

    ports: Ports
    backup: Backup
    copy: Copy
    paths: Sequence[str]
    stamp: str


async def recover(ports: Ports, backup: Backup, run: Run, permissions: Permissions) -> Run:
    """Puts paths of a copy back; gives the run as it ended, or as it waits for a permission. Raises KeepwellError or OSError where it
    failed: then what was there is there still."""
    paths = _paths(run)
    key = await signer(ports)
    copies = await reconcile(ports, backup, key.public)
    copy = _chosen(copies, run.arguments.get("copy", ""), backup.name)
    deed = _deed(run, copy, paths)
    ruling = await permissions.ask(deed)
    if ruling.decision is Decision.ASKED:
        waits = replace(run, state="waiting", copy=copy.id, sentence=ruling.sentence)
        await ports.database.write(lambda connection: store.end(connection, waits))
        ruling = await permissions.ask(deed)  # a decision that came before this was stored woke nobody
        if ruling.decision is Decision.ASKED:
            return waits
    if ruling.decision is Decision.FORBIDDEN:
        refused = replace(run, state="refused", copy=copy.id, sentence=ruling.sentence, ended=ports.host.clock.now())
        await ports.database.write(lambda connection: store.end(connection, refused))
        return refused
    recovery = Recovery(ports, backup, copy, paths, f"{ports.host.clock.now():%Y%m%dT%H%M%S.%f}"[:-3] + "Z")
    keys = await identities(ports, backup)
    said = await ports.blocking(lambda: [_put_back(recovery, path, key.public, keys) for path in paths])
    ended = replace(run, state="done", copy=copy.id, ended=ports.host.clock.now(), sentence=f"{'; '.join(said)} (copy {copy.id})")
    await ports.database.write(lambda connection: _store(connection, ended, ruling.by))
    return ended


def _paths(run: Run) -> list[str]:
    paths = [os.path.normpath(path) for path in run.arguments.get("paths", "").splitlines() if path]
    if not paths or any(not path.startswith("/") or path == "/" for path in paths):
        raise AskError("name what is to be recovered: paths from the root, such as /etc/shop")
    return paths


def _chosen(copies: Sequence[Copy], wanted: str, name: str) -> Copy:
    good = [copy for copy in copies if (copy.id == wanted if wanted else not copy.doubt) and not copy.fault]
    if not good:
        raise AnswerError(f"there is no copy {wanted} of {name} that can be relied on" if wanted else f"no copy of {name} can be relied on")
    return good[-1]


def _deed(run: Run, copy: Copy, paths: Sequence[str]) -> Deed:
    what = f"put {', '.join(paths)} back from the copy {copy.id} of {run.backup}; what is there now is kept beside it"
    exactly = sha256("\n".join((copy.backup, copy.digest, *paths)).encode("utf-8", "surrogateescape")).hexdigest()
    return Deed(f"backups/recoveries/{run.id}", what, run.by, exactly)


def _put_back(recovery: Recovery, path: str, public: bytes, keys: Sequence[object]) -> str:
    """Restores one path beside its place, compares it, and exchanges the two."""
    stop = recovery.ports.stop
    folder = repository_of(recovery.backup).copy(recovery.backup.name, recovery.copy.id)
    manifest = _manifest(folder, recovery.copy, public)
    check_parts(folder, manifest, stop)
    place = Path(path)
    if not place.parent.is_dir():
        raise AnswerError(f"{place.parent} is no folder, so {path} cannot be put there")
    aside = place.with_name(f"{place.name}.before-{recovery.stamp}")
    staging = place.parent / f"{STAGING}{recovery.stamp}"
    staging.mkdir(mode=0o700)
    try:
        _restore(recovery, manifest, path, staging, keys)
    except BaseException:
        remove(staging)
        raise
    was_there = put_in_place(staging / path.strip("/"), place, aside)
    remove(staging)
    return f"{path} is as it was on {recovery.copy.started:%Y-%m-%d %H:%M} UTC" + (f", what was there is {aside}" if was_there else "")


def _manifest(folder: Path, copy: Copy, public: bytes) -> Manifest:
    found = found_in(folder, public)
    if found.fault or found.manifest is None or found.digest != copy.digest:
        raise AnswerError(found.fault or "its manifest is not the one that was written when it was made")
    return found.manifest


def _restore(recovery: Recovery, manifest: Manifest, path: str, staging: Path, keys: Sequence[object]) -> None:
    folder = repository_of(recovery.backup).copy(recovery.backup.name, recovery.copy.id)
    wanted, stop = path.strip("/"), recovery.ports.stop

    def is_wanted(member: str) -> bool:
        return member == wanted or member.startswith(f"{wanted}/")

    if not extract(folder, manifest, staging, keys, stop, is_wanted):
        raise AnswerError(f"the copy {recovery.copy.id} holds nothing of {path}")
    found = [one for one in members_of(folder, manifest, keys) if is_wanted(one.path)]
    # A hard link to something that is not put back became a file of its own: its content was compared while it was written.
    if all(one.kind is not MemberKind.HARD_LINK or is_wanted(one.target) for one in found):
        compare(staging, found, stop, with_owners=os.geteuid() == 0)


def _store(connection: Connection, run: Run, allowed_by: str) -> None:
    assert run.ended is not None
    store.end(connection, run)
    facts = {"run": run.id, "copy": run.copy, "sentence": run.sentence, "allowed_by": allowed_by}
    journal.append(connection, journal.NewEntry(run.by, "backup.recovered", f"backups/{run.backup}", facts), run.ended)
