"""Where the database is, and SQLAlchemy engines on it: one that writes, one that reads."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from keepwell.kernel.problems import Problem, StorageError

from .faults import DAMAGED

_PATIENCE = 5.0
"""Seconds that a write waits for another program's lock."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a database is: a SQLite file (``path``) or a PostgreSQL server (``url``). ``name`` is for messages: it holds no password."""

    name: str
    path: Path | None = None
    url: URL | None = None


def locate(place: Path | str) -> Location:
    """Reads a path or a ``postgresql://`` address. Raises StorageError, without repeating an address that cannot be read."""
    if isinstance(place, Path) or "://" not in place:
        path = Path(place).absolute()
        return Location(str(path), path=path)
    if not place.startswith(("postgresql://", "postgres://")):
        raise _address(f"{place.partition('://')[0]}:// is no database address", "Use postgresql://USER@HOST/NAME, or a path for SQLite.")
    try:
        url = make_url(place).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise _address("the database address cannot be read", "Use postgresql://USER:PASSWORD@HOST:PORT/NAME.") from None
    if "@" in (url.host or ""):
        raise _address("the database address has two @", "Write an @ of the user or the password as %40.")
    server = url.host or "on this machine"
    return Location(f"{server}:{url.port}/{url.database}" if url.port else f"{server}/{url.database}", url=url)


def writing_engine(location: Location, *, foreign_keys: bool = True) -> Engine:
    """An engine of one connection whose transactions may write. ``foreign_keys=False`` is for migrations, which rebuild tables."""
    if location.path is not None:
        return _sqlite(lambda: _open_to_write(location.path, foreign_keys), 1, "BEGIN IMMEDIATE")
    return _postgresql(location, 1)


def reading_engine(location: Location, connections: int) -> Engine:
    """An engine whose connections cannot write, each transaction seeing one moment of the database."""
    if location.path is not None:
        return _sqlite(lambda: _open_to_read(location.path), connections, "BEGIN")
    engine = _postgresql(location, connections, isolation_level="REPEATABLE READ")

    @event.listens_for(engine, "connect")
    def forbid_writes(connection: Any, _record: object) -> None:
        connection.read_only = True

    return engine


def create_sqlite_file(path: Path) -> None:
    """Makes an empty database where there is none, whole or not at all: a file of no bytes is then never ours, but a cut-off database."""
    if path.exists():
        return
    started = path.with_name(path.name + ".new")
    started.unlink(missing_ok=True)
    os.close(os.open(started, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(started)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    started.rename(path)


def refuse_cut_off(path: Path) -> None:
    """Raises DatabaseFault for a file whose end is missing in a way that SQLite itself overlooks.

    It takes a file shorter than a page for a new database, and fills a last page that is cut off with zeros. The page size stands
    in bytes 16 and 17 (sqlite.org/fileformat.html, 1.3.2); where a log is left, a whole last page may still be in there.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        stored = int.from_bytes(file.read(18)[16:], "big")
    page = 65536 if stored == 1 else stored
    if size < 512 or (page and size % page and not _has_log(path)):
        raise DAMAGED.at(str(path))


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _sqlite(connect: Any, connections: int, begin: str) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_reset_on_return=None,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begin_ourselves(connection: Connection) -> None:
        # sqlite3's own transaction handling is off (isolation_level=None): it would begin late and commit before DDL.
        connection.exec_driver_sql(begin)

    return engine


def _open_to_write(path: Path, foreign_keys: bool) -> sqlite3.Connection:
    connection = _connect(path, "rw")
    connection.execute("PRAGMA journal_mode = WAL")
    # NORMAL survives kill -9 as well, but may lose the newest commits at a power failure (sqlite.org/pragma.html#pragma_synchronous).
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    # An erased output must not stay readable in the file.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection:
    # Where nothing can be written SQLite cannot make its shared memory file; a database without a log can be read as it lies there.
    lies_still = not os.access(path.parent, os.W_OK) and not _has_log(path)
    connection = _connect(path, "ro&immutable=1" if lies_still else "ro")
    connection.execute("PRAGMA query_only = ON")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)


def _postgresql(location: Location, connections: int, **more: Any) -> Engine:
    try:
        engine = create_engine(
            location.url or "",
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 10, "application_name": "keepwell"},
            **more,
        )
    except ModuleNotFoundError as error:
        raise StorageError(
            Problem("storage.no-driver", "PostgreSQL needs a driver that is not installed", "Install keepwell[postgresql].")
        ) from error

    @event.listens_for(engine, "connect")
    def be_patient(connection: Any, _record: object) -> None:
        connection.execute(f"SET lock_timeout = {int(_PATIENCE * 1000)}")
        connection.commit()

    return engine


def _address(message: str, hint: str) -> StorageError:
    return StorageError(Problem("storage.address", message, hint))
