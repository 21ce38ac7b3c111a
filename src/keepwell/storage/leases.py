"""Leases: the right to do something alone, for a time, with a number that tells an old holder from the present one.

The row of a lease is changed only by statements that name what they expect to find (compare-and-set), so of many that try at once
exactly one wins. Losing is normal. Instants are the callers' own: hosts whose clocks differ should take leases much longer than that
difference, and whatever a lease protects should refuse a number lower than one it has seen (fencing).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, select, text, update
from sqlalchemy.sql.elements import ColumnElement

from .columns import microseconds
from .tables import LEASES

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

# Takes a lease that is new, released or expired; gives no row where another holds it.
_ACQUIRE = text("""
INSERT INTO leases (name, holder, token, expires_at) VALUES (:name, :holder, 1, :expires_at)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, token = leases.token + 1, expires_at = excluded.expires_at
WHERE leases.expires_at <= :now
RETURNING token
""")


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was won. ``token`` is greater than that of every earlier lease of this name."""

    name: str
    holder: str
    token: int
    expires_at: datetime


def acquire(connection: Connection, name: str, holder: str, now: datetime, ttl: timedelta) -> Lease | None:
    """Takes the lease until ``now + ttl``; None where anyone holds it, this holder included (then ``renew``)."""
    values = {"name": name, "holder": holder, "now": microseconds(now), "expires_at": microseconds(now + ttl)}
    token = connection.execute(_ACQUIRE, values).scalar()
    return None if token is None else Lease(name, holder, token, now + ttl)


def renew(connection: Connection, lease: Lease, now: datetime, ttl: timedelta) -> Lease | None:
    """Prolongs a lease that is still held, until ``now + ttl``; None where it has expired or gone to another."""
    statement = update(LEASES).where(_is(lease), LEASES.c.expires_at > now).values(expires_at=now + ttl)
    return replace(lease, expires_at=now + ttl) if connection.execute(statement).rowcount else None


def release(connection: Connection, lease: Lease) -> bool:
    """Ends the lease now; False where it had gone to another."""
    return connection.execute(update(LEASES).where(_is(lease)).values(expires_at=_LONG_AGO)).rowcount > 0


def remove(connection: Connection, lease: Lease) -> None:
    """Ends a lease that nobody will ever take again, and removes its row."""
    connection.execute(delete(LEASES).where(_is(lease)))


def release_all(connection: Connection, holder: str) -> int:
    """Ends every lease of a holder that is known to be gone (the server that had the data directory before this one); how many."""
    return connection.execute(update(LEASES).where(LEASES.c.holder == holder).values(expires_at=_LONG_AGO)).rowcount


def find(connection: Connection, names: Sequence[str]) -> list[Lease]:
    """The leases of these names as they stand, held or not."""
    rows = connection.execute(select(LEASES).where(LEASES.c.name.in_(names))) if names else ()
    return [Lease(row.name, row.holder, row.token, row.expires_at) for row in rows]


def end(connection: Connection, lease: Lease) -> bool:
    """Ends a lease whose holder is gone; False where it was prolonged since it was found so, or had gone to another."""
    unchanged = (_is(lease), LEASES.c.expires_at == lease.expires_at)
    return connection.execute(update(LEASES).where(*unchanged).values(expires_at=_LONG_AGO)).rowcount > 0


def is_current(connection: Connection, lease: Lease, now: datetime) -> bool:
    """Whether the lease still holds. Ask in the transaction that writes what it protects."""
    return connection.execute(select(LEASES.c.token).where(_is(lease), LEASES.c.expires_at > now)).first() is not None


def _is(lease: Lease) -> ColumnElement[bool]:
    return (LEASES.c.name == lease.name) & (LEASES.c.token == lease.token) & (LEASES.c.holder == lease.holder)
