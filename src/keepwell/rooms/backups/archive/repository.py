"""A folder in which copies are kept: what lies in it, and the only ways in which something leaves it."""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from keepwell.kernel.problems import AnswerError, NotFound
from keepwell.rooms.backups.model import Found
from keepwell.rooms.backups.words import named

from .files import open_plain, sync_folder
from .layout import GOING, LOCK, MANIFEST, SIGNATURE, UNFINISHED, read_manifest
from .signing import is_signed

_LONGEST_MANIFEST = 16 * 1024 * 1024
_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class Repository:
    """The folder of a repository. All of it blocks."""

    path: Path

    def folder(self, backup: str) -> Path:
        """Where the copies of a backup lie."""
        return self.path / backup

    def copy(self, backup: str, id: str) -> Path:
        """The folder of a copy. Raises NotFound where there is none of that name."""
        folder = self.folder(backup) / id
        if _ID.fullmatch(id) is None or not folder.is_dir():
            raise NotFound(f"there is no copy {named(id)} of {named(backup)} in {self.path}")
        return folder

    def copies(self, backup: str, public: bytes | None) -> list[Found]:
        """Every copy of a backup, oldest first; one that was damaged too, with what is wrong. ``public`` is the key that must have signed
        them (PEM); without one, signatures are not looked at. Raises AnswerError where the folder cannot be read."""
        try:
            names = sorted(name for name in os.listdir(self.folder(backup)) if _ID.fullmatch(name))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AnswerError(f"{self.folder(backup)} cannot be read: {error.strerror}") from error
        return [found_in(self.folder(backup) / name, public) for name in names]

    @contextmanager
    def locked(self, backup: str) -> Iterator[None]:
        """Holds the lock (flock(2)) of a backup's folder: it ends with whoever held it. Raises AnswerError where another holds it."""
        handle = os.open(self.folder(backup) / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AnswerError(f"another program is making or deleting copies in {self.folder(backup)}") from None
            yield
        finally:
            os.close(handle)

    def tidy(self, backup: str) -> None:
        """Removes what an interrupted making or deleting left behind. Hold the lock."""
        folder = self.folder(backup)
        for name in os.listdir(folder):
            if name.startswith((UNFINISHED, GOING)) and _ID.fullmatch(name.partition("-")[2]):
                shutil.rmtree(folder / name)

    def remove(self, backup: str, id: str) -> None:
        """Deletes a copy: by one rename it is none any more, then its files go. One that is gone already is no error. Raises OSError."""
        folder = self.folder(backup)
        with self.locked(backup):
            if (folder / id).is_dir() and _ID.fullmatch(id):
                os.rename(folder / id, folder / f"{GOING}{id}")
                sync_folder(folder)
            self.tidy(backup)


def _read(path: Path) -> bytes:
    with open_plain(path) as file:
        return file.read(_LONGEST_MANIFEST)


def found_in(folder: Path, public: bytes | None) -> Found:
    """What a copy's folder holds, by its manifest; the archive itself is not read."""
    id, backup = folder.name, folder.parent.name
    try:
        data, signature = _read(folder / MANIFEST), _read(folder / SIGNATURE)
    except FileNotFoundError as error:
        what = "manifest" if str(error.filename).endswith(MANIFEST) else "signature"
        return Found(id, None, fault=f"its {what} is missing, so it was never finished or was tampered with")
    except OSError as error:
        return Found(id, None, fault=f"its manifest cannot be read: {error.strerror}")
    digest = sha256(data).hexdigest()
    try:
        manifest = read_manifest(data)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:  # before its signature is looked at: anything
        return Found(id, None, digest, f"its manifest is damaged: {error}")
    fault = ""
    if public is not None and not is_signed(data, signature, public):
        fault = "its manifest was changed after it was signed, or another key signed it"
    elif (manifest.id, manifest.backup) != (id, backup):
        fault = f"it is the copy {manifest.id} of {manifest.backup}, put in place of this one"
    return Found(id, manifest, digest, fault)
