"""The queries of reports."""

import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from .model import Report, Span, as_json, from_json
from .tables import REPORT

_LISTED = [column for column in REPORT.c if column.name != "content"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A report that is kept: its number, for which occasion it was made, by whom, and to whom it was sent (names with commas)."""

    number: int
    key: str
    name: str
    kind: str
    span: Span
    made_at: datetime
    made_by: str
    state: str
    headline: str
    sent_to: str


def put(connection: Connection, key: str, by: str, report: Report, sent_to: str) -> int:
    """Adds a report and gives its number."""
    row = {
        "key": key,
        "name": report.name,
        "kind": report.kind,
        "start_at": report.span.start,
        "end_at": report.span.end,
        "made_at": report.made_at,
        "made_by": by,
        "state": report.state,
        "headline": report.headline,
        "sent_to": sent_to,
        "content": zlib.compress(json.dumps(as_json(report), separators=(",", ":")).encode()),
    }
    return int(connection.execute(insert(REPORT).values(row).returning(REPORT.c.number)).scalar_one())


def by_key(connection: Connection, key: str) -> Kept | None:
    """The report of an occasion."""
    row = connection.execute(select(*_LISTED).where(REPORT.c.key == key)).first()
    return _kept(row) if row is not None else None


def listed(connection: Connection, name: str | None = None, before: int | None = None, limit: int = 50) -> list[Kept]:
    """The newest first."""
    query = select(*_LISTED).order_by(REPORT.c.number.desc()).limit(limit)
    if name is not None:
        query = query.where(REPORT.c.name == name)
    if before is not None:
        query = query.where(REPORT.c.number < before)
    return [_kept(row) for row in connection.execute(query)]


def whole(connection: Connection, number: int) -> tuple[Kept, Report] | None:
    """A report with all that is in it."""
    row = connection.execute(select(REPORT).where(REPORT.c.number == number)).first()
    return (_kept(row), from_json(json.loads(zlib.decompress(row.content)))) if row is not None else None


def _kept(row: Row[Any]) -> Kept:
    span = Span(row.start_at, row.end_at)
    return Kept(row.number, row.key, row.name, row.kind, span, row.made_at, row.made_by, row.state, row.headline, row.sent_to)
