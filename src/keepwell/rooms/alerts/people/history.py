"""Alerts that fired, as they are stored: a page of them, newest first, and the episodes of a span for the report of patterns.

An alert's number is given when its condition begins to hold, so newest means the largest number. Every page is read along an index, however
long the history is.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, Text, func, select, type_coerce

from keepwell.rooms.alerts.matchers import fits_all
from keepwell.rooms.alerts.model import Alert, Matcher
from keepwell.rooms.alerts.store import INDEXED, alert_of
from keepwell.rooms.alerts.tables import ALERT
from keepwell.storage.columns import canonical, microseconds

from .patterns import Episode

SCANNED = 20_000
"""Rows that one page looks through for matchers that no index answers; the next page goes on from there."""

_CHUNK = 1000
_FIRED = func.coalesce(type_coerce(ALERT.c.firing_since, BigInteger), 0)  # no bare column: its index would lose the order by number
_LABELS = type_coerce(ALERT.c.labels, Text).label("labels")
_COLUMNS = {"alertname": ALERT.c.name, "severity": ALERT.c.severity, "service": ALERT.c.service}


@dataclass(frozen=True, slots=True)
class Past:
    """Which alerts that fired: at most ``limit`` with a number below ``before``; those that fit all matchers and began to fire from
    ``start`` (contained) to ``end`` (not contained)."""

    limit: int
    before: int | None = None
    matchers: Sequence[Matcher] = ()
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    fingerprint: str | None = None


def page(connection: Connection, past: Past) -> tuple[list[Alert], int | None]:
    """One page, newest first, and the number with which the next one goes on; None where there is none."""
    fits, found, looked, last = _fitting(past.matchers), list[int](), 0, None
    for number, labels in _rows(connection, past):
        if len(found) == past.limit or looked == SCANNED:
            return _alerts(connection, found), last
        looked, last = looked + 1, number
        if fits(labels):
            found.append(number)
    return _alerts(connection, found), None


def _fitting(matchers: Sequence[Matcher]) -> Callable[[str], bool]:
    """Whether labels, as they are stored, fit. An alert that fires again has the same labels, so each is read and compared once."""
    if not matchers:
        return lambda labels: True
    fits = fits_all(matchers)
    return cache(lambda labels: fits(json.loads(labels)))


def _alerts(connection: Connection, numbers: Sequence[int]) -> list[Alert]:
    rows = connection.execute(select(ALERT).where(ALERT.c.number.in_(numbers)).order_by(ALERT.c.number.desc()))
    return [alert_of(row) for row in rows]


def one(connection: Connection, number: int) -> Alert | None:
    """The alert of that number, pending ones too."""
    row = connection.execute(select(ALERT).where(ALERT.c.number == number)).first()
    return alert_of(row) if row is not None else None


def episodes(connection: Connection, start: datetime, end: datetime) -> list[Episode]:
    """What began to fire from ``start`` (contained) to ``end`` (not contained), oldest first."""
    asked = (
        ALERT.c.fingerprint,
        ALERT.c.name,
        ALERT.c.severity,
        ALERT.c.service,
        ALERT.c.firing_since,
        ALERT.c.resolved_at,
        ALERT.c.acknowledged_at,
        ALERT.c.flapping,
    )
    fired = ALERT.c.firing_since
    return [Episode(*row) for row in connection.execute(select(*asked).where(fired >= start, fired < end).order_by(fired))]


def _rows(connection: Connection, past: Past) -> Iterator[Row[int, str]]:
    """Number and stored labels of those that the database itself can tell apart, newest first. A page of many is read in pieces."""
    query = select(ALERT.c.number, _LABELS).where(_FIRED > 0, *_conditions(connection, past)).order_by(ALERT.c.number.desc())
    before, size = past.before, past.limit + 1
    while True:
        rows = connection.execute(_below(query, before).limit(size)).all()
        yield from rows
        if len(rows) < size:
            return
        before, size = rows[-1].number, _CHUNK


def _below(query: Select[Any], before: int | None) -> Select[Any]:
    return query if before is None else query.where(ALERT.c.number < before)


def _conditions(connection: Connection, past: Past) -> Iterator[ColumnElement[bool]]:
    if past.fingerprint is not None:
        yield ALERT.c.fingerprint == past.fingerprint
    if past.state is not None:
        yield ALERT.c.state == past.state
    if past.state == "firing":
        yield ALERT.c.settled.is_(False)  # few, and there is an index
    yield from _span(connection, past)
    for matcher in past.matchers:
        if matcher.operator == "=" and matcher.value:
            yield _has(connection, matcher)


def _span(connection: Connection, past: Past) -> Iterator[ColumnElement[bool]]:
    """When it fired; and, from an index, between which numbers that is."""
    fired, number = ALERT.c.firing_since, ALERT.c.number
    if past.start is not None:
        yield microseconds(past.start) <= _FIRED
        yield number >= (connection.execute(select(func.min(number)).where(fired >= past.start)).scalar() or 0)
    if past.end is not None:
        yield microseconds(past.end) > _FIRED
        yield number <= (connection.execute(select(func.max(number)).where(fired < past.end)).scalar() or 0)


def _has(connection: Connection, matcher: Matcher) -> ColumnElement[bool]:
    """That a label has a value: its column, or the text of it among the stored labels."""
    column = _COLUMNS.get(matcher.label)
    if column is not None:
        return column == matcher.value[:INDEXED]
    position = func.strpos if connection.dialect.name == "postgresql" else func.instr
    text = f"{canonical(matcher.label)}:{canonical(matcher.value)}"
    condition: ColumnElement[bool] = position(_LABELS, text) > 0
    return condition
