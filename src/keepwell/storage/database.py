"""The database: one writer, a few readers, both behind async verbs; everything inside a transaction is synchronous and short."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from keepwell.kernel.problems import Problem, StorageError
from keepwell.ports.offer import Tables

from .columns import FreeText, Json, UtcInstant, insert_missing, upsert
from .declared import STORAGE_TABLES
from .engines import Location, create_sqlite_file, locate, reading_engine, refuse_cut_off, writing_engine
from .faults import CLOSED, READ_ONLY, from_driver
from .migrating import migrate, refuse_other_version
from .writer import Writer, explained

__all__ = ["Database", "FreeText", "Json", "UtcInstant", "insert_missing", "upsert"]

T = TypeVar("T")

_READERS = 4


class Database:
    """An open database. ``name`` says where it is, for messages; it holds no password. ``shared``: other servers may use it too, which a
    SQLite file in a data directory that one server has for itself does not allow."""

    def __init__(self, location: Location, writer: Writer | None, readers: Engine) -> None:
        self.name = location.name
        self.shared = location.path is None
        self._writer = writer
        self._reading = readers
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="keepwell-reader")
        self._closed = False

    @classmethod
    async def open(cls, place: Path | str, tables: Sequence[Tables], now: datetime) -> Self:
        """Opens a SQLite file (made where it is missing) or a ``postgresql://`` address, and migrates it where it is behind.

        Storage's own tables need not be named. Raises StorageError with one clear sentence: locked, read-only, full, damaged, from a
        newer Keepwell, unreachable, refused.
        """
        location = locate(place)
        return await asyncio.to_thread(cls._open, location, _with_own(tables), now)

    @classmethod
    async def open_to_read(cls, place: Path | str, tables: Sequence[Tables] = ()) -> Self:
        """Opens what is there already, without the right to write: beside a running server, or on a read-only disk. Raises StorageError."""
        location = locate(place)
        return await asyncio.to_thread(cls._open_to_read, location, _with_own(tables))

    @classmethod
    def _open(cls, location: Location, tables: Sequence[Tables], now: datetime) -> Self:
        with _as_faults(location.name):
            if location.path is not None:
                create_sqlite_file(location.path)
                refuse_cut_off(location.path)
            migrate(location, tables, now)
            with _disposed_on_failure(writing_engine(location)) as writing:
                with writing.connect() as connection, connection.begin():
                    _refuse_other_encoding(connection, location.name)
                return cls(location, Writer(writing, location.name), reading_engine(location, _READERS))

    @classmethod
    def _open_to_read(cls, location: Location, tables: Sequence[Tables]) -> Self:
        with _as_faults(location.name):
            if location.path is not None:
                _refuse_absent(location.path)
                refuse_cut_off(location.path)
            with _disposed_on_failure(reading_engine(location, _READERS)) as reading:
                with reading.connect() as connection, connection.begin():
                    refuse_other_version(connection, location.name, tables)
                return cls(location, None, reading)

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Runs the change in a transaction of the one writer thread and returns its answer once it is stored on the disk.

        A change that raises is rolled back and its exception comes out here; what a driver says becomes a DatabaseFault. A change may run
        twice (the first time rolled back), so it touches nothing but its connection. Cancelled before its turn, it is left out.
        """
        if self._closed:
            raise CLOSED.at(self.name)
        if self._writer is None:
            raise READ_ONLY.at(self.name)
        return await asyncio.wrap_future(self._writer.submit(change))

    async def read(self, question: Callable[[Connection], T]) -> T:
        """Runs the question on one of the readers: it sees one moment of the database, and cannot write. The answer must be complete
        when it returns (a list, not a cursor)."""
        if self._closed:
            raise CLOSED.at(self.name)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, question)

    async def close(self) -> None:
        """Waits until all that was handed to ``write`` is stored, and closes. Doing it twice is harmless."""
        self._closed = True
        await asyncio.to_thread(self._close)

    def _read(self, question: Callable[[Connection], T]) -> T:
        try:
            with self._reading.connect() as connection, connection.begin():
                return question(connection)
        except DBAPIError as error:
            reason = explained(error, self.name)
            if reason is error:
                raise
            raise reason from error

    def _close(self) -> None:
        self._threads.shutdown(wait=True)
        self._reading.dispose()
        if self._writer is not None:
            self._writer.close()


def _with_own(tables: Sequence[Tables]) -> list[Tables]:
    return [STORAGE_TABLES, *(each for each in tables if each.name != STORAGE_TABLES.name)]


def _refuse_absent(path: Path) -> None:
    if not path.exists():
        hint = "Start a server once (`keepwell up`), or name its data directory with --data. For one in PostgreSQL, set KEEPWELL_DATABASE."
        raise StorageError(Problem("storage.absent", f"there is no database {path}", hint))


def _refuse_other_encoding(connection: Connection, place: str) -> None:
    if connection.dialect.name != "postgresql":
        return
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        hint = "Create a database with createdb -E UTF8 -T template0."
        raise StorageError(Problem("storage.encoding", f"the database {place} stores text as {encoding}, not as UTF-8", hint))


@contextmanager
def _disposed_on_failure(engine: Engine) -> Iterator[Engine]:
    try:
        yield engine
    except BaseException:
        engine.dispose()
        raise


@contextmanager
def _as_faults(place: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error, OSError) as error:
        fault = from_driver(error.orig if isinstance(error, DBAPIError) else error, place)
        if fault is None:
            raise
        raise fault from error
