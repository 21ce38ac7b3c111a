"""Reads and writes files below one directory, and never outside: no link on the way is followed, every file is whole or the old one."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from keepwell.kernel.problems import UsageError

_STAGE = ".keepwell-import"
_LARGEST = 20_000_000
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Folder:
    """An operations directory that is open. Paths are relative, with ``/`` between names; ``..`` is refused."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def names(self) -> list[str]:
        """What lies in it, without what an interrupted import left."""
        return sorted(name for name in os.listdir(self._descriptor) if name != _STAGE)

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none. Raises UsageError where it is no file of text."""
        try:
            with self._parent(path, make=False) as (parent, name):
                descriptor = os.open(name, os.O_RDONLY | _OPEN, dir_fd=parent)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._problem(path, error) from None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{self.path / path} is no file", hint="move it elsewhere")
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise UsageError(f"{self.path / path} is larger than {_LARGEST // 1_000_000} MB")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{self.path / path} is not UTF-8", hint="save it as UTF-8") from None

    def write(self, path: str, text: str, mode: int | None = None) -> None:
        """Writes a file whole, or leaves the old one. ``mode`` is its permissions; by default those of the old file, or the usual ones."""
        data = text.encode("utf-8", "backslashreplace")
        try:
            with self._parent(path, make=True) as (parent, name), self._stage() as stage:
                wanted = mode if mode is not None else _mode_of(parent, name)
                descriptor = os.open("new", os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, mode if mode is not None else 0o666, dir_fd=stage)
                with os.fdopen(descriptor, "wb") as file:
                    if wanted is not None:
                        os.fchmod(descriptor, wanted)
                    file.write(data)
                    file.flush()
                    os.fsync(descriptor)
                os.replace("new", name, src_dir_fd=stage, dst_dir_fd=parent)
        except OSError as error:
            raise self._problem(path, error) from None

    def remove(self, path: str) -> None:
        """Removes a file, where there is one."""
        try:
            with contextlib.suppress(FileNotFoundError), self._parent(path, make=False) as (parent, name):
                os.unlink(name, dir_fd=parent)
        except OSError as error:
            raise self._problem(path, error) from None

    def make_private(self, path: str) -> None:
        """Makes a folder that only this user may enter, where it is missing."""
        try:
            with self._parent(path, make=True) as (parent, name), contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
        except OSError as error:
            raise self._problem(path, error) from None

    def remove_folder(self, path: str) -> None:
        """Removes a folder, where there is one and it is empty."""
        try:
            with contextlib.suppress(FileNotFoundError), self._parent(path, make=False) as (parent, name):
                os.rmdir(name, dir_fd=parent)
        except OSError as error:
            raise self._problem(path, error) from None

    @contextmanager
    def _parent(self, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
        *folders, name = PurePosixPath(path).parts or ("",)
        if path.startswith("/") or name in ("", "..") or ".." in folders or "\0" in path:
            raise UsageError(f"{path!r} leads out of {self.path}")
        current = os.dup(self._descriptor)
        try:
            for folder in folders:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(folder, 0o777, dir_fd=current)
                deeper = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _OPEN, dir_fd=current)
                os.close(current)
                current = deeper
            yield current, name
        finally:
            os.close(current)

    @contextmanager
    def _stage(self) -> Iterator[int]:
        """A folder of this directory in which a file is written before it takes its place; what a killed import left in it is removed."""
        with contextlib.suppress(FileExistsError):
            os.mkdir(_STAGE, 0o700, dir_fd=self._descriptor)
        stage = os.open(_STAGE, os.O_RDONLY | os.O_DIRECTORY | _OPEN, dir_fd=self._descriptor)
        try:
            for left in os.listdir(stage):
                os.unlink(left, dir_fd=stage)
            yield stage
        finally:
            for left in os.listdir(stage):
                os.unlink(left, dir_fd=stage)
            os.close(stage)

    def tidy(self) -> None:
        """Makes what was written last and removes what was only needed for writing."""
        with contextlib.suppress(OSError):
            os.rmdir(_STAGE, dir_fd=self._descriptor)
        os.fsync(self._descriptor)

    def _problem(self, path: str, error: OSError) -> UsageError:
        if isinstance(error, NotADirectoryError) or error.errno == 40:  # ELOOP: O_NOFOLLOW met a link
            return UsageError(f"{self.path / path} is, or lies behind, a symbolic link; nothing is read or written through one")
        return UsageError(f"{self.path / path} cannot be used: {error.strerror}")


def _mode_of(parent: int, name: str) -> int | None:
    try:
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(found.st_mode) & 0o777 if stat.S_ISREG(found.st_mode) else None


@contextmanager
def open_folder(path: Path, *, make: bool, lock: bool = True) -> Iterator[Folder]:
    """The directory, made where it is missing (``make``), and held against another import (``lock``). Raises UsageError."""
    try:
        if make:
            path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{path} cannot be used as a directory: {error.strerror}", hint="choose another one") from None
    folder = Folder(path, descriptor)
    try:
        if lock:
            _lock(descriptor, path)
        yield folder
        folder.tidy()
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another keepwell is writing {path} at this moment", hint="wait until it is done") from None
