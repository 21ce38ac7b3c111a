"""Named queries over the tables of logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update

from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.storage.columns import insert_missing

from .tables import WORK
from .words import reason

OWN = "logs/"
"""How the keys of this room's own occasions begin: by size, or wanted by a person."""
KEPT_DETAILS = 1000
"""Steps of one piece of work that are kept for show."""
KEPT_FULL = 20
"""How many of the newest pieces of work on something keep their details; of older ones the sentence and the figures stay."""
KEPT = timedelta(days=400)
"""How long work is remembered: longer than the longest cadence. The journal remembers it for ever."""


@dataclass(frozen=True, slots=True)
class Done:
    """One piece of work as it is stored: ``plan`` is what was meant, ``details`` what came of it; ``ended_at`` is None while it is under
    way."""

    key: str
    kind: str
    name: str
    by: str
    due_at: datetime
    began_at: datetime
    ended_at: datetime | None
    plan: Any
    performed: Performed
    details: Any


def begin(connection: Connection, work: Work, occasion: Occasion, plan: Any, now: datetime) -> Done:
    """Stores what is meant, unless this occasion is stored already; what is stored."""
    row = {
        "key": occasion.key,
        "kind": work.kind,
        "name": work.name,
        "by": occasion.by,
        "due_at": occasion.at,
        "began_at": now,
        "ended_at": None,
        "plan": plan,
        "outcome": "",
        "sentence": "",
        "facts": {},
        "details": [],
    }
    insert_missing(connection, WORK, row)
    found = of_key(connection, occasion.key)
    assert found is not None, "it was written just now"
    return found


def of_key(connection: Connection, key: str) -> Done | None:
    """What is stored of an occasion."""
    row = connection.execute(select(WORK).where(WORK.c.key == key)).first()
    return _done(row) if row is not None else None


def unfinished(connection: Connection) -> list[Done]:
    """Work of this room's own occasions that began and did not end, oldest first."""
    query = select(WORK).where(WORK.c.ended_at.is_(None), WORK.c.key.like(f"{OWN}%")).order_by(WORK.c.began_at)
    return [_done(row) for row in connection.execute(query)]


def end(connection: Connection, key: str, performed: Performed, details: Any, now: datetime) -> None:
    """Stores what came of it, and forgets what is old."""
    values = {"outcome": performed.outcome.value, "sentence": performed.sentence, "facts": dict(performed.facts), "details": details}
    connection.execute(update(WORK).where(WORK.c.key == key).values(ended_at=now, **values))
    done = of_key(connection, key)
    assert done is not None, "it began"
    same = (WORK.c.kind == done.kind, WORK.c.name == done.name)
    older = connection.execute(select(WORK.c.began_at).where(*same).order_by(WORK.c.began_at.desc()).offset(KEPT_FULL).limit(1)).scalar()
    if older is not None:
        connection.execute(update(WORK).where(*same, WORK.c.began_at <= older, WORK.c.ended_at.is_not(None)).values(details=[], plan=[]))
    connection.execute(delete(WORK).where(WORK.c.ended_at < now - KEPT))


def says_the_same(connection: Connection, key: str) -> bool:
    """Whether this is a rotation by size that failed for the reason for which the newest one before it did: it is tried anew each minute,
    and told of once. The one before is forgotten, where it was by size too."""
    done = of_key(connection, key)
    if done is None or not key.startswith(by_size(done.name)) or done.performed.outcome is Outcome.DONE:
        return False
    ended = select(WORK).where(WORK.c.kind == done.kind, WORK.c.name == done.name, WORK.c.key != key, WORK.c.ended_at.is_not(None))
    row = connection.execute(ended.order_by(WORK.c.ended_at.desc()).limit(1)).first()
    if row is None or row.outcome != done.performed.outcome.value or reason(row.sentence) != reason(done.performed.sentence):
        return False
    if row.key.startswith(by_size(done.name)):
        connection.execute(delete(WORK).where(WORK.c.key == row.key))
    return True


def by_size(policy: str) -> str:
    """How the keys of rotations begin for which a file of a policy was too large."""
    return f"logs/{policy}/size/"


def newest(connection: Connection, kind: str, name: str, limit: int = 1) -> list[Done]:
    """The newest work of a kind on something, newest first."""
    query = select(WORK).where(WORK.c.kind == kind, WORK.c.name == name).order_by(WORK.c.began_at.desc()).limit(limit)
    return [_done(row) for row in connection.execute(query)]


def between(connection: Connection, kind: str, start: datetime, stop: datetime, limit: int = 1000) -> list[Done]:
    """Work of a kind that ended in a span, newest first."""
    within = (WORK.c.kind == kind, WORK.c.ended_at >= start, WORK.c.ended_at < stop)
    return [_done(row) for row in connection.execute(select(WORK).where(*within).order_by(WORK.c.ended_at.desc()).limit(limit))]


def shown(done: Done) -> Mapping[str, Any]:
    """As JSON values."""
    return {
        "key": done.key,
        "kind": done.kind,
        "name": done.name,
        "by": done.by,
        "due_at": done.due_at,
        "began_at": done.began_at,
        "ended_at": done.ended_at,
        "outcome": done.performed.outcome.value if done.ended_at else "running",
        "sentence": done.performed.sentence,
        "facts": done.performed.facts,
        "details": done.details,
    }


def _done(row: Row[Any]) -> Done:
    outcome = Outcome(row.outcome) if row.outcome else Outcome.WAITING
    performed = Performed(outcome, row.sentence, f"logs/{row.name}", row.facts)
    return Done(row.key, row.kind, row.name, row.by, row.due_at, row.began_at, row.ended_at, row.plan, performed, row.details)
