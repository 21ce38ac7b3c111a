"""Files that must be on the disk before anybody relies on them."""

import errno
import os
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from keepwell.rooms.backups.model import Part

CHUNK = 1024 * 1024


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a new file and waits until its bytes are on the disk. Raises OSError, FileExistsError among them."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(handle, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_plain(path: Path) -> BinaryIO:
    """Opens a plain file to read it: no link is followed, and nobody is waited for (a pipe that somebody put there has no end). Raises
    OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return os.fdopen(handle, "rb")


def part_of(path: Path, stop: Callable[[], None] = lambda: None) -> Part:
    """A file as it is on the disk: read from there, not from the kernel's memory of what was written (posix_fadvise(2)).
    ``stop`` raises where the reading shall end."""
    digest, size = sha256(), 0
    with open_plain(path) as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while data := file.read(CHUNK):
            stop()
            digest.update(data)
            size += len(data)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return Part(path.name, size, digest.hexdigest())


class HashedFile:
    """A new file that counts and hashes what is written to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.failed: OSError | None = None
        """Why it could not be written; who writes through another library sees that one's error instead."""
        self._digest, self._size = sha256(), 0
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Writes all of it. Raises OSError."""
        left = memoryview(data)
        self._digest.update(left)
        self._size += len(left)
        try:
            while left:
                left = left[os.write(self._handle, left) :]
        except OSError as error:
            self.failed = error
            raise
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def finish(self) -> Part:
        """Waits until it is on the disk, and says what it holds."""
        os.fsync(self._handle)
        self.close()
        return Part(self._path.name, self._size, self._digest.hexdigest())

    def close(self) -> None:
        """Closes it, finished or not."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
