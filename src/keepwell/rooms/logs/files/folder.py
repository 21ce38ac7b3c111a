"""A folder that is held open: what is done to names in it is done in this very folder, and no link is followed."""

import ctypes
import errno
import os
import stat
from types import TracebackType
from typing import Self

from keepwell.rooms.logs.model import Identity, Owner

_LIBC = ctypes.CDLL(None, use_errno=True)
_NO_REPLACE = 1
"""RENAME_NOREPLACE of renameat2(2)."""
_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Folder:
    """A folder by its descriptor. Raises OSError where it is none, or where the last part of its path is a link."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self.descriptor)

    def names(self) -> list[str]:
        """The names in it, sorted."""
        return sorted(os.listdir(self.descriptor))

    def regular(self, name: str) -> os.stat_result | None:
        """What the file of that name is; None where there is none, or where it is no regular file (a link, a socket, a folder)."""
        try:
            found = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found if stat.S_ISREG(found.st_mode) else None

    def open_to_read(self, name: str) -> int:
        """A descriptor of the file, for reading. Raises OSError: ELOOP where it is a link."""
        return os.open(name, os.O_RDONLY | _FLAGS, dir_fd=self.descriptor)

    def create(self, name: str, mode: int) -> int:
        """A descriptor of a file that did not exist. Raises FileExistsError, or another OSError (no room, no right)."""
        return os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, mode, dir_fd=self.descriptor)

    def rename(self, name: str, other: "Folder", new: str) -> None:
        """Renames a file, and replaces none: FileExistsError where the new name is taken. Raises OSError: EXDEV for another file system."""
        done = _LIBC.renameat2(self.descriptor, os.fsencode(name), other.descriptor, os.fsencode(new), _NO_REPLACE)
        if done == 0:
            return
        number = ctypes.get_errno()
        if number not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(number, os.strerror(number), name)
        # A file system that knows no such flag: two names for a moment, and then one; the new one is never replaced either.
        os.link(name, new, src_dir_fd=self.descriptor, dst_dir_fd=other.descriptor, follow_symlinks=False)
        os.unlink(name, dir_fd=self.descriptor)

    def remove(self, name: str) -> None:
        """Removes a file's name. Where it is gone already, that is as good."""
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except FileNotFoundError:
            return

    def settle(self) -> None:
        """Returns when the names in it are on the disk."""
        os.fsync(self.descriptor)


def identity_of(found: os.stat_result) -> Identity:
    """Which file it is."""
    return Identity(found.st_dev, found.st_ino)


def give(descriptor: int, owner: Owner, before: os.stat_result) -> None:
    """Gives a new file the mode and owner that are wanted, else those of the file before. Raises OSError, and LookupError for an unknown
    name. Who is not root gives files to nobody else: then the owner stays, and the mode is given all the same."""
    user = _number(owner.user, _user) if owner.user else before.st_uid
    group = _number(owner.group, _group) if owner.group else before.st_gid
    try:
        os.fchown(descriptor, user, group)
    except PermissionError:
        if owner.user or owner.group:
            raise
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode) if owner.mode is None else owner.mode)


def _number(name: str, known: "object") -> int:
    if name.isdecimal():
        return int(name)
    try:
        return known(name)  # type: ignore[operator,no-any-return]
    except KeyError:
        raise LookupError(f"there is no {'user' if known is _user else 'group'} {name} on this machine") from None


def _user(name: str) -> int:
    import pwd

    return pwd.getpwnam(name).pw_uid


def _group(name: str) -> int:
    import grp

    return grp.getgrnam(name).gr_gid
