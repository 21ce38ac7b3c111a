"""The journal, on both databases: the chain holds, and every way of tampering with it is found."""

import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from keepwell.storage import journal
from keepwell.storage.database import Database
from keepwell.storage.journal import NewEntry
from keepwell.storage.verify import verify

NOW = datetime(2026, 11, 1, 1, 30, 0, 123456, tzinfo=UTC)
ENTRIES = [NewEntry("ann", "check.state-changed", f"checks/{number % 3}", {"after": "fail", "n": number}) for number in range(9)]


@pytest_asyncio.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, (), NOW)
    yield opened
    await opened.close()


async def fill(database: Database, output: bytes | None = None) -> list[journal.Entry]:
    extra = [NewEntry("run/7", "step.ended", "runbooks/x", {"exit": 0}, output)] if output else []
    return await database.write(lambda connection: journal.append_many(connection, [*ENTRIES, *extra], NOW))


async def tamper(database: Database, statement: str, **values: Any) -> None:
    """Changes rows as someone could who owns the database: past the triggers."""

    def change(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE journal DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER IF EXISTS journal_no_UPDATE"))
            connection.execute(text("DROP TRIGGER IF EXISTS journal_no_DELETE"))
        connection.execute(text(statement), values)

    await database.write(change)


async def test_the_first_entry_tells_of_the_migration_and_numbers_follow(database: Database) -> None:
    entries = await fill(database)
    first = (await database.read(lambda c: journal.slice(c, before=2)))[0]
    assert (first.number, first.event, first.previous_hash) == (1, "storage.migrated", "0" * 64)
    assert [entry.number for entry in entries] == list(range(2, 11))
    assert entries[0].previous_hash == first.hash
    assert await database.read(journal.head) == journal.Head(10, entries[-1].hash)


async def test_the_hash_is_the_documented_formula(database: Database) -> None:
    entry = await database.write(lambda c: journal.append(c, NewEntry("änn", "e", "s\N{SNOWMAN}", {"b": 1, "a": "ü"}, b"out"), NOW))
    microseconds = 1793496600123456
    fields = [2, microseconds, "änn", "e", "s\N{SNOWMAN}", '{"a":"\\u00fc","b":1}', hashlib.sha256(b"out").hexdigest(), entry.previous_hash]
    assert entry.hash == hashlib.sha256(json.dumps(fields, separators=(",", ":")).encode()).hexdigest()
    assert (await database.read(journal.slice))[0] == entry


async def test_garbage_in_texts_and_facts_is_stored_and_verifies(database: Database) -> None:
    garbage = "a\x00b\udc80c\u2028"
    entry = await database.write(lambda c: journal.append(c, NewEntry(garbage, "e", garbage, {"text": garbage}), NOW))
    stored = (await database.read(journal.slice))[0]
    assert stored == entry
    assert stored.facts == {"text": garbage}
    assert stored.subject == "a\ufffdb\ufffdc\u2028"
    assert (await database.read(verify)).ok


@pytest.mark.parametrize("facts", [{"x": float("nan")}, {"x": object()}])
async def test_facts_that_are_no_json_are_refused_and_nothing_is_written(database: Database, facts: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        await database.write(lambda c: journal.append_many(c, [ENTRIES[0], NewEntry("a", "b", "c", facts)], NOW))
    assert (await database.read(journal.head)).number == 1


async def test_a_naive_instant_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await database.write(lambda c: journal.append(c, ENTRIES[0], NOW.replace(tzinfo=None)))


async def test_slices(database: Database) -> None:
    await fill(database)
    of_one = await database.read(lambda c: journal.slice(c, subject="checks/1", before=9, limit=2))
    assert [entry.number for entry in of_one] == [6, 3]
    assert await database.read(lambda c: journal.slice(c, event="nothing")) == []


async def test_an_untouched_journal_verifies_with_every_head_it_ever_had(database: Database) -> None:
    entries = await fill(database, b"printed")
    verdict = await database.read(verify)
    assert (verdict.ok, verdict.entries, verdict.head, verdict.bad_number) == (True, 11, entries[-1].hash, None)
    for head in (entries[0].hash, entries[-1].hash, "0" * 64):
        assert (await database.read(lambda c, head=head: verify(c, head))).ok
    lost = await database.read(lambda c: verify(c, "f" * 64))
    assert not lost.ok
    assert "removed from the end" in lost.sentence


@pytest.mark.parametrize("statement", ["UPDATE journal SET actor = 'bob'", "DELETE FROM journal WHERE number = 3"])
async def test_the_database_itself_refuses_to_change_the_journal(database: Database, statement: str) -> None:
    await fill(database)
    with pytest.raises(DBAPIError, match="append-only"):
        await database.write(lambda c: c.execute(text(statement)))
    assert (await database.read(verify)).entries == 10


TAMPERINGS: list[tuple[str, int]] = [
    ("UPDATE journal SET actor = 'bob' WHERE number = 4", 4),
    ("UPDATE journal SET at = at + 1 WHERE number = 4", 4),
    ("UPDATE journal SET facts = '{}' WHERE number = 4", 4),
    ("UPDATE journal SET subject = 'else' WHERE number = 1", 1),
    ("UPDATE journal SET hash = '00' WHERE number = 10", 10),
    ("UPDATE journal SET output_digest = NULL WHERE number = 11", 11),
    ("DELETE FROM journal WHERE number = 1", 1),
    ("DELETE FROM journal WHERE number = 5", 5),
    ("UPDATE journal SET number = number + 100 WHERE number > 6", 7),
    ("DELETE FROM outputs", 11),
    ("UPDATE outputs SET content = stored", 11),
    ("UPDATE outputs SET content = NULL, erased_at = 1", 11),
]


@pytest.mark.parametrize(("statement", "number"), TAMPERINGS)
async def test_tampering_is_found_at_the_first_bad_entry(database: Database, statement: str, number: int) -> None:
    await fill(database, b"printed")
    stored = "'xyz'::bytea" if "::" in str(database.name) or "127.0.0.1" in database.name else "x'00'"
    await tamper(database, statement.replace("stored", stored))
    verdict = await database.read(verify)
    assert (verdict.ok, verdict.bad_number) == (False, number), verdict.sentence


async def test_an_entry_that_was_changed_with_its_own_hash_breaks_the_next(database: Database) -> None:
    entries = await fill(database)
    fourth = entries[2]
    forged = journal.entry_hash(4, 0, ("bob", fourth.event, fourth.subject, "{}", None, fourth.previous_hash))
    await tamper(database, "UPDATE journal SET actor='bob', at=0, facts='{}', hash=:hash WHERE number=4", hash=forged)
    assert (await database.read(verify)).bad_number == 5


async def test_a_cut_off_end_is_found_only_with_a_noted_head(database: Database) -> None:
    entries = await fill(database)
    await tamper(database, "DELETE FROM journal WHERE number > 8")
    assert (await database.read(verify)).ok
    assert not (await database.read(lambda c: verify(c, entries[-1].hash))).ok


async def test_an_output_can_be_erased_and_the_chain_still_proves_what_it_was(database: Database) -> None:
    secret = b"password=hunter2" * 100
    entry = (await fill(database, secret))[-1]
    digest = str(entry.output_digest)
    assert await database.read(lambda c: journal.output(c, digest)) == secret
    assert await database.write(lambda c: journal.erase_output(c, digest, "ann", NOW))
    assert not await database.write(lambda c: journal.erase_output(c, digest, "ann", NOW))
    assert not await database.write(lambda c: journal.erase_output(c, "none", "ann", NOW))
    assert await database.read(lambda c: journal.output(c, digest)) is None
    verdict = await database.read(verify)
    assert (verdict.ok, verdict.entries) == (True, 12)
    assert (await database.read(lambda c: journal.slice(c, limit=1)))[0].subject == digest


async def test_the_same_output_is_stored_once_and_stays_erased(database: Database) -> None:
    digest = str((await fill(database, b"same"))[-1].output_digest)
    await fill(database, b"same")
    assert await database.read(lambda c: c.scalar(text("SELECT count(*) FROM outputs"))) == 1
    await database.write(lambda c: journal.erase_output(c, digest, "ann", NOW))
    await fill(database, b"same")
    assert await database.read(lambda c: journal.output(c, digest)) is None
    assert (await database.read(verify)).ok


async def test_two_writers_make_one_chain(database_place: Path | str) -> None:
    import asyncio

    first, second = await Database.open(database_place, (), NOW), await Database.open(database_place, (), NOW)
    try:
        await asyncio.gather(*(writes.write(_appending(number)) for number in range(40) for writes in (first, second)))
        verdict = await first.read(verify)
        assert (verdict.ok, verdict.entries) == (True, 81)
    finally:
        await first.close()
        await second.close()


def _appending(number: int) -> Callable[[Connection], journal.Entry]:
    return lambda connection: journal.append(connection, NewEntry("w", "e", str(number)), NOW + timedelta(seconds=number))


async def test_verifying_streams(tmp_path: Path) -> None:
    import tracemalloc

    database = await Database.open(tmp_path / "keepwell.sqlite", (), NOW)
    many = [NewEntry("a", "b", "c" * 200, {"n": number}) for number in range(5000)]
    for _ in range(4):
        await database.write(lambda c: journal.append_many(c, many, NOW))
    tracemalloc.start()
    try:
        verdict = await database.read(verify)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        await database.close()
    assert (verdict.ok, verdict.entries) == (True, 20001)
    assert peak < 4_000_000, "20,000 entries of half a kilobyte are 10 MB; only a part may be held at once"
