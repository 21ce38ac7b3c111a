"""The database behind its async verbs, on both engines."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, ForeignKey, Integer, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from keepwell.kernel.problems import StorageError
from keepwell.storage import journal
from keepwell.storage.columns import canonical, microseconds
from keepwell.storage.database import Database, FreeText, Json, UtcInstant, insert_missing, upsert
from keepwell.storage.faults import DatabaseFault

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
METADATA = MetaData()
THING = Table(
    "thing", METADATA, Column("id", Integer, primary_key=True), Column("at", UtcInstant), Column("facts", Json), Column("words", FreeText)
)
PART = Table("part", METADATA, Column("id", Integer, primary_key=True), Column("thing", Integer, ForeignKey("thing.id"), nullable=False))


@pytest_asyncio.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, (), NOW)
    await opened.write(lambda connection: METADATA.create_all(connection))
    yield opened
    await opened.close()


def ids(connection: Connection) -> list[int]:
    return list(connection.scalars(select(THING.c.id).order_by(THING.c.id)))


async def test_what_was_written_is_read_alike_in_both_databases(database: Database) -> None:
    row = {"id": 1, "at": NOW, "facts": {"b": [1, None, "\x00\ud800"], "a": 0.1}, "words": "a\x00\udcffb"}
    await database.write(lambda c: c.execute(insert(THING), [row]))
    stored = await database.read(lambda c: c.execute(select(THING)).one())
    assert stored._asdict() == row | {"words": "a\ufffd\ufffdb"}
    assert stored.at.tzinfo is UTC


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))])))
def test_instants_keep_every_microsecond(instant: datetime) -> None:
    kind = UtcInstant()
    assert kind.process_result_value(kind.process_bind_param(instant, None), None) == instant  # type: ignore[arg-type]


async def test_naive_instants_and_nan_are_refused(database: Database) -> None:
    with pytest.raises(Exception, match="no time zone"):
        await database.write(lambda c: c.execute(insert(THING), [{"id": 1, "at": NOW.replace(tzinfo=None)}]))
    with pytest.raises(ValueError, match="no time zone"):
        microseconds(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="outside of the years 1 to 9999"):
        microseconds(datetime.fromisoformat("9999-12-31T23:59:59-14:00"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"value": float("nan")})
    assert await database.read(ids) == []


async def test_a_change_that_raises_leaves_nothing(database: Database) -> None:
    def change(connection: Connection) -> None:
        connection.execute(insert(THING), [{"id": 1}])
        raise KeyError("midway")

    with pytest.raises(KeyError):
        await database.write(change)
    assert await database.read(ids) == []


async def test_changes_that_wait_together_are_stored_together_and_one_bad_one_harms_no_other(database: Database) -> None:
    started, go_on = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        started.set()
        assert go_on.wait(10)

    def change(number: int) -> Any:
        def run(connection: Connection) -> int:
            connection.execute(insert(THING), [{"id": number}])
            if number == 5:
                raise KeyError(number)
            return number

        return run

    held = asyncio.ensure_future(database.write(hold))
    await asyncio.to_thread(started.wait, 10)
    tasks = [asyncio.ensure_future(database.write(change(number))) for number in [*range(10), 3]]
    await asyncio.sleep(0.05)
    tasks[7].cancel()
    await asyncio.sleep(0)
    go_on.set()
    results = await asyncio.gather(held, *tasks, return_exceptions=True)
    assert results[1:6] == [0, 1, 2, 3, 4]
    assert isinstance(results[6], KeyError)
    assert isinstance(results[8], asyncio.CancelledError)
    assert isinstance(results[11], IntegrityError), "a broken constraint is the change's own fault and comes out as it is"
    assert await database.read(ids) == [0, 1, 2, 3, 4, 6, 8, 9]


async def test_closing_waits_for_what_was_handed_over_and_refuses_more(database: Database, database_place: Path | str) -> None:
    writes = [asyncio.ensure_future(database.write(lambda c, n=n: c.execute(insert(THING), [{"id": n}]))) for n in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*writes)
    for verb in (database.write, database.read):
        with pytest.raises(StorageError, match="has been closed"):
            await verb(ids)
    again = await Database.open(database_place, (), NOW)
    assert len(await again.read(ids)) == 50
    await again.close()


async def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseFault) as caught:
        await database.read(lambda c: c.execute(insert(THING), [{"id": 1}]))
    assert caught.value.problems[0].code == "storage.read-only"
    assert await database.read(ids) == []


async def test_a_question_sees_one_moment_while_the_writer_goes_on(database: Database) -> None:
    seen, go_on = threading.Event(), threading.Event()

    def ask_twice(connection: Connection) -> tuple[list[int], list[int]]:
        first = ids(connection)
        seen.set()
        assert go_on.wait(10)
        return first, ids(connection)

    asking = asyncio.ensure_future(database.read(ask_twice))
    await asyncio.to_thread(seen.wait, 10)
    await database.write(lambda c: c.execute(insert(THING), [{"id": 1}]))
    go_on.set()
    assert await asking == ([], [])
    assert await database.read(ids) == [1]


async def test_upserts(database: Database) -> None:
    def change(connection: Connection) -> None:
        upsert(connection, THING, [{"id": 1, "words": "old"}, {"id": 2, "words": "kept"}])
        upsert(connection, THING, [{"id": 1, "words": "new"}])
        upsert(connection, THING, [])
        assert insert_missing(connection, THING, {"id": 3, "words": "first"})
        assert not insert_missing(connection, THING, {"id": 3, "words": "second"})

    await database.write(change)
    stored = await database.read(lambda c: c.execute(select(THING.c.id, THING.c.words).order_by(THING.c.id)).all())
    assert stored == [(1, "new"), (2, "kept"), (3, "first")]


async def test_foreign_keys_hold(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(lambda c: c.execute(insert(PART), [{"id": 1, "thing": 9}]))


async def test_reading_only_beside_a_server_and_without_one(database: Database, database_place: Path | str) -> None:
    await database.write(lambda c: journal.append(c, journal.NewEntry("a", "b", "c"), NOW))
    beside = await Database.open_to_read(database_place)
    assert (await beside.read(journal.head)).number == 2
    with pytest.raises(StorageError, match="cannot be written"):
        await beside.write(ids)
    await beside.close()
    await database.close()
    alone = await Database.open_to_read(database_place)
    assert (await alone.read(journal.head)).number == 2
    await alone.close()


async def test_sqlite_is_set_up_for_safety(tmp_path: Path) -> None:
    path = tmp_path / "a dir with % and ?" / "keepwell.sqlite"
    path.parent.mkdir()
    database = await Database.open(path, (), NOW)
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
    values = await database.write(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas])
    assert values == ["wal", 2, 1, 5000, 1]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_name("keepwell.sqlite-wal").stat().st_mode & 0o777 == 0o600
    await database.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["keepwell.sqlite"]


async def test_an_erased_output_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    import zlib

    path = tmp_path / "keepwell.sqlite"
    database = await Database.open(path, (), NOW)
    secret = bytes(range(256)) * 2
    entry = await database.write(lambda c: journal.append(c, journal.NewEntry("a", "b", "c", {}, secret), NOW))
    await database.write(lambda c: journal.erase_output(c, str(entry.output_digest), "ann", NOW))
    await database.close()
    assert zlib.compress(secret)[20:60] not in path.read_bytes()


async def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError) as caught:
        await Database.open("postgresql://u@127.0.0.1/x", (), NOW)
    assert caught.value.problems[0].hint == "Install keepwell[postgresql]."


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://u:hunter2@h/x", "mysql:// is no database address"),
        ("postgresql://u:hunter2@h:port/x", "cannot be read"),
        ("postgresql://u:hunter2@hunter2@h/x", "two @"),
    ],
)
async def test_addresses_that_cannot_be_read_are_not_repeated(address: str, words: str) -> None:
    with pytest.raises(StorageError, match=words) as caught:
        await Database.open(address, (), NOW)
    error: BaseException | None = caught.value
    while error is not None:
        assert "hunter2" not in str(error)
        error = error.__cause__


async def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no database"):
        await Database.open_to_read(tmp_path / "keepwell.sqlite")
    sqlite3.connect(tmp_path / "other.sqlite").execute("PRAGMA journal_mode = WAL").connection.close()
    with pytest.raises(StorageError, match="older Keepwell, or is still empty"):
        await Database.open_to_read(tmp_path / "other.sqlite")


async def test_a_wrong_statement_comes_out_as_it_is(database: Database) -> None:
    for verb in (database.read, database.write):
        with pytest.raises(DBAPIError, match="nowhere"):
            await verb(lambda c: c.execute(text("SELECT * FROM nowhere")))
