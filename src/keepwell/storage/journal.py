"""The journal: an append-only list of everything that happened, in which each entry holds the hash of the one before.

The hash of an entry is the SHA-256, in hexadecimal, of the UTF-8 text of this JSON array, written without spaces and with every character
outside ASCII escaped as ``\\uXXXX``::

    [number, at, actor, event, subject, facts, output_digest, previous_hash]

``number`` counts from 1 without gaps; ``at`` is microseconds since 1970-01-01T00:00Z; ``facts`` is the stored text of the facts (JSON with
sorted keys), as a string; ``output_digest`` is null or the SHA-256 of the output's bytes; ``previous_hash`` of the first entry is 64 zeros.
So whoever notes the newest hash elsewhere can later prove that nothing before it was changed, removed or put in between.

Outputs (what a command printed) lie outside the chain, by digest: they can be erased, and the chain still proves what they were.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, null, select, text, update

from .columns import canonical, insert_missing, microseconds, storable
from .tables import JOURNAL, OUTPUTS

FIRST_PREVIOUS = "0" * 64
"""What stands in place of a previous hash in the first entry."""
ERASED = "journal.output-erased"
"""The event that stands for an erased output; its subject is the digest. An output that is gone without it was tampered with."""


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What happened: who did it, a dotted word (``check.state-changed``), to what, and the facts as JSON values. ``output`` are bytes
    worth keeping, already redacted; they are stored beside the chain."""

    actor: str
    event: str
    subject: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    output: bytes | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it stands in the chain."""

    number: int
    at: datetime
    actor: str
    event: str
    subject: str
    facts: Mapping[str, Any]
    output_digest: str | None
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry's number and hash (0 and 64 zeros of an empty journal): what to note elsewhere."""

    number: int
    hash: str


def append(connection: Connection, entry: NewEntry, now: datetime) -> Entry:
    """Adds one entry. Call it last in a transaction: on PostgreSQL it holds a lock on the journal until the commit."""
    return append_many(connection, [entry], now)[0]


def append_many(connection: Connection, entries: Sequence[NewEntry], now: datetime) -> list[Entry]:
    """Adds entries of one instant, in this order. Raises ValueError for a naive instant or facts that are no JSON."""
    if not entries:
        return []
    if connection.dialect.name == "postgresql":
        # Two writers would both follow the same last entry; reading goes on. (SQLite's BEGIN IMMEDIATE has locked already.)
        connection.execute(text("LOCK TABLE journal IN EXCLUSIVE MODE"))
    last = head(connection)
    added: list[Entry] = []
    for entry in entries:
        digest = None if entry.output is None else _keep_output(connection, entry.output, now)
        added.append(_chained(entry, digest, now, last))
        last = Head(added[-1].number, added[-1].hash)
    if added:
        connection.execute(insert(JOURNAL), [_row(entry) for entry in added])
    return added


def head(connection: Connection) -> Head:
    """The newest entry's number and hash."""
    row = connection.execute(select(JOURNAL.c.number, JOURNAL.c.hash).order_by(JOURNAL.c.number.desc()).limit(1)).first()
    return Head(row.number, row.hash) if row else Head(0, FIRST_PREVIOUS)


def slice(
    connection: Connection, subject: str | None = None, event: str | None = None, before: int | None = None, limit: int = 100
) -> list[Entry]:
    """The newest entries first: of one subject, of one event, with a number below ``before``."""
    query = select(JOURNAL).order_by(JOURNAL.c.number.desc()).limit(limit)
    if subject is not None:
        query = query.where(JOURNAL.c.subject == subject)
    if event is not None:
        query = query.where(JOURNAL.c.event == event)
    if before is not None:
        query = query.where(JOURNAL.c.number < before)
    return [_entry(row) for row in connection.execute(query)]


def output(connection: Connection, digest: str) -> bytes | None:
    """The bytes of an output; None where it was erased or never was."""
    content = connection.execute(select(OUTPUTS.c.content).where(OUTPUTS.c.digest == digest)).scalar()
    return None if content is None else zlib.decompress(content)


def erase_output(connection: Connection, digest: str, actor: str, now: datetime) -> bool:
    """Removes the bytes of an output for good and records who did; False where there is nothing to erase.

    The same bytes, coming again, stay erased. Copies made before (of migrations, of backups) still hold them, and so may the
    write-ahead log until its next checkpoint.
    """
    gone = update(OUTPUTS).where(OUTPUTS.c.digest == digest, OUTPUTS.c.erased_at.is_(None)).values(content=null(), erased_at=now)
    if connection.execute(gone).rowcount == 0:
        return False
    append(connection, NewEntry(actor, ERASED, digest), now)
    return True


def entry_hash(number: int, at: int, texts: Sequence[str | None]) -> str:
    """The hash over number, instant (microseconds) and actor, event, subject, facts, output digest, previous hash, in this order."""
    return hashlib.sha256(json.dumps([number, at, *texts], separators=(",", ":")).encode("ascii")).hexdigest()


def row_hash(row: Row[Any]) -> str:
    """The hash that a stored row should have."""
    texts = (row.actor, row.event, row.subject, row.facts, row.output_digest, row.previous_hash)
    return entry_hash(row.number, microseconds(row.at), texts)


def every_row() -> Select[Any]:
    """The whole journal in its order, each row with ``kept``: its output's digest where that output's row is there."""
    return (
        select(JOURNAL, OUTPUTS.c.digest.label("kept"))
        .join_from(JOURNAL, OUTPUTS, JOURNAL.c.output_digest == OUTPUTS.c.digest, isouter=True)
        .order_by(JOURNAL.c.number)
    )


def _keep_output(connection: Connection, content: bytes, now: datetime) -> str:
    digest = hashlib.sha256(content).hexdigest()
    insert_missing(connection, OUTPUTS, {"digest": digest, "content": zlib.compress(content), "stored_at": now})
    return digest


def _chained(entry: NewEntry, digest: str | None, now: datetime, last: Head) -> Entry:
    actor, event, subject = storable(entry.actor), storable(entry.event), storable(entry.subject)
    number = last.number + 1
    hashed = entry_hash(number, microseconds(now), (actor, event, subject, canonical(entry.facts), digest, last.hash))
    return Entry(number, now, actor, event, subject, entry.facts, digest, last.hash, hashed)


def _row(entry: Entry) -> dict[str, Any]:
    names = ("number", "at", "actor", "event", "subject", "output_digest", "previous_hash", "hash")
    return {name: getattr(entry, name) for name in names} | {"facts": canonical(entry.facts)}


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.number, row.at, row.actor, row.event, row.subject, json.loads(row.facts), row.output_digest, row.previous_hash, row.hash
    )
