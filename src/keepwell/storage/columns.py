"""Column types that mean the same in SQLite and in PostgreSQL, and the one statement that both write differently."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, Table, Text
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def microseconds(instant: datetime) -> int:
    """The instant as whole microseconds since 1970-01-01T00:00Z. Raises ValueError for a naive datetime, and for one that is past the year
    9999 in UTC: it could never be read again."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant!r} has no time zone; instants are timezone-aware")
    try:
        return (instant.astimezone(UTC) - _EPOCH) // _MICROSECOND
    except OverflowError:
        raise ValueError(f"{instant!r} is outside of the years 1 to 9999 in UTC") from None


def storable(text: str) -> str:
    """The text with U+FFFD in place of what not every database takes: NUL (PostgreSQL) and lone surrogates (UTF-8 itself)."""
    return _UNSTORABLE.sub("\ufffd", text)


def canonical(value: Any) -> str:
    """The value as JSON with sorted keys, no spaces and ASCII escapes: equal values have equal text. Raises ValueError for NaN."""
    return _CANONICAL.encode(value)


class UtcInstant(TypeDecorator[datetime]):
    """An instant, stored as microseconds since 1970 in a BIGINT and read back in UTC. A naive datetime is refused with ValueError."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """From the instant to the number."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """From the number to the instant."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class FreeText(TypeDecorator[str]):
    """Text from anywhere (the output of a program, the answer of a target): what a database would refuse is replaced by U+FFFD."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replaces what is not storable."""
        return None if value is None else storable(value)


class Json(TypeDecorator[Any]):
    """A JSON value, stored as canonical text: both databases give back exactly what was put in, NUL characters included.

    Not PostgreSQL's own ``jsonb``, which refuses ``\\u0000`` and lone surrogates. NaN and infinities are refused with ValueError.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """From the value to its text."""
        return None if value is None else canonical(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """From the text to the value."""
        return None if value is None else json.loads(value)


def inserting(connection: Connection, table: Table) -> Any:
    """An INSERT that has ``on_conflict_do_update`` and ``on_conflict_do_nothing``, as the connection's database writes them."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # two megabytes, which a server on SQLite does not need

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes the rows: where the primary key is there already, the row's other columns replace the stored ones."""
    if not rows:
        return
    statement = inserting(connection, table)
    keys = {column.name for column in table.primary_key}
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=sorted(keys), set_=others), list(rows))


def insert_missing(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Writes the row unless its primary key is there already; whether it was written."""
    statement = inserting(connection, table)
    written = statement.values(**row).on_conflict_do_nothing().returning(*table.primary_key)
    return connection.execute(written).first() is not None
