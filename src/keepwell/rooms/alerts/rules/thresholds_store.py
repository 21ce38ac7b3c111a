"""The versions of changed thresholds, stored: each row is a whole document, the newest is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from keepwell.rooms.alerts.tables import OVERRIDE


@dataclass(frozen=True, slots=True)
class Version:
    """One version: who made it when and why, the version whose values it takes again (None: new ones), and all changes after it."""

    number: int
    at: datetime
    by: str
    reason: str
    reverts: int | None
    content: Mapping[str, Any]


def newest(connection: Connection) -> Version | None:
    """The version in force; None where nothing was ever changed."""
    row = connection.execute(select(OVERRIDE).order_by(OVERRIDE.c.version.desc()).limit(1)).first()
    return _version(row) if row else None


def find(connection: Connection, number: int) -> Version | None:
    """One version."""
    row = connection.execute(select(OVERRIDE).where(OVERRIDE.c.version == number)).first()
    return _version(row) if row else None


def versions(connection: Connection, limit: int, before: int | None) -> list[Version]:
    """The newest first; before a number where given."""
    query = select(OVERRIDE).order_by(OVERRIDE.c.version.desc()).limit(limit)
    if before is not None:
        query = query.where(OVERRIDE.c.version < before)
    return [_version(row) for row in connection.execute(query)]


def add(connection: Connection, version: Version) -> None:
    """One more. Its number is one more than the newest: two writers cannot both have it."""
    connection.execute(
        insert(OVERRIDE).values(
            version=version.number,
            at=version.at,
            made_by=version.by,
            reason=version.reason,
            reverts=version.reverts,
            content=dict(version.content),
        )
    )


def _version(row: Any) -> Version:
    return Version(row.version, row.at, row.made_by, row.reason, row.reverts, row.content)
