"""The log: what is committed and in no file yet, the series and what is known of metrics, in one SQLite file.

A batch is one row of three blobs. So a NaN keeps its bits (SQLite itself turns NaN into NULL), and a write costs as much for a thousand
samples as for one. Used by one thread at a time; others may read through ``open_to_read``.
"""

import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.problems import StorageError
from keepwell.storage.faults import CLOSED, DAMAGED, from_driver

from .model import HOUR, Instants, Metric, Rows

NAME = "samples.sqlite"

_TABLES = (
    "CREATE TABLE series (id INTEGER PRIMARY KEY, labels TEXT NOT NULL, source TEXT NOT NULL, seen INTEGER NOT NULL)",
    "CREATE TABLE metric (name TEXT PRIMARY KEY, kind TEXT NOT NULL, help TEXT NOT NULL, unit TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, hour INTEGER NOT NULL, series BLOB NOT NULL, at BLOB NOT NULL,"
    " value BLOB NOT NULL, checksum INTEGER NOT NULL)",
    "CREATE INDEX batch_of_hour ON batch (hour)",
    "CREATE TABLE damaged_batch AS SELECT * FROM batch WHERE 0",
)
_PATIENCE = 5.0
"""Seconds that a write waits for another program's lock."""

_SHRINK_BY = 2_000
"""Pages of 4 KiB."""

Point = Callable[[str], None]
"""Called before and after each step of a write with its name: a test can end the program there."""


def nothing(_step: str) -> None:
    """The point that does nothing."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One row of the log. ``rows`` is None where it is damaged."""

    id: int
    hour: int
    rows: Rows | None


