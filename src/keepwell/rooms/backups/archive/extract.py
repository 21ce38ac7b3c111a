"""Bringing the members of a copy back into a folder, never outside of it, whatever an archive says.

Every name is opened from its parent's descriptor (openat(2)) and no link is followed, so that neither ``..`` nor a link that was restored
before can lead out. What is there already is never written over: the folder must be empty.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.rooms.backups.model import Manifest, Member, MemberKind
from keepwell.rooms.backups.words import named
from keepwell.rooms.backups.words import size as size_words

from .reading import Content, Stop, members_of, walk

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
Wanted = Callable[[str], bool]


def extract(folder: Path, manifest: Manifest, into: Path, identities: Sequence[Any], stop: Stop, wanted: Wanted = lambda _: True) -> int:
    """Restores the members whose paths are ``wanted`` into an empty folder; gives how many.

    Raises AnswerError where the archive differs from its list, or a name leads outside or twice to the same place; AskError where there is
    no room; OSError where the folder cannot be written.
    """
    _refuse_full(into, _needed(members_of(folder, manifest, identities), wanted))
    root = os.open(into, _FOLDER)
    try:
        restoring = _Restoring(root)
        count = 0
        moved = _moved(members_of(folder, manifest, identities), wanted)
        for content in walk(folder, manifest, identities, stop):
            if _is_wanted(content, wanted, moved):
                restoring.put(content)
                count += not content.member.superseded
        restoring.finish()
        return count
    finally:
        os.close(root)


def _moved(members: Iterable[Member], wanted: Wanted) -> dict[str, str]:
    """Files that are not wanted under their own path, and are under that of a hard link to them: the first such path of each."""
    moved: dict[str, str] = {}
    for member in members:
        if member.kind is MemberKind.HARD_LINK and wanted(member.path) and not wanted(member.target):
            moved.setdefault(member.target, member.path)
    return moved


def _is_wanted(content: Content, wanted: Wanted, moved: Mapping[str, str]) -> bool:
    """Whether a member is restored; what was moved, is restored where it is wanted first."""
    member = content.member
    if member.kind is MemberKind.HARD_LINK and member.target in moved:
        content.rename(replace(member, target=moved[member.target]))
        return wanted(member.path) and member.path != moved[member.target]
    if member.path in moved:
        content.rename(replace(member, path=moved[member.path]))
        return True
    return wanted(member.path)


def _needed(members: Iterable[Member], wanted: Wanted) -> int:
    """How many bytes the files have that are restored, also those that come under the path of a hard link to them."""
    sizes: dict[str, int] = {}
    needed = 0
    for member in members:
        if member.superseded:
            continue
        if wanted(member.path):
            needed += sizes.pop(member.target, 0) if member.kind is MemberKind.HARD_LINK else member.size
        elif member.kind is MemberKind.FILE:
            sizes[member.path] = member.size
    return needed


def _refuse_full(into: Path, needed: int) -> None:
    free = shutil.disk_usage(into).free
    if free < needed:
        # Nothing is wrong with the copy.
        raise AskError(f"{into} has {size_words(free)} free, and what is restored needs {size_words(needed)}")


class _Restoring:
    """What was restored so far below one folder."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._folders: list[Member] = []
        self._on_the_way: set[str] = set()
        self._is_root = os.geteuid() == 0

    def put(self, content: Content) -> None:
        """Restores one member."""
        member = content.member
        with self._parent(member.path) as (parent, name):
            if member.superseded:
                return  # the same path comes again
            try:
                self._make(content, parent, name)
            except FileExistsError:
                raise AnswerError(f"{named('/' + member.path)} is in the archive twice") from None

    def finish(self) -> None:
        """Gives folders their modes and times, which what went into them would have changed; the deepest first."""
        for member in reversed(self._folders):
            with self._parent(member.path) as (parent, name):
                handle = os.open(name, _FOLDER, dir_fd=parent)
                try:
                    self._dress(member, handle)
                finally:
                    os.close(handle)

    def _make(self, content: Content, parent: int, name: str) -> None:
        member = content.member
        match member.kind:
            case MemberKind.DIRECTORY:
                if member.path not in self._on_the_way:
                    os.mkdir(name, 0o700, dir_fd=parent)
                self._on_the_way.discard(member.path)
                self._folders.append(member)
            case MemberKind.FILE:
                self._file(content, parent, name)
            case MemberKind.LINK:
                os.symlink(member.target, name, dir_fd=parent)
                if self._is_root:
                    os.chown(name, member.uid, member.gid, dir_fd=parent, follow_symlinks=False)
                os.utime(name, ns=(member.mtime, member.mtime), dir_fd=parent, follow_symlinks=False)
            case MemberKind.HARD_LINK:
                with self._parent(member.target) as (other, earlier):
                    os.link(earlier, name, src_dir_fd=other, dst_dir_fd=parent, follow_symlinks=False)
            case MemberKind.PIPE:
                os.mkfifo(name, 0o600, dir_fd=parent)
                handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
                try:
                    self._dress(member, handle)
                finally:
                    os.close(handle)

    def _file(self, content: Content, parent: int, name: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(name, flags, 0o600, dir_fd=parent)
        try:
            content.take(lambda data: _write_all(handle, data))
            self._dress(content.member, handle)
        finally:
            os.close(handle)

    def _dress(self, member: Member, handle: int) -> None:
        """Owner, mode and time; the owner first, since changing it takes set-user-ID away (chown(2))."""
        if self._is_root:
            os.fchown(handle, member.uid, member.gid)
        os.fchmod(handle, member.mode)
        os.utime(handle, ns=(member.mtime, member.mtime))

    @contextmanager
    def _parent(self, path: str) -> Iterator[tuple[int, str]]:
        """The folder in which a member stands, and its own name there; folders on the way that no member made are made."""
        parts = path.split("/")
        if not path or any(part in ("", ".", "..") for part in parts):
            raise AnswerError(f"the archive holds the path {named(path)}, which leads outside of the folder")
        handle = os.dup(self._root)
        try:
            for place, part in enumerate(parts[:-1], 1):
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=handle)
                    self._on_the_way.add("/".join(parts[:place]))
                deeper = _enter(part, handle, path)
                os.close(handle)
                handle = deeper
            yield handle, parts[-1]
        finally:
            os.close(handle)


def _enter(name: str, parent: int, path: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except NotADirectoryError:
        raise AnswerError(f"{named('/' + path)} would be restored through {named(name)}, which is no folder") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise AnswerError(f"{named('/' + path)} would be restored through the link {named(name)}") from None
        raise


def _write_all(handle: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(handle, left) :]
