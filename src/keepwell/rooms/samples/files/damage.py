"""Files that cannot be used: each is named once, in one sentence, and passed over."""

import logging
import os
import threading
from pathlib import Path

from keepwell.rooms.samples.files.layout import File

_log = logging.getLogger("keepwell.samples")

Stamp = tuple[int, int, int] | None
"""What tells one state of a file from another: inode, size, and when it (or who may read it) was changed, in nanoseconds. None where it
cannot be looked at."""


class Damaged(Exception):
    """A file (or the folder of a tier) cannot be used. ``sentence`` says which and why (``reason``)."""

    def __init__(self, file: File | Path, reason: str) -> None:
        self.reason = reason
        self.path = file.path if isinstance(file, File) else file
        self.sentence = f"samples/{file.name} {reason}; what it holds is left out, everything else is served"
        super().__init__(self.sentence)


class Damages:
    """What was found to be damaged. A file counts as such until it is another file, or gone. Any thread may use it."""

    def __init__(self) -> None:
        self._found: dict[Path, tuple[Stamp, Damaged]] = {}
        self._guard = threading.Lock()

    def note(self, damaged: Damaged) -> None:
        """Remembers it, and logs it where it was not known. A file that is gone meanwhile (merged, or too old) is only logged."""
        path = damaged.path
        with self._guard:
            known = self._found.pop(path, None)
            if not _is_gone(path):
                self._found[path] = (stamp(path), damaged)
        if known is None or known[1].sentence != damaged.sentence:
            _log.error(damaged.sentence)

    def of(self, path: Path) -> Damaged | None:
        """What is known of a file as it is now."""
        with self._guard:
            known = self._found.get(path)
            if known is None:
                return None
            if known[0] != stamp(path):
                del self._found[path]
                return None
            return known[1]

    def paths(self) -> frozenset[Path]:
        """The files that are damaged now."""
        return frozenset(path for path in list(self._found) if self.of(path) is not None)

    def names(self) -> frozenset[str]:
        """Their names: folder and file."""
        return frozenset(f"{path.parent.name}/{path.name}" for path in self.paths())

    def sentences(self) -> list[str]:
        """A sentence for each of them, in order of their names."""
        found = (self.of(path) for path in sorted(self._found))
        return [damaged.sentence for damaged in found if damaged is not None]


def _is_gone(path: Path) -> bool:
    try:
        os.stat(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def stamp(path: Path) -> Stamp:
    """The state of a file."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_ctime_ns
