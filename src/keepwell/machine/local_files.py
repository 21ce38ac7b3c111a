"""Files of this machine."""

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.files import FileFacts

Answer = TypeVar("Answer")

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESRCH})
"""ESRCH is what /proc says of a process that has ended meanwhile (proc(5))."""


class LocalFiles:
    """Reads in threads, because a disk or a network file system may block; /proc and /sys are the kernel's memory and are read at once.

    Nothing but regular files and directories is opened for reading: a FIFO or a device could hold the reader for ever.
    """

    async def read(self, path: str, limit: int = 1024 * 1024) -> bytes:
        """The first ``limit`` bytes; see ``keepwell.ports.files.Files``."""
        return await self._answer(path, lambda: _read(path, limit))

    async def facts(self, path: str) -> FileFacts:
        """What stat(2) says (links followed)."""
        return await self._answer(path, lambda: _facts(path))

    async def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted."""
        return await self._answer(path, lambda: tuple(sorted(os.listdir(path))))

    async def _answer(self, path: str, look: Callable[[], Answer]) -> Answer:
        try:
            return look() if _in_kernel(path) else await asyncio.to_thread(look)
        except OSError as error:
            raise _fault(path, error) from error
        except ValueError as error:
            raise AskError(f"{quoted(path)} is not a path: {error}") from error


def _in_kernel(path: str) -> bool:
    return os.path.normpath(path).startswith(("/proc/", "/sys/"))


def _read(path: str, limit: int) -> bytes:
    # Without O_NONBLOCK the open itself of a FIFO waits for its writer (fifo(7)).
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        kind = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(kind):
            raise OSError(errno.EINVAL, "not a regular file")
        parts: list[bytes] = []
        while limit > 0 and (part := os.read(descriptor, limit)):
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)
    finally:
        os.close(descriptor)


def _facts(path: str) -> FileFacts:
    found = os.stat(path)
    return FileFacts(path, found.st_size, found.st_mode, found.st_uid, found.st_gid, found.st_mtime, stat.S_ISDIR(found.st_mode))


def _fault(path: str, error: OSError) -> AnswerError | AskError:
    if error.errno in _MISSING:
        return AnswerError(f"{path} does not exist")
    reasons = {
        errno.EACCES: "this user may not read it",
        errno.EPERM: "this user may not read it",
        errno.EISDIR: "it is a directory",
        errno.EMFILE: "this process has no file descriptor left",
        errno.EAGAIN: "it has nothing to read now",
    }
    return AskError(f"{path} cannot be read: {reasons.get(error.errno or 0, error.strerror or str(error))}")
