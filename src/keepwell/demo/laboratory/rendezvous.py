"""Where a running laboratory is found: one folder per user, which only that user may enter."""

import fcntl
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from keepwell.kernel.problems import Refused, UsageError

SOCKET = "control.sock"


def rendezvous_folder(environment: Mapping[str, str], user: int) -> Path:
    """``$XDG_RUNTIME_DIR/keepwell-demo`` (XDG Base Directory Specification), or ``/tmp/keepwell-demo-UID`` where that is not set."""
    given = environment.get("XDG_RUNTIME_DIR", "")
    return Path(given) / "keepwell-demo" if given.startswith("/") else Path(f"/tmp/keepwell-demo-{user}")


def check_owner(folder: Path) -> None:
    """Raises Refused unless the folder is a real directory of this user that nobody else may enter."""
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.geteuid() or facts.st_mode & 0o077:
        raise Refused(
            f"{folder} is not a directory that belongs to you alone, so a laboratory is neither offered nor looked for there",
            hint="remove it, or set XDG_RUNTIME_DIR to a directory of your own",
        )


class Claim:
    """Holds the rendezvous folder for one laboratory: made with mode 0700 and locked, removed again by ``release``."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError where another laboratory holds it, Refused where the folder is someone else's."""
        self.folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        check_owner(folder)
        self._handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise UsageError("a laboratory of yours is already running", hint="stop it first, with Ctrl-C where it was started") from None
        (folder / SOCKET).unlink(missing_ok=True)

    def release(self) -> None:
        """Removes the folder and gives the lock back."""
        (self.folder / SOCKET).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
        os.close(self._handle)
