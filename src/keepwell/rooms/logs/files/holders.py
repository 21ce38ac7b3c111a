"""Who has a file open for writing: asked of the kernel by a lease (fcntl(2), F_SETLEASE), and of /proc for the names."""

import errno
import fcntl
import os
import signal
import time
from collections.abc import Set
from pathlib import Path

from keepwell.rooms.logs.model import Holder, Identity

_POLL = 0.05
_UNSUPPORTED = (errno.EINVAL, errno.EACCES, errno.EPERM, errno.ENOLCK, errno.ENOTSUP)
_WRITES = os.O_WRONLY | os.O_RDWR


def is_written(descriptor: int, identity: Identity) -> bool | None:
    """Whether any process has the file, of which we hold a descriptor for reading, open for writing; None where that cannot be told.

    The kernel gives a read lease only where nobody has, in whatever container or name space they are. Where it gives none at all (a file
    of somebody else's without the right, a network file system), the open files in /proc are looked through, as far as this user may see
    them."""
    try:
        # Whoever opens the file in the instant of the lease makes the kernel send a signal; this one is ignored where nothing is set up.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return True
        if error.errno not in _UNSUPPORTED:
            raise
        if holders_of(identity):
            return True
        return False if os.geteuid() == 0 else None
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def wait_until_free(descriptor: int, identity: Identity, seconds: float) -> bool:
    """Waits until nobody is known to write to the file any more; False where somebody still does after so long."""
    end = time.monotonic() + seconds
    while is_written(descriptor, identity):
        if time.monotonic() >= end:
            return False
        time.sleep(_POLL)
    return True


def holders_of(identity: Identity) -> list[Holder]:
    """The processes that have the file open for writing, as far as this user may see (root sees all)."""
    return writers_of({identity})[identity]


def writers_of(identities: Set[Identity]) -> dict[Identity, list[Holder]]:
    """The same of many files: every process is looked at once, however many files they are."""
    files = {(one.device, one.inode): one for one in identities}
    found: dict[Identity, list[Holder]] = {one: [] for one in identities}
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        for place in _written(pid, files.keys()):
            found[files[place]].append(_holder(int(pid)))
    return found


def _written(pid: str, places: Set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of these files (device and inode) that a process has open for writing."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return set()  # it ended meanwhile, or is somebody else's
    return {place for one in descriptors if (place := _place(pid, one)) in places and _is_for_writing(pid, one)}


def _place(pid: str, descriptor: str) -> tuple[int, int]:
    try:
        found = os.stat(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        return -1, -1
    return found.st_dev, found.st_ino


def _is_for_writing(pid: str, descriptor: str) -> bool:
    try:
        lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    except OSError:
        return False
    flags = next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), 0)
    return bool(flags & _WRITES)


def _holder(pid: int) -> Holder:
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    except OSError:
        return Holder(pid, "", 0)
    return Holder(pid, lines.get("Name", "").strip(), int(lines.get("SigCgt", "0").strip() or "0", 16))


def process(pid: int) -> Holder:
    """A process by its number, as a holder."""
    return _holder(pid)


def runs(holder: Holder) -> bool:
    """Whether the process is still there."""
    return os.path.exists(f"/proc/{holder.pid}")


def tell(holder: Holder, name: str) -> bool:
    """Sends a signal, such as HUP, to a process that has a handler for it; False where it has none (the signal would end it) or is gone.
    Raises PermissionError."""
    number = signal.Signals[f"SIG{name}"]
    if not holder.catches & (1 << (number - 1)):
        return False
    try:
        os.kill(holder.pid, number)
    except ProcessLookupError:
        return False
    return True
