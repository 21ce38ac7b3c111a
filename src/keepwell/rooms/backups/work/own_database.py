"""Keepwell's own SQLite database in a backup of files: a copy of one moment stands for it, and the file itself is never opened.

A process that closes any handle of a file loses all its POSIX locks on it (fcntl(2), "Advisory record locking"; sqlite.org,
howtocorrupt.html, 2.2). Read as any other file is, the database lost the locks of the server that reads it: the next program that opens it
takes it for one that nobody uses, and makes its shared index anew, under the server. Nor would file and write-ahead log, read one after the
other, be of one moment.
"""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from keepwell.rooms.backups.source import LeftOut, Seen
from keepwell.storage.directory import DataDirectory
from keepwell.storage.faults import from_driver
from keepwell.storage.migrating import copy_database

from .ports import scratch


def with_a_copy_of_it(everything: Iterator[Seen | LeftOut], data: Path) -> Iterator[Seen | LeftOut]:
    """The same, but for the server's own database: its content is that of a copy, which is there until the next one is asked for, and its
    log and index are part of that. Blocks. Raises StorageError or OSError where it cannot be copied."""
    database = DataDirectory(data).database
    own = _identity(database)
    beside = {_identity(database.with_name(f"{database.name}-{part}")) for part in ("wal", "shm")} - {None}
    for one in everything:
        identity = (one.facts.st_dev, one.facts.st_ino) if isinstance(one, Seen) else None
        if isinstance(one, Seen) and own is not None and identity == own:
            scratch(data).mkdir(mode=0o700, exist_ok=True)
            with TemporaryDirectory(prefix="proof-database-", dir=scratch(data)) as folder:  # the next start clears it away, as all proofs
                copy = Path(folder) / database.name
                _copy(database, copy)
                yield replace(one, content=str(copy))
        elif identity is None or identity not in beside:
            yield one


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = os.lstat(path)
    except FileNotFoundError:
        return None
    return facts.st_dev, facts.st_ino


def _copy(database: Path, copy: Path) -> None:
    try:
        copy_database(database, copy)
    except sqlite3.Error as error:
        raise from_driver(error, str(database)) or error from error
