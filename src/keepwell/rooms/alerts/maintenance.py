"""Work that was begun by hand, as those who measure availability ask for it: a silence that says it is maintenance."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from .matchers import fits
from .model import Labels, Silence
from .store import silence_of
from .tables import SILENCE

KNOWN = frozenset({"check", "target", "service"})
"""The labels of what is looked at. Maintenance with a matcher on any other label is of certain alerts, not of what they tell of."""

Span = tuple[datetime, datetime]


def maintenance_between(connection: Connection, start: datetime, end: datetime) -> list[Silence]:
    """Every maintenance that lies, at least in part, between these instants."""
    query = select(SILENCE).where(SILENCE.c.maintenance.is_(True), SILENCE.c.starts_at < end, SILENCE.c.ends_at > start)
    return [silence_of(row) for row in connection.execute(query.order_by(SILENCE.c.starts_at))]


def spans(silences: Sequence[Silence], labels: Labels) -> list[Span]:
    """When it was maintenance for what has these labels. One that had been called off before it began has no span."""
    return [
        (one.starts_at, one.ends_at)
        for one in silences
        if one.starts_at < one.ends_at and all(matcher.label in KNOWN for matcher in one.matchers) and fits(one.matchers, labels)
    ]
