"""What a database driver says went wrong, said so that a person knows what to do about it."""

import errno
import os
import sqlite3
from dataclasses import dataclass

from keepwell.kernel.problems import Problem, StorageError


class DatabaseFault(StorageError):
    """The database did not do what was asked. ``retryable``: the same write may succeed later (locked, full, connection lost)."""

    def __init__(self, problem: Problem, *, retryable: bool = False) -> None:
        super().__init__(problem)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault; ``{place}`` in its message stands for the file or the server (never with a password)."""

    code: str
    message: str
    hint: str
    retryable: bool = False

    def at(self, place: str) -> DatabaseFault:
        """The fault, at this file or server."""
        return DatabaseFault(
            Problem(f"storage.{self.code}", self.message.replace("{place}", place), self.hint.replace("{place}", place)),
            retryable=self.retryable,
        )


LOCKED = Kind(
    "locked",
    "another program holds the database {place} locked",
    "Find it with `fuser` or `lsof` (PostgreSQL: pg_stat_activity) and let it end; then try again.",
    retryable=True,
)
READ_ONLY = Kind(
    "read-only",
    "the database {place} cannot be written: it, its directory or its file system is read-only",
    "Let this user write to it and to its directory, or name another directory with --data.",
)
DISK_FULL = Kind("disk-full", "no space is left for the database {place}", "Free some space; what is stored is intact.", retryable=True)
DAMAGED = Kind(
    "damaged",
    "the database {place} is damaged: cut off, overwritten, or no database at all",
    "Keep it for examination and put a backup in its place (copies made before migrations lie beside it: {place}.before-*).",
)
UNOPENABLE = Kind(
    "unopenable",
    "the database {place} cannot be opened",
    "See that it and its directory exist and that this user may read and write both.",
)
FAILING_DISK = Kind(
    "disk",
    "the disk under the database {place} gives errors",
    "Read the kernel's messages about the disk (dmesg) and copy the data directory to another one.",
    retryable=True,
)
UNREACHABLE = Kind(
    "unreachable",
    "the database server {place} does not answer, or the connection to it broke",
    "See that the server runs, that the address is right and that it takes connections from here.",
    retryable=True,
)
REFUSED = Kind(
    "refused",
    "the database server {place} does not let this user in",
    "Check user and password in the address, and the server's pg_hba.conf.",
)
ABSENT = Kind("absent", "there is no database {place}", "Create it: createdb -E UTF8 NAME")
COLLIDED = Kind(
    "collided",
    "a write to {place} collided with another program's",
    "Nothing of it was stored; it can be put again.",
    retryable=True,
)
CLOSED = Kind("closed", "the database {place} has been closed", "Keepwell is stopping; nothing more is stored.")

_SQLITE = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_CANTOPEN: UNOPENABLE,
    sqlite3.SQLITE_IOERR: FAILING_DISK,
}

# By the beginning of the SQLSTATE: PostgreSQL manual, appendix A "PostgreSQL Error Codes".
_POSTGRESQL = {
    "28": REFUSED,
    "3D000": ABSENT,
    "40": COLLIDED,
    "25006": READ_ONLY,
    "42501": READ_ONLY,
    "53100": DISK_FULL,
    "53": UNREACHABLE,
    "55P03": LOCKED,
    "57P": UNREACHABLE,
    "58": FAILING_DISK,
    "08": UNREACHABLE,
    "XX": DAMAGED,
}
_REFUSALS = ("password authentication failed", "no password supplied", "pg_hba.conf", 'role "')


def newer(place: str, tables: str, version: str) -> DatabaseFault:
    """A migration was applied that this program does not know."""
    message = f"the database {place} was written by a newer Keepwell: its {tables} tables are at {version}, which is unknown here"
    hint = "Run that newer version, or put back the copy made before its migration. Nothing was changed."
    return DatabaseFault(Problem("storage.newer", message, hint))


def from_driver(error: BaseException | None, place: str) -> DatabaseFault | None:
    """The fault that a driver's exception tells of; None where the statement itself is at fault (a constraint, a missing table)."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        kind = _SQLITE.get(code & 0xFF) if isinstance(code, int) else None
        if kind is UNOPENABLE and os.path.exists(place) and not os.access(os.path.dirname(place), os.W_OK):
            kind = READ_ONLY
    elif isinstance(error, OSError):
        kind = _of_system(error)
    else:
        kind = _of_postgresql(error)
    return kind.at(place) if kind else None


def _of_system(error: OSError) -> Kind:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DISK_FULL
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return READ_ONLY
    return FAILING_DISK if error.errno == errno.EIO else UNOPENABLE


def _of_postgresql(error: BaseException | None) -> Kind | None:
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return next((kind for prefix, kind in _POSTGRESQL.items() if state.startswith(prefix)), None)
    # psycopg's own names, compared as text because psycopg is optional.
    if not {"OperationalError", "InterfaceError"} & {kind.__name__ for kind in type(error).__mro__}:
        return None
    # libpq gives no SQLSTATE when the connection itself fails; only its words tell the reasons apart.
    words = str(error)
    if 'database "' in words and "does not exist" in words:
        return ABSENT
    return REFUSED if any(refusal in words for refusal in _REFUSALS) else UNREACHABLE
