"""The tables of heartbeats and their named queries. A job is known by the digest of its address: the address itself is a secret."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, String, Table, delete, func, select

from keepwell.ports.pings import Heard
from keepwell.rooms.checks.store import METADATA as METADATA
from keepwell.rooms.checks.store import OBSERVATION
from keepwell.storage.database import FreeText, Json, UtcInstant, upsert

from .model import Ping, as_plain, from_plain

KEPT_PINGS = 50
"""How many of its newest pings each job keeps, with their bodies."""


HEARTBEAT = Table(
    "heartbeat",
    METADATA,
    Column("address", String(64), primary_key=True),
    Column("heard_at", UtcInstant, nullable=False),
    Column("heard", Json, nullable=False),
)
# A ring: the newest ping of a job overwrites its oldest.
PING = Table(
    "heartbeat_ping",
    METADATA,
    Column("address", String(64), ForeignKey("heartbeat.address", ondelete="CASCADE"), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("at", UtcInstant, nullable=False),
    Column("signal", String(8), nullable=False),
    Column("status", Integer),
    Column("run", String(36), nullable=False),
    Column("body", FreeText, nullable=False),
)


def all_heard(connection: Connection) -> Mapping[str, Heard]:
    """What was heard of every job, by the digest of its address."""
    return {row.address: from_plain(row.heard) for row in connection.execute(select(HEARTBEAT))}


def last_life(connection: Connection) -> datetime | None:
    """The last sign of Keepwell's life: its newest look at anything, or the newest ping."""
    instants = [connection.execute(select(func.max(column))).scalar() for column in (OBSERVATION.c.at, HEARTBEAT.c.heard_at)]
    return max((instant for instant in instants if instant is not None), default=None)


def keep(connection: Connection, address: str, heard: Heard, ping: Ping | None, now: datetime) -> None:
    """Stores what is known of a job, and the ping that made it so (None where it is only waited for)."""
    upsert(connection, HEARTBEAT, [{"address": address, "heard_at": now, "heard": as_plain(heard)}])
    if ping is not None:
        row = {
            "address": address,
            "slot": heard.count % KEPT_PINGS,
            "at": now,
            "signal": ping.signal.value,
            "status": ping.status,
            "run": ping.run,
            "body": ping.text,
        }
        upsert(connection, PING, [row])


def newest(connection: Connection, address: str, limit: int) -> list[dict[str, Any]]:
    """The newest pings of a job, newest first, as plain values."""
    query = select(PING).where(PING.c.address == address).order_by(PING.c.at.desc()).limit(limit)
    return [
        {"at": row.at, "signal": row.signal, "status": row.status, "rid": row.run or None, "body": row.body}
        for row in connection.execute(query)
    ]


def forget(connection: Connection, addresses: Iterable[str], before: datetime) -> int:
    """Deletes jobs that are not among these addresses and of which nothing was heard since that instant; how many."""
    gone = delete(HEARTBEAT).where(HEARTBEAT.c.heard_at < before, HEARTBEAT.c.address.not_in(list(addresses)))
    return connection.execute(gone).rowcount
