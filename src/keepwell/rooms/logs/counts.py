"""How far watched files were read, and what was counted in them: named queries."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select

from keepwell.storage.columns import insert_missing, upsert

from .files.following import Place
from .model import Identity
from .tables import COUNTED, READ, WATCHED


def places(connection: Connection) -> dict[str, Place]:
    """How far each file was read, by its path."""
    return {row.path: Place(Identity(row.device, row.inode), row.at_byte) for row in connection.execute(select(READ))}


def sums(connection: Connection) -> dict[tuple[str, str], int]:
    """What was counted, by policy and watch."""
    return {(row.log, row.watch): int(row.total) for row in connection.execute(select(COUNTED))}


def patterns(connection: Connection) -> dict[str, set[str]]:
    """The patterns of files that are watched already, by policy."""
    found: dict[str, set[str]] = {}
    for row in connection.execute(select(WATCHED)):
        found.setdefault(row.log, set()).add(row.pattern)
    return found


def keep_patterns(connection: Connection, log: str, watched: Iterable[str]) -> None:
    """Stores which patterns a policy watches from now on."""
    for pattern in watched:
        insert_missing(connection, WATCHED, {"log": log, "pattern": pattern})


def keep(connection: Connection, moved: Mapping[str, Place], counted: Mapping[tuple[str, str], int]) -> None:
    """Stores how far files were read now, and the new sums."""
    rows = [
        {"path": path, "device": place.identity.device, "inode": place.identity.inode, "at_byte": place.at} for path, place in moved.items()
    ]
    upsert(connection, READ, rows)
    upsert(connection, COUNTED, [{"log": log, "watch": watch, "total": float(total)} for (log, watch), total in counted.items()])