class Log:
    """The file. Every method raises StorageError where it cannot be used, and what it then was to write is not written at all."""

    def __init__(self, connection: sqlite3.Connection, path: Path, point: Point) -> None:
        self._connection: sqlite3.Connection | None = connection
        self.path = path
        self.point = point

    @classmethod
    def open(cls, path: Path, point: Point = nothing) -> "Log":
        """Opens it to write, and makes it where it is missing. Raises StorageError; ``storage.damaged`` where it is not whole."""
        # It brings SQLAlchemy, which a program that only reads the log can do without.
        from keepwell.storage.engines import refuse_cut_off

        with _explained(path):
            if not path.exists():
                _leave_behind(path)
                _create(path)
            refuse_cut_off(path)
            log = cls(_connect(path, "rw"), path, point)
            try:
                log._prepare()
            except BaseException:
                log.close()
                raise
        return log

    @classmethod
    def open_to_read(cls, path: Path) -> "Log":
        """Opens an existing one in another process or thread, beside the one who writes."""
        with _explained(path):
            connection = _connect(path, "ro")
            connection.execute("PRAGMA query_only = ON")
        return cls(connection, path, nothing)

    def _prepare(self) -> None:
        connection = self._using()
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives kill -9 as well, but may lose the newest commits at a power failure (sqlite.org/pragma.html#pragma_synchronous).
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        # It is appended to: what was written is hardly read again before it is compacted.
        connection.execute("PRAGMA cache_size = -512")

    def close(self) -> None:
        """Closes the file. Doing it twice is harmless."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def begin_after(self, number: int) -> None:
        """The batches of a new log get numbers above this."""
        with self._transaction() as connection:
            connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('batch', ?)", (number,))

    def append(self, batches: Sequence[Rows], series: Sequence[tuple[int, str, str]] = ()) -> list[tuple[int, int]]:
        """Stores batches, each of one UTC hour, and new series (number, canonical labels, source), together or not at all.
        Gives (hour, id of the batch) of each.
        """
        self.point("append: begin")
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO series (id, labels, source, seen) VALUES (?, ?, ?, 0)", series)
            self.point("append: series")
            stored = []
            for rows in batches:
                hour = int(rows.at[0]) // HOUR * HOUR
                blobs = (rows.series.astype("<i4").tobytes(), rows.at.astype("<i8").tobytes(), rows.value.astype("<f8").tobytes())
                insert = "INSERT INTO batch (hour, series, at, value, checksum) VALUES (?, ?, ?, ?, ?)"
                stored.append((hour, connection.execute(insert, (hour, *blobs, _checksum(blobs))).lastrowid or 0))
                self.point("append: batch")
            self.point("append: commit")
        self.point("append: committed")
        return stored

    def hours(self) -> dict[int, list[int]]:
        """The hours that have batches, ascending, with the batches' ids."""
        found: dict[int, list[int]] = {}
        for hour, number in self._rows("SELECT hour, id FROM batch ORDER BY hour, id"):
            found.setdefault(hour, []).append(number)
        return found

    def used_hours(self) -> list[int]:
        """The hours that have batches, ascending."""
        return [hour for (hour,) in self._rows("SELECT DISTINCT hour FROM batch ORDER BY hour")]

    def batches(self, hour: int) -> Iterator[Batch]:
        """The batches of one hour, as they were stored, one after another so that few are in memory at once."""
        for row in self._rows("SELECT id, hour, series, at, value, checksum FROM batch WHERE hour = ? ORDER BY id", (hour,)):
            yield _batch(*row)

    def rows_of_hour(self, hour: int) -> tuple[Rows, list[int], list[int]]:
        """All samples of one hour in the order in which they were stored; the ids of their batches; the ids of damaged batches."""
        batches = list(self.batches(hour))
        whole = [batch.rows for batch in batches if batch.rows is not None]
        ids = [batch.id for batch in batches if batch.rows is not None]
        return joined(whole), ids, [batch.id for batch in batches if batch.rows is None]

    def forget(self, ids: Sequence[int]) -> None:
        """Deletes these batches, some hundred in a transaction: doing it again is harmless."""
        for first in range(0, len(ids), 500):
            self.point("forget: begin")
            with self._transaction() as connection:
                connection.executemany("DELETE FROM batch WHERE id = ?", [(number,) for number in ids[first : first + 500]])
                self.point("forget: commit")
            self.point("forget: committed")

    def free(self) -> tuple[int, int]:
        """Bytes of the file that hold nothing, and all its bytes."""
        free, pages, size = (next(self._rows(f"PRAGMA {name}"))[0] for name in ("freelist_count", "page_count", "page_size"))
        return free * size, pages * size

    def shrink(self) -> bool:
        """Gives some megabytes of what holds nothing back to the disk; whether there is more."""
        with _explained(self.path):
            self._using().execute(f"PRAGMA incremental_vacuum({_SHRINK_BY})").fetchall()
        return self.free()[0] > 0

    def put_aside(self, ids: Sequence[int]) -> None:
        """Moves damaged batches to a table of their own, where people can examine them."""
        with self._transaction() as connection:
            for number in ids:
                connection.execute("INSERT INTO damaged_batch SELECT * FROM batch WHERE id = ?", (number,))
                connection.execute("DELETE FROM batch WHERE id = ?", (number,))

    def readable_ids(self) -> list[int]:
        """The ids of batches as far as a damaged file gives them: from the index or from the table, whichever knows more."""
        found: set[int] = set()
        for query in ("SELECT id FROM batch INDEXED BY batch_of_hour WHERE hour > -9e18", "SELECT id FROM batch NOT INDEXED"):
            with suppress(StorageError, sqlite3.Error):
                for (number,) in self._rows(query):
                    found.add(number)
        return sorted(found)

    def batch(self, number: int) -> Rows | None:
        """One batch; None where it is damaged or cannot be read."""
        try:
            found = list(self._rows("SELECT id, hour, series, at, value, checksum FROM batch WHERE id = ?", (number,)))
        except (StorageError, sqlite3.Error):
            return None
        return _batch(*found[0]).rows if found else None

    def series(self) -> Iterator[tuple[int, str, str, int]]:
        """All series: number, canonical labels, source, the newest sample's hour that ``saw`` was told (0 where it never was)."""
        return self._rows("SELECT id, labels, source, seen FROM series ORDER BY id")

    def saw(self, seen: Mapping[int, int], gone: Sequence[int] = ()) -> None:
        """Notes until when (milliseconds) series were seen, and deletes those that are gone."""
        with self._transaction() as connection:
            connection.executemany("UPDATE series SET seen = ? WHERE id = ?", [(at, number) for number, at in seen.items()])
            connection.executemany("DELETE FROM series WHERE id = ?", [(number,) for number in gone])

    def metrics(self) -> dict[str, Metric]:
        """What is known of metrics, by name."""
        return {name: Metric(kind, text, unit) for name, kind, text, unit in self._rows("SELECT name, kind, help, unit FROM metric")}

    def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Stores what metrics are, over what was known of them."""
        rows = [(name, metric.kind, metric.help, metric.unit) for name, metric in metrics.items()]
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO metric (name, kind, help, unit) VALUES (?, ?, ?, ?)", rows)

    def _using(self) -> sqlite3.Connection:
        if self._connection is None:
            raise CLOSED.at(str(self.path))
        return self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._using()
        with _explained(self.path):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # SQLite itself rolls back after some faults (sqlite.org/lang_transaction.html, 3).
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[int] = ()) -> Iterator[Any]:
        with _explained(self.path):
            yield from self._using().execute(query, values)


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows after one another."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Rows(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.float64))
    return Rows(
        np.concatenate([rows.series for rows in parts]),
        np.concatenate([rows.at for rows in parts]),
        np.concatenate([rows.value for rows in parts]),
    )


def grouped(keys: Instants) -> Iterator[tuple[int, "slice | NDArray[np.intp]"]]:
    """Each distinct key, ascending, with the places where it stands, in their order."""
    if not len(keys):
        return
    if (keys == keys[0]).all():
        yield int(keys[0]), slice(None)
        return
    placed = np.argsort(keys, kind="stable")
    ordered = keys[placed]
    for places in np.split(placed, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1):
        yield int(keys[places[0]]), places


def by_hour(rows: Rows) -> list[Rows]:
    """The rows of each UTC hour for themselves, in their order."""
    return [Rows(rows.series[mine], rows.at[mine], rows.value[mine]) for _, mine in grouped(rows.at // HOUR)]


def _batch(number: int, hour: int, series: bytes, at: bytes, value: bytes, checksum: int) -> Batch:
    blobs = (series, at, value)
    if not all(isinstance(blob, bytes) for blob in blobs) or not (len(series) * 2 == len(at) == len(value)) or _checksum(blobs) != checksum:
        return Batch(number, hour, None)
    rows = Rows(np.frombuffer(series, "<i4"), np.frombuffer(at, "<i8"), np.frombuffer(value, "<f8"))
    return Batch(number, hour, rows if (rows.at // HOUR * HOUR == hour).all() else None)


def _checksum(blobs: tuple[bytes, bytes, bytes]) -> int:
    checksum = 0
    for blob in blobs:
        checksum = zlib.crc32(blob, checksum)
    return checksum


def _leave_behind(path: Path) -> None:
    """What belonged to a file that is gone: beside a new one, SQLite would take it for that one's."""
    for suffix in ("-wal", "-shm"):
        left = path.with_name(path.name + suffix)
        if left.exists():
            left.rename(path.with_name(f"{path.name}{suffix}.left"))


def _create(path: Path) -> None:
    """Makes the file with its tables, whole or not at all, at the price of two flushes of the disk."""
    started = path.with_name(path.name + ".new")
    started.unlink(missing_ok=True)
    os.close(os.open(started, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = _connect(started, "rw")
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")
        # So that a file that an import made large can be made small again, a little at a time.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        for table in _TABLES:
            connection.execute(table)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    flush(started, os.O_RDWR)
    started.rename(path)
    flush(path.parent, os.O_RDONLY | os.O_DIRECTORY)


def flush(path: Path, flags: int) -> None:
    """Makes a file, or the names in a folder, durable. Raises OSError."""
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        fault: StorageError | None = from_driver(error, str(path))
        if fault is None and _is_no_log(error):
            fault = DAMAGED.at(str(path))
        if fault is None:
            raise
        raise fault from error


def _is_no_log(error: Exception) -> bool:
    """Our statements never change: where one of them is wrong, the file has not our tables, or text in it is no UTF-8."""
    codes = (None, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT)
    return isinstance(error, sqlite3.OperationalError | sqlite3.IntegrityError) and getattr(error, "sqlite_errorcode", None) in codes
