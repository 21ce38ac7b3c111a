"""Bringing a copy back into a folder: with or without a server, an operations directory or the records of what was made."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import AnswerError, NotFound, UsageError
from keepwell.rooms.backups.archive.extract import extract
from keepwell.rooms.backups.archive.reading import check_parts
from keepwell.rooms.backups.archive.repository import Repository
from keepwell.rooms.backups.model import Found, Manifest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be restored: the copies of which backup in which folder, signed by whom (PEM; None: that is not looked at), opened by
    which identities, into which folder; one copy by its id, and only some paths, or empty."""

    repository: Path
    backup: str
    public: bytes | None
    identities: Sequence[Any]
    into: Path
    copy: str = ""
    only: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: which copy, how many members of it, and which newer copies cannot be relied on."""

    manifest: Manifest
    members: int
    passed_over: Sequence[Found] = ()


def restore(wanted: Wanted) -> Restored:
    """Restores; blocks. What is in the folder when it fails is not to be relied on, and the error says so.

    Raises NotFound, UsageError (the folder is not empty), AnswerError (the copy is damaged, or holds nothing of the paths), AskError (no
    room) or OSError."""
    repository = Repository(wanted.repository)
    found, passed_over = choose(repository, wanted)
    assert found.manifest is not None
    folder = repository.copy(wanted.backup, found.id)
    check_parts(folder, found.manifest, lambda: None)
    _make_empty(wanted.into)
    paths = [os.path.normpath(path).strip("/") for path in wanted.only]
    is_wanted = (lambda path: _is_below(path, paths)) if paths else (lambda _: True)
    try:
        count = extract(folder, found.manifest, wanted.into, wanted.identities, lambda: None, is_wanted)
    except (AnswerError, OSError) as error:
        raise AnswerError(f"{error}; what is in {wanted.into} so far is not to be relied on") from error
    if not count and (paths or found.manifest.totals.members):
        raise AnswerError(f"the copy {found.id} holds nothing of {', '.join(wanted.only)}")
    return Restored(found.manifest, count, passed_over)


def choose(repository: Repository, wanted: Wanted) -> tuple[Found, Sequence[Found]]:
    """The copy that is wanted, or the newest that nothing is known against, and the newer ones that are no good. Raises NotFound or
    AnswerError."""
    copies = repository.copies(wanted.backup, wanted.public)
    if wanted.copy:
        copies = [one for one in copies if one.id == wanted.copy]
    if not copies:
        which = f"copy {wanted.copy}" if wanted.copy else "copy"
        raise NotFound(f"there is no {which} of {wanted.backup} in {wanted.repository}")
    good = [one for one in copies if not one.fault]
    if not good:
        newest = copies[-1]
        raise AnswerError(f"the copy {newest.id} cannot be relied on: {newest.fault}")
    return good[-1], copies[copies.index(good[-1]) + 1 :]


def _is_below(path: str, wanted: Sequence[str]) -> bool:
    return any(path == one or path.startswith(f"{one}/") for one in wanted)


def _make_empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty, and nothing is written over", hint="name a folder that does not exist yet")
