"""Recovering in place: paths of a copy are restored beside, compared, and put in the place of what is there, which is kept.

So a configuration or a program that a service needs comes back whole or not at all, and a service that runs is never without it.
"""

import errno
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
from keepwell.rooms.backups.archive.exchange import Stranded, put_in_place
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
    failed: then what was there is there still, but for the paths that the error names as put back."""
    paths = _paths(run)
    key = await signer(ports)
    copies = await reconcile(ports, backup, key.public)
    # What somebody was asked to permit is what is put back, also where a newer copy came meanwhile.
    copy = _chosen(copies, run.arguments.get("copy", "") or run.copy, backup.name)
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
    said = await ports.blocking(lambda: _put_back(recovery, key.public, keys))
    ended = replace(run, state="done", copy=copy.id, ended=ports.host.clock.now(), sentence=f"{'; '.join(said)} (copy {copy.id})")
    await ports.database.write(lambda connection: _store(connection, ended, ruling.by))
    return ended


def _paths(run: Run) -> list[str]:
    paths = [os.path.normpath(path) for path in run.arguments.get("paths", "").split("\n") if path]
    if not paths or any(not path.startswith("/") or path == "/" for path in paths):
        raise AskError("name what is to be recovered: paths from the root, such as /etc/shop")
    clean = list(dict.fromkeys(f"/{path.lstrip('/')}" for path in paths))
    return [path for path in clean if not any(path.startswith(f"{other}/") for other in clean)]


def _chosen(copies: Sequence[Copy], wanted: str, name: str) -> Copy:
    good = [copy for copy in copies if (copy.id == wanted if wanted else not copy.doubt) and not copy.fault]
    if not good:
        raise AnswerError(f"there is no copy {wanted} of {name} that can be relied on" if wanted else f"no copy of {name} can be relied on")
    return good[-1]


def _deed(run: Run, copy: Copy, paths: Sequence[str]) -> Deed:
    what = f"put {', '.join(paths)} back from the copy {copy.id} of {run.backup}; what is there now is kept beside it"
    exactly = sha256("\n".join((copy.backup, copy.digest, *paths)).encode("utf-8", "surrogateescape")).hexdigest()
    return Deed(f"backups/recoveries/{run.id}", what, run.by, exactly)


@dataclass(frozen=True, slots=True)
class _Staged:
    """A path restored beside its place: ``new`` inside of ``staging``, and ``aside``, the name that what is there now gets."""

    path: str
    staging: Path
    aside: Path

    @property
    def new(self) -> Path:
        """What is put in the place of what is there."""
        return self.staging / self.path.strip("/")


def _put_back(recovery: Recovery, public: bytes, keys: Sequence[object]) -> list[str]:
    """Restores every path beside its place and compares it; only when all are there, each is exchanged. Raises AskError or AnswerError,
    which says what was put back already."""
    folder = repository_of(recovery.backup).copy(recovery.backup.name, recovery.copy.id)
    manifest = _manifest(folder, recovery.copy, public)
    check_parts(folder, manifest, recovery.ports.stop)
    staged: list[_Staged] = []
    removed = staged
    said: list[str] = []
    try:
        for number, path in enumerate(recovery.paths, 1):
            staged.append(_staged(recovery, path, number))
            _restore(recovery, manifest, path, staged[-1].staging, keys)
        said.extend(_exchanged(recovery, one) for one in staged)
    except OSError as error:
        removed = [] if isinstance(error, Stranded) else staged
        path = recovery.paths[len(said)] if len(staged) == len(recovery.paths) else recovery.paths[max(0, len(staged) - 1)]
        already = f"; before that, {'; '.join(said)}" if said else ""
        raise AskError(f"{path} cannot be put back: {_reason(error)}{already}") from error
    finally:
        for one in removed:
            remove(one.staging)
    return said


def _staged(recovery: Recovery, path: str, number: int) -> _Staged:
    place = Path(path)
    if not place.parent.is_dir():
        raise AnswerError(f"{place.parent} is no folder, so {path} cannot be put there")
    staging = place.parent / f"{STAGING}{recovery.stamp}-{number}"
    staging.mkdir(mode=0o700)
    return _Staged(path, staging, place.with_name(f"{place.name}.before-{recovery.stamp}"))


def _exchanged(recovery: Recovery, one: _Staged) -> str:
    was_there = put_in_place(one.new, Path(one.path), one.aside)
    return f"{one.path} is as it was on {recovery.copy.started:%Y-%m-%d %H:%M} UTC" + (
        f", what was there is {one.aside}" if was_there else ""
    )


def _reason(error: OSError) -> str:
    """What the system says, and what it means here."""
    means = {errno.EBUSY: "something is mounted there", errno.EINVAL: "its file system cannot exchange two names in one step"}
    said = error.strerror or str(error)
    return f"{said} ({means[error.errno]})" if error.errno in means else said


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
