"""What the last import of each operations directory was: the base of the next merge, and the manual that ``keepwell fill`` imports again.

One file a directory below the data directory, so that it is whole or the one before: name and bytes of the manual, and every file as the
import wrote it (not as the user made it since).
"""

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keepwell.kernel.problems import Problem, StorageError

_FOLDER = "imports"
_LARGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Kept:
    """The last import: the manual as it was, how often its checks were to be made (empty: by kind), and the files as they were written."""

    name: str
    service: str
    manual: bytes
    every: str
    files: Mapping[str, str]


def kept_path(data: Path, folder: Path) -> Path:
    """Where the last import of an operations directory is kept."""
    mark = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()
    return data / _FOLDER / f"{mark}.json"


def read_kept(data: Path, folder: Path) -> Kept | None:
    """The last import of this directory on this machine; None where there was none, or what is kept of it cannot be used."""
    try:
        with kept_path(data, folder).open("rb") as file:
            held = json.loads(file.read(_LARGEST))
        files = {str(path): str(text) for path, text in held["files"].items()}
        return Kept(str(held["name"]), str(held["service"]), base64.b64decode(held["manual"]), str(held["every"]), files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        return None


def make_room(data: Path) -> None:
    """Makes the folder in which imports are kept, for this user only. Raises StorageError."""
    try:
        for path in (data, data / _FOLDER):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _problem(data, error) from error


def keep(data: Path, folder: Path, kept: Kept) -> None:
    """Keeps an import, whole or not at all, readable by this user only. Raises StorageError."""
    path = kept_path(data, folder)
    held = {
        "directory": str(folder.resolve()),
        "name": kept.name,
        "service": kept.service,
        "every": kept.every,
        "manual": base64.b64encode(kept.manual).decode("ascii"),
        "files": dict(kept.files),
    }
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as file:
            json.dump(held, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise _problem(data, error) from error


def _problem(data: Path, error: OSError) -> StorageError:
    message = f"the import cannot be kept below {data}: {error.strerror}"
    hint = "The next import needs it, to merge. Name a directory that this user may write to with --data."
    return StorageError(Problem("storage.directory", message, hint))
