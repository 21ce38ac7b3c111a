"""The data directory: where a server keeps its state, the lock that says who uses it, and its Unix socket."""

import fcntl
import os
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from keepwell.kernel.problems import Problem, StorageError

_LONGEST_ADDRESS = 107
"""Bytes of a Unix socket's address: sun_path has 108 and ends with NUL (unix(7))."""


def default_data_directory(environment: Mapping[str, str], is_root: bool) -> Path:
    """Where data lives unless ``--data`` says otherwise: /var/lib for root (FHS 5.8), else the user's data home (XDG Base Directory).

    A relative XDG_DATA_HOME is ignored, as that specification demands.
    """
    if is_root:
        return Path("/var/lib/keepwell")
    home = environment.get("XDG_DATA_HOME", "")
    if os.path.isabs(home):
        return Path(home) / "keepwell"
    return Path(environment.get("HOME") or "~").expanduser() / ".local/share/keepwell"


class DirectoryLock:
    """The right to use a data directory, held until ``release`` or the end of the process, however that comes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Gives the right back. Doing it twice is harmless."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class DataDirectory:
    """The directory of one server's state. Nothing is created before ``create`` or ``lock``."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).absolute()

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "keepwell.sqlite"

    @property
    def socket(self) -> Path:
        """The Unix socket on which a running server hears commands."""
        return self.path / "keepwell.sock"

    @property
    def token(self) -> Path:
        """The file with the token that writes over HTTP need."""
        return self.path / "token"

    def create(self) -> None:
        """Makes the directory with mode 0700 where it is missing. Raises StorageError where that fails or others may write to it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = self.path.stat().st_mode
        except OSError as error:
            hint = "Name a directory that this user may write to with --data."
            raise _problem("directory", f"the data directory {self.path} cannot be made: {error.strerror}", hint) from error
        if mode & stat.S_IWOTH:
            raise _problem("directory", f"every user may write to the data directory {self.path}", f"chmod o-w {self.path}")

    def lock(self) -> DirectoryLock:
        """Takes the directory for this process. Raises StorageError naming the process that has it.

        The lock is flock(2)'s, so the kernel drops it when the process ends, kill -9 included; the number in the file is for people.
        """
        self.create()
        try:
            descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            hint = "Let this user write there, or name another directory with --data."
            raise _problem("directory", f"the data directory {self.path} cannot be written: {error.strerror}", hint) from error
        if not _take(descriptor):
            holder = _written_pid(descriptor)
            os.close(descriptor)
            who = f"process {holder}" if holder else "another process"
            hint = "Stop it, or ask it (`keepwell status`), or name another directory with --data."
            raise _problem("in-use", f"the data directory {self.path} is in use by {who}", hint)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
        return DirectoryLock(descriptor)

    def running_pid(self) -> int | None:
        """The process that holds the lock (0 where it has not yet written its number); None where none does."""
        try:
            descriptor = os.open(self._lock_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            # A shared lock, for a moment: the only way to ask flock. `lock` tries for longer than that.
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            return _written_pid(descriptor)
        finally:
            os.close(descriptor)

    @property
    def _lock_file(self) -> Path:
        return self.path / "lock"


def bind_unix(path: Path) -> socket.socket:
    """A socket bound (not yet listening) to the path, mode 0600. Call it only while holding the directory's lock: a socket that lies
    there is then a dead server's, and is removed. Raises StorageError where something else lies there or it cannot be made.
    """
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if path.is_symlink() or path.exists():
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise _problem("socket", f"{path} is in the way of Keepwell's socket", "Move it elsewhere.")
            path.unlink()
        with connect_path(path) as address:
            bound.bind(address)
        # Nobody can connect before listen(), so there is no moment in which others may.
        path.chmod(0o600)
    except OSError as error:
        bound.close()
        hint = "Name a directory on a local file system with --data."
        raise _problem("socket", f"the socket {path} cannot be made: {error.strerror or error}", hint) from error
    except StorageError:
        bound.close()
        raise
    return bound


@contextmanager
def connect_path(path: Path) -> Iterator[str]:
    """An address of the socket that fits the 107 bytes the kernel takes, valid inside the ``with``: connect there.

    A path that is too long is reached through a descriptor of its directory (/proc/self/fd/N/name, proc(5)). Raises OSError where the
    directory does not exist.
    """
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _take(descriptor: int) -> bool:
    for attempt in range(10):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if attempt < 9:
                time.sleep(0.02)
    return False


def _written_pid(descriptor: int) -> int:
    text = os.pread(descriptor, 20, 0).strip()
    return int(text) if text.isdigit() else 0


def _problem(code: str, message: str, hint: str) -> StorageError:
    return StorageError(Problem(f"storage.{code}", message, hint))
