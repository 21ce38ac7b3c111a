"""The queries of the outbox."""

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from keepwell.rooms.alerts.model import Notice
from keepwell.rooms.alerts.notice import packed
from keepwell.rooms.alerts.tables import OUTBOX
from keepwell.storage.columns import inserting

from .model import Ended, Failed, Fate, Queue, Row, Waiting

TEST_LIVES = timedelta(minutes=10)
"""How long delivery of a test is tried: later nobody waits for it."""

_WAITING = Fate.WAITING.value
_SHOWN = [column for column in OUTBOX.c if column.name != "delivered_to"]


def digest_of(group_key: str) -> str:
    """A group's digest: the SHA-256 of its key, hexadecimal."""
    return hashlib.sha256(group_key.encode("utf-8", "surrogatepass")).hexdigest()


def put(connection: Connection, notices: Sequence[Notice], lives: Callable[[str], timedelta]) -> None:
    """Adds notices that are to be delivered; of one whose key is there already, the first stays. ``lives`` says how long delivery to a
    receiver is tried. Call it in the transaction of the change that the notices tell of."""
    rows = [_row(notice, lives(notice.to)) for notice in notices]
    if rows:
        insert = inserting(connection, OUTBOX)
        connection.execute(insert.on_conflict_do_nothing(index_elements=["key"]), rows)


def _row(notice: Notice, lives: timedelta) -> dict[str, Any]:
    return {
        "key": notice.key,
        "receiver": notice.to,
        "group_digest": notice.group_digest or digest_of(notice.group_key),
        "created_at": notice.at,
        "next_at": notice.at,
        "tries": 0,
        "state": _WAITING,
        "error": "",
        "expires_at": notice.at + (min(lives, TEST_LIVES) if notice.is_test else lives),
        "delivered_to": [],
        "payload": packed(notice),
    }


def queues(connection: Connection) -> list[Queue]:
    """What waits, by receiver."""
    query = select(OUTBOX.c.receiver, func.count(), func.min(OUTBOX.c.expires_at)).where(OUTBOX.c.state == _WAITING)
    return [Queue(*row) for row in connection.execute(query.group_by(OUTBOX.c.receiver))]


def heads(connection: Connection, receiver: str, busy: Collection[str], limit: int) -> list[Waiting]:
    """The first waiting notice of each group of a receiver (but for the groups that are busy), those tried least often first."""
    mine = (OUTBOX.c.state == _WAITING) & (OUTBOX.c.receiver == receiver)
    first = select(func.min(OUTBOX.c.id)).where(mine).group_by(OUTBOX.c.group_digest)
    query = select(OUTBOX).where(OUTBOX.c.id.in_(first), OUTBOX.c.group_digest.not_in(list(busy)))
    return [_waiting(row) for row in connection.execute(query.order_by(OUTBOX.c.tries, OUTBOX.c.id).limit(limit))]


def expired(connection: Connection, now: datetime, limit: int = 100) -> list[Waiting]:
    """Waiting notices whose time is over."""
    query = select(OUTBOX).where(OUTBOX.c.state == _WAITING, OUTBOX.c.expires_at <= now)
    return [_waiting(row) for row in connection.execute(query.order_by(OUTBOX.c.id).limit(limit))]


def often_tried(connection: Connection, tries: int) -> list[tuple[str, int]]:
    """The receivers and numbers of waiting notices that were tried so often."""
    query = select(OUTBOX.c.receiver, OUTBOX.c.id).where(OUTBOX.c.state == _WAITING, OUTBOX.c.tries >= tries)
    return [(row.receiver, row.id) for row in connection.execute(query)]


def end(connection: Connection, ended: Ended) -> bool:
    """Stores what came of a notice; whether it still waited."""
    change = update(OUTBOX).where(OUTBOX.c.id == ended.waiting.id, OUTBOX.c.state == _WAITING)
    values = {"state": ended.fate.value, "error": ended.error, "ended_at": ended.at, "tries": ended.waiting.tries}
    return connection.execute(change.values(**values)).rowcount == 1


def fail(connection: Connection, failed: Failed) -> None:
    """Stores an attempt that failed."""
    change = update(OUTBOX).where(OUTBOX.c.id == failed.waiting.id, OUTBOX.c.state == _WAITING)
    values = {"tries": failed.waiting.tries, "error": failed.error, "next_at": failed.next_at, "delivered_to": sorted(failed.served)}
    connection.execute(change.values(**values))


def again(connection: Connection, id: int, now: datetime, lives: timedelta) -> bool:
    """Puts a notice that was refused, expired or dropped, or waits for its next attempt, back to be tried now; whether there was one."""
    change = update(OUTBOX).where(OUTBOX.c.id == id, OUTBOX.c.state != Fate.DELIVERED.value)
    values = {"state": _WAITING, "next_at": now, "ended_at": None, "tries": 0, "expires_at": now + lives}
    return connection.execute(change.values(**values)).rowcount == 1


def find(connection: Connection, id: int) -> Row | None:
    """One row by its number."""
    row = connection.execute(select(*_SHOWN).where(OUTBOX.c.id == id)).first()
    return Row(**row._mapping) if row else None


def by_key(connection: Connection, keys: Collection[str]) -> list[Row]:
    """The rows with these keys."""
    return [Row(**row._mapping) for row in connection.execute(select(*_SHOWN).where(OUTBOX.c.key.in_(list(keys))).order_by(OUTBOX.c.id))]


def listing(
    connection: Connection,
    states: Sequence[str] = (),
    digests: Sequence[str] | None = None,
    limit: int = 50,
    before: int | None = None,
    receiver: str | None = None,
) -> list[Row]:
    """The newest rows first: in these states (none: in any), of these groups, with a number below ``before``, to this receiver."""
    query = select(*_SHOWN).order_by(OUTBOX.c.id.desc()).limit(limit)
    if states:
        query = query.where(OUTBOX.c.state.in_(list(states)))
    if digests is not None:
        query = query.where(OUTBOX.c.group_digest.in_(list(digests)))
    if before is not None:
        query = query.where(OUTBOX.c.id < before)
    if receiver is not None:
        query = query.where(OUTBOX.c.receiver == receiver)
    return [Row(**row._mapping) for row in connection.execute(query)]


def forget(connection: Connection, before: datetime) -> int:
    """Deletes what ended before that instant; how many."""
    return connection.execute(delete(OUTBOX).where(OUTBOX.c.ended_at < before)).rowcount


def _waiting(row: Any) -> Waiting:
    return Waiting(row.id, row.key, row.receiver, row.group_digest, row.tries, row.expires_at, frozenset(row.delivered_to), row.payload)
