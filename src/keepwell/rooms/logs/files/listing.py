"""Which files a policy means now."""

import errno
import fnmatch
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepwell.rooms.logs.decide import PACKED, dated_of, is_rotated, slots_of
from keepwell.rooms.logs.model import Identity

from .folder import Folder, identity_of


@dataclass(frozen=True, slots=True)
class Live:
    """A file that is written to now: the path of its folder, its name, which file it is, and its bytes."""

    folder: str
    name: str
    identity: Identity
    size: int

    @property
    def path(self) -> str:
        """Where it is."""
        return os.path.join(self.folder, self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and in one sentence each what could not be looked at."""

    files: Sequence[Live]
    faults: Sequence[str]


def live_files(paths: Sequence[str]) -> Found:
    """The files that patterns such as ``/var/log/shop/*.log`` mean, each once, without those that were rotated. Links are left out."""
    files: dict[Identity, Live] = {}
    faults: list[str] = []
    for path in paths:
        parent, pattern = os.path.split(os.path.expanduser(path))
        if not glob.has_magic(path) and os.path.islink(os.path.join(parent, pattern)):
            faults.append(f"{path} is a link, and links are not followed: name the file itself")
        for place in sorted(glob.glob(parent)) if glob.has_magic(parent) else [parent]:
            try:
                files |= {live.identity: live for live in _in(place, pattern) if live.identity not in files}
            except FileNotFoundError:
                continue  # what is not there yet is no fault: missingok, as logrotate calls it
            except OSError as error:
                faults.append(f"{place} cannot be looked into: {error.strerror}{_hint(error)}")
    return Found(sorted(files.values(), key=lambda live: live.path), faults)


def _hint(error: OSError) -> str:
    return " (it is a link: name the folder itself)" if error.errno in (errno.ELOOP, errno.ENOTDIR) else ""


def _in(place: str, pattern: str) -> Iterator[Live]:
    with Folder(place) as folder:
        names = frozenset(folder.names())
        wanted = fnmatch.filter(sorted(names), pattern) if glob.has_magic(pattern) else [pattern]
        for name in wanted:
            found = folder.regular(name)
            if found is not None and not (glob.has_magic(pattern) and is_rotated(name, names)):
                yield Live(place, name, identity_of(found), found.st_size)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotated file: where it is, its bytes, when it was last written (seconds since 1970), which file it is."""

    path: str
    size: int
    written: float
    identity: Identity


def rotated_files(folder: str, name: str, archive: str) -> list[Rotated]:
    """What was rotated of a file, beside it and in its archive, the newest first. A compressed file whose original is still there is left
    out: both say the same."""
    found: list[Rotated] = []
    for place in dict.fromkeys((folder, archive_of(folder, archive))):
        try:
            found += _rotated_in(place, name)
        except OSError:
            continue
    return sorted(found, key=lambda one: one.written, reverse=True)


def _rotated_in(place: str, name: str) -> Iterator[Rotated]:
    with Folder(place) as opened:
        names = opened.names()
        taken = [slot.name for slot in slots_of(name, names) if slot.name.removesuffix(PACKED) not in names or not slot.is_packed]
        for one in [*taken, *dated_of(name, names)]:
            stat = opened.regular(one)
            if stat is not None:
                yield Rotated(os.path.join(place, one), stat.st_size, stat.st_mtime, identity_of(stat))


def archive_of(folder: str, archive: str) -> str:
    """The folder of a file's rotated ones; a relative ``archive`` is below the file's own."""
    return os.path.normpath(os.path.join(folder, archive)) if archive else folder
