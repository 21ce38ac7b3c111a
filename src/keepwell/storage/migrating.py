"""Brings a database to the version that this program needs: a cheap look first, and Alembic only where something older is there.

The tables of each owner (storage, each room) have their own line of revisions and their own version table, so that a room can be removed
while its tables stay, and come back later.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, text

from keepwell.kernel.problems import Problem, StorageError
from keepwell.ports.offer import Tables

from .creating import create, is_creatable
from .engines import Location, writing_engine
from .journal import NewEntry, append
from .versions import Step, version_table

_TABLES_THERE = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def behind(connection: Connection, tables: Sequence[Tables]) -> list[Step]:
    """Those that are not at their declared head. Reads only the version tables."""
    there = set(connection.scalars(text(_TABLES_THERE[connection.dialect.name])))
    steps = []
    for each in tables:
        name = version_table(each)
        stored = connection.scalar(text(f'SELECT version_num FROM "{name}"')) if name in there else None
        if stored != each.head:
            steps.append(Step(each, stored))
    return steps


def migrate(location: Location, tables: Sequence[Tables], now: datetime) -> bool:
    """Brings all tables to their declared heads, in one transaction; whether anything was to be done.

    A SQLite database that holds something is copied first, to ``NAME.before-HEAD`` beside it; of a PostgreSQL server its keeper has
    backups. Raises StorageError, having changed nothing, where the database comes from a newer Keepwell.
    """
    engine = writing_engine(location, foreign_keys=False)
    try:
        with engine.connect() as connection, connection.begin():
            steps = behind(connection, tables)
        if not steps:
            return False
        if not all(map(is_creatable, steps)):
            # Alembic costs a third of a second and ten megabytes: only who needs it pays.
            from .upgrading import refuse_newer

            refuse_newer(location.name, steps)
        if location.path is not None and any(step.stored for step in steps):
            copy_database(location.path, location.path.with_name(f"{location.path.name}.before-{_label(steps)}"))
        with engine.connect() as connection, connection.begin():
            _upgrade(connection, tables, now)
    finally:
        engine.dispose()
    return True


def refuse_other_version(connection: Connection, place: str, tables: Sequence[Tables]) -> None:
    """Raises StorageError where a database that is only to be read is not at the declared heads."""
    steps = behind(connection, tables)
    if not steps:
        return
    from .upgrading import refuse_newer

    refuse_newer(place, steps)
    names = ", ".join(step.tables.name for step in steps)
    message = f"the database {place} was written by an older Keepwell, or is still empty: its {names} tables are not those of this version"
    raise StorageError(Problem("storage.older", message, "Start this version once (`keepwell up`): it brings the database up to date."))


def copy_database(path: Path, copy: Path) -> None:
    """Copies a SQLite database as it stands at one moment; the copy appears under its name whole and on the disk, or not at all."""
    partial = copy.with_name(copy.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        _flush(partial)
        partial.replace(copy)
        _flush(copy.parent)
    finally:
        partial.unlink(missing_ok=True)


def _upgrade(connection: Connection, tables: Sequence[Tables], now: datetime) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('keepwell.migrate'))"))
    # Asked again under the lock: another process may have done it meanwhile.
    steps = behind(connection, tables)
    for step in steps:
        if is_creatable(step):
            create(connection, step)
        else:
            from .upgrading import upgrade

            upgrade(connection, step.tables)
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise StorageError(
            Problem("storage.migration", "a migration left rows that refer to nothing", "Nothing was changed. Please report this.")
        )
    facts = {step.tables.name: [step.stored, step.tables.head] for step in steps}
    if facts:
        append(connection, NewEntry("keepwell", "storage.migrated", "database", facts), now)


def _label(steps: Sequence[Step]) -> str:
    return "+".join(step.tables.head for step in steps)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
