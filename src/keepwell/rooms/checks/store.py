"""The tables of checks and their named queries: where each stands, its state changes, and its newest observations."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from keepwell.kernel.states import State
from keepwell.storage.database import FreeText, Json, UtcInstant, upsert

from .model import Change, ChangeRow, Kept, Seen, Standing

KEPT_OBSERVATIONS = 100
"""How many of its newest observations each check keeps; samples over time are another room's."""

METADATA = MetaData()

# A check is its name; its history hangs on the number, so that a rename keeps it.
CHECK = Table(
    "check_identity",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("removed_at", UtcInstant),
)
STANDING = Table(
    "check_standing",
    METADATA,
    Column("check_id", Integer, ForeignKey("check_identity.id", ondelete="CASCADE"), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("since", UtcInstant, nullable=False),
    Column("observed", String(8), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("last_at", UtcInstant, nullable=False),
    Column("streak", Integer, nullable=False),
    Column("measured", Json, nullable=False),
)
CHANGE = Table(
    "check_change",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("check_id", Integer, ForeignKey("check_identity.id", ondelete="CASCADE"), nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("before", String(8)),
    Column("after", String(8), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Index("check_change_by_check", "check_id", "id"),
)
# A ring: the newest observation of a check overwrites its oldest.
OBSERVATION = Table(
    "check_observation",
    METADATA,
    Column("check_id", Integer, ForeignKey("check_identity.id", ondelete="CASCADE"), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("at", UtcInstant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("measured", Json, nullable=False),
    Column("detail", FreeText, nullable=False),
)


_LAST = select(OBSERVATION.c.check_id, func.max(OBSERVATION.c.at).label("at")).group_by(OBSERVATION.c.check_id).subquery()
_NEWEST = select(OBSERVATION).join(_LAST, (_LAST.c.check_id == OBSERVATION.c.check_id) & (_LAST.c.at == OBSERVATION.c.at))
"""The newest observation of each check; of two at the same instant the one in the later slot is read last."""
_NEWEST = _NEWEST.order_by(OBSERVATION.c.check_id, OBSERVATION.c.slot)


def identify(connection: Connection, names: Mapping[str, str | None], now: datetime) -> dict[str, Kept]:
    """Makes the stored checks those of the configuration (name to its former name, or None) and gives what is kept of each.

    A former name that exists, while the new one does not, is renamed and keeps its history; what is no longer configured is marked
    removed, so that its history is kept for the stated time; a name that comes back goes on.
    """
    known = {row.name: row.id for row in connection.execute(select(CHECK.c.name, CHECK.c.id))}
    for name, former in names.items():
        if name not in known and former is not None and former in known and former not in names:
            known[name] = known.pop(former)
            connection.execute(update(CHECK).where(CHECK.c.id == known[name]).values(name=name))
    fresh = [{"name": name} for name in names if name not in known]
    if fresh:
        connection.execute(insert(CHECK), fresh)
        known |= {row.name: row.id for row in connection.execute(select(CHECK.c.name, CHECK.c.id))}
    gone = [{"which": number} for name, number in known.items() if name not in names]
    if gone:
        mark = update(CHECK).where(CHECK.c.id == bindparam("which"), CHECK.c.removed_at.is_(None)).values(removed_at=now)
        connection.execute(mark, gone)
    connection.execute(update(CHECK).where(CHECK.c.removed_at.is_not(None), CHECK.c.name.in_(list(names))).values(removed_at=None))
    newest = {row.check_id: row for row in connection.execute(_NEWEST)}
    standings = {row.check_id: _standing(row, newest.get(row.check_id)) for row in connection.execute(select(STANDING))}
    return {name: _kept(known[name], standings, newest) for name in names}


def _kept(number: int, standings: Mapping[int, Standing], newest: Mapping[int, Any]) -> Kept:
    row = newest.get(number)
    return Kept(number, standings.get(number), row.slot + 1 if row is not None else 0)


def forget_removed(connection: Connection, before: datetime) -> int:
    """Deletes the history of checks that were removed from the configuration before that instant; how many."""
    return connection.execute(delete(CHECK).where(CHECK.c.removed_at < before)).rowcount


def record(connection: Connection, batch: Sequence[Seen]) -> None:
    """Writes a batch: every observation into its ring, the newest standing of each check whose standing moved, every change.

    Of a standing that did not move the newest observation tells the rest (``identify`` puts them together): it is half of what is written.
    """
    moved = {seen.check_id for seen in batch if seen.moved}
    newest = {seen.check_id: seen for seen in batch if seen.check_id in moved}
    upsert(connection, STANDING, [_standing_row(seen) for seen in newest.values()])
    ring = {(seen.check_id, seen.ordinal % KEPT_OBSERVATIONS): seen for seen in batch}
    upsert(connection, OBSERVATION, [_observation_row(seen) for seen in ring.values()])
    changes = [_change_row(seen.check_id, seen.change) for seen in batch if seen.change is not None]
    if changes:
        connection.execute(insert(CHANGE), changes)


def _standing_row(seen: Seen) -> dict[str, Any]:
    standing = seen.standing
    return {
        "check_id": seen.check_id,
        "state": standing.state.value,
        "since": standing.since,
        "observed": standing.observed.value,
        "sentence": standing.sentence,
        "last_at": standing.last_at,
        "streak": standing.streak,
        "measured": dict(standing.values),
    }


def _observation_row(seen: Seen) -> dict[str, Any]:
    return {
        "check_id": seen.check_id,
        "slot": seen.ordinal % KEPT_OBSERVATIONS,
        "at": seen.at,
        "state": seen.observation.state.value,
        "sentence": seen.observation.sentence,
        "measured": dict(seen.observation.values),
        "detail": seen.observation.detail,
    }


def _change_row(check_id: int, change: Change) -> dict[str, Any]:
    before = change.before.value if change.before else None
    return {"check_id": check_id, "at": change.at, "before": before, "after": change.after.value, "sentence": change.sentence}


def _standing(row: Any, newest: Any | None) -> Standing:
    """The stored standing, with what its newest observation says where that is newer."""
    last = newest if newest is not None and newest.at > row.last_at else None
    sentence, at, measured = (last.sentence, last.at, last.measured) if last is not None else (row.sentence, row.last_at, row.measured)
    return Standing(State(row.state), row.since, State(row.observed), sentence, at, row.streak, measured)


def changes(connection: Connection, limit: int, name: str | None = None, before: int | None = None) -> list[ChangeRow]:
    """The newest state changes first; of one check, and before a number, where given."""
    query = select(CHANGE, CHECK.c.name).join(CHECK).order_by(CHANGE.c.id.desc()).limit(limit)
    if name is not None:
        query = query.where(CHECK.c.name == name)
    if before is not None:
        query = query.where(CHANGE.c.id < before)
    return [
        ChangeRow(row.id, row.name, Change(row.at, State(row.before) if row.before else None, State(row.after), row.sentence))
        for row in connection.execute(query)
    ]


def observations(connection: Connection, name: str, limit: int) -> list[dict[str, Any]]:
    """The newest observations of a check, newest first, as plain values."""
    query = select(OBSERVATION).join(CHECK).where(CHECK.c.name == name).order_by(OBSERVATION.c.at.desc()).limit(limit)
    return [
        {"at": row.at, "state": row.state, "sentence": row.sentence, "values": row.measured, "detail": row.detail}
        for row in connection.execute(query)
    ]


def recent_states(connection: Connection, limit: int) -> dict[int, list[str]]:
    """Of each check (by number) its newest states, oldest first: the coloured strip of the page after a start."""
    newest_first = func.row_number().over(partition_by=OBSERVATION.c.check_id, order_by=OBSERVATION.c.at.desc()).label("place")
    ranked = select(OBSERVATION.c.check_id, OBSERVATION.c.state, newest_first).subquery()
    strips: dict[int, list[str]] = {}
    for row in connection.execute(select(ranked).where(ranked.c.place <= limit).order_by(ranked.c.place.desc())):
        strips.setdefault(row.check_id, []).append(row.state)
    return strips
