"""Old files below a folder are deleted: nothing outside of it, no link followed, nothing that is written to."""

import errno
import fnmatch
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack

from keepwell.rooms.logs.model import Clean, Step

from .folder import identity_of
from .holders import is_written

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
DEEPEST = 64
"""Folders within each other that are looked through; what is deeper is said."""


def sweep(clean: Clean, now: float, *, dry: bool = False) -> Iterator[Step]:
    """Deletes what ``clean`` says, as of ``now`` (seconds since 1970), and tells of each file; with ``dry`` it tells only.

    Every folder on the way is opened below the one before, so that nobody who can write there leads it elsewhere. What cannot be deleted
    is a step too."""
    with ExitStack() as stack:
        try:
            root = _open_from_the_top(clean.under, stack)
        except FileNotFoundError:
            return
        except OSError as error:
            why = "is a link, or a part of its path is: name the folder behind it" if error.errno in _LINKS else error.strerror
            yield Step("failed", clean.under, why=f"{clean.under} cannot be looked through: {why}")
            return
        yield from _Sweep(clean, now - clean.older_than.total_seconds(), os.fstat(root).st_dev, dry).folder(root, clean.under, 0)


_LINKS = (errno.ELOOP, errno.ENOTDIR)


def _open_from_the_top(path: str, stack: ExitStack) -> int:
    descriptor = os.open("/", _OPEN)
    stack.callback(os.close, descriptor)
    for part in (part for part in path.split("/") if part):
        descriptor = os.open(part, _OPEN, dir_fd=descriptor)
        stack.callback(os.close, descriptor)
    return descriptor


class _Sweep:
    """One sweep: what it deletes, and on which file system it stays."""

    def __init__(self, clean: Clean, oldest: float, device: int, dry: bool) -> None:
        self._clean, self._oldest, self._device, self._dry = clean, oldest, device, dry

    def folder(self, descriptor: int, path: str, depth: int) -> Iterator[Step]:
        """What is in one folder."""
        try:
            names = sorted(os.listdir(descriptor))
        except OSError as error:
            yield Step("failed", path, why=f"{path} cannot be looked into: {error.strerror}")
            return
        for name in names:
            here = os.path.join(path, name)
            try:
                found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(found.st_mode) and found.st_dev == self._device:
                yield from self._below(descriptor, name, here, depth + 1)
            elif stat.S_ISREG(found.st_mode) and fnmatch.fnmatchcase(name, self._clean.names) and found.st_mtime < self._oldest:
                yield self._file(descriptor, name, here)

    def _below(self, descriptor: int, name: str, here: str, depth: int) -> Iterator[Step]:
        if depth > DEEPEST:
            yield Step("failed", here, why=f"{here} is deeper than {DEEPEST} folders: it was not looked into")
            return
        try:
            below = os.open(name, _OPEN, dir_fd=descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            yield Step("failed", here, why=f"{here} cannot be opened: {error.strerror}")
            return
        try:
            yield from self.folder(below, here, depth)
        finally:
            os.close(below)

    def _file(self, descriptor: int, name: str, here: str) -> Step:
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=descriptor)
        except OSError as error:
            return Step("failed", here, why=f"{here} cannot be opened: {error.strerror}")
        try:
            found = os.fstat(opened)
            if is_written(opened, identity_of(found)):
                return Step("kept", here, size=found.st_size, why=f"{here} is still written to")
            if not self._dry:
                os.unlink(name, dir_fd=descriptor)
            return Step("deleted", here, size=found.st_size)
        except FileNotFoundError:
            return Step("deleted", here, size=found.st_size)
        except OSError as error:
            return Step("failed", here, why=f"{here} cannot be deleted: {error.strerror}")
        finally:
            os.close(opened)
