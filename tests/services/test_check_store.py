"""What is kept of checks, on SQLite and on PostgreSQL."""

import functools
import operator
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks import store
from keepwell.rooms.checks.decide import judge
from keepwell.rooms.checks.model import CheckOptions, Observation, Seen, Standing
from keepwell.rooms.checks.offer import tables
from keepwell.storage.database import Database

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
async def database(database_place: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, [tables()], NOW)
    yield opened
    await opened.close()


def look(states: str, check_id: int, first: int = 0, standing: Standing | None = None) -> list[Seen]:
    """A check's observations a minute apart, as letters, decided one after the other."""
    words = {"o": State.OK, "w": State.WARN, "f": State.FAIL, "u": State.UNKNOWN}
    batch = []
    for number, letter in enumerate(states, first):
        at = NOW + timedelta(minutes=number)
        observation = Observation(words[letter], f"look {number}", {"x_seconds": number / 10}, detail="said\x00so")
        standing, change = judge(standing, observation, CheckOptions(), at)
        batch.append(Seen(check_id, f"check-{check_id}", number, at, observation, standing, change))
    return batch


async def identify(database: Database, names: dict[str, str | None], now: datetime = NOW) -> dict[str, store.Kept]:
    return await database.write(lambda connection: store.identify(connection, names, now))


async def record(database: Database, batch: list[Seen]) -> None:
    await database.write(lambda connection: store.record(connection, batch))


async def test_what_was_recorded_is_known_again(database: Database) -> None:
    first = await identify(database, {"a": None, "b": None})
    assert (first["a"].standing, first["a"].ordinal) == (None, 0)
    batch = look("oof", first["a"].check_id)
    await record(database, batch)
    again = await identify(database, {"a": None, "b": None})
    assert again["a"].standing == batch[-1].standing
    assert again["a"].ordinal == 3
    assert again["b"].standing is None
    changes = await database.read(lambda connection: store.changes(connection, 10))
    assert [(row.name, row.change.before, row.change.after) for row in changes] == [("a", State.OK, State.FAIL), ("a", None, State.OK)]
    newest = (await database.read(lambda connection: store.observations(connection, "a", 10)))[0]
    assert (newest["state"], newest["sentence"], newest["values"]) == ("fail", "look 2", {"x_seconds": 0.2})
    assert newest["at"] == batch[-1].at
    assert "said" in newest["detail"]


async def test_a_standing_that_did_not_move_is_told_by_its_newest_observation(database: Database) -> None:
    number = (await identify(database, {"a": None}))["a"].check_id
    batch = look("ffff", number)
    await record(database, batch[:1])
    for seen in batch[1:]:
        await record(database, [replace(seen, moved=False)])
    again = (await identify(database, {"a": None}))["a"]
    assert (again.standing, again.ordinal) == (batch[-1].standing, 4)
    assert again.standing is not None
    assert again.standing.since == NOW


async def test_the_ring_keeps_the_newest_and_goes_on_after_a_start(database: Database) -> None:
    number = (await identify(database, {"a": None}))["a"].check_id
    batch = look("o" * 130, number)
    for start in range(0, 130, 7):
        await record(database, batch[start : start + 7])
    kept = await database.read(lambda connection: store.observations(connection, "a", 1000))
    assert [row["sentence"] for row in kept] == [f"look {index}" for index in range(129, 29, -1)]
    ordinal = (await identify(database, {"a": None}))["a"].ordinal
    await record(database, look("f", number, first=ordinal + 130 - ordinal % 100))
    strips = await database.read(lambda connection: store.recent_states(connection, 3))
    assert strips == {number: ["ok", "ok", "fail"]}


async def test_a_rename_keeps_the_history(database: Database) -> None:
    number = (await identify(database, {"old": None}))["old"].check_id
    await record(database, look("of", number))
    renamed = (await identify(database, {"new": "old"}))["new"]
    assert renamed.check_id == number
    assert renamed.standing is not None
    assert renamed.standing.state is State.FAIL
    assert [row.name for row in await database.read(lambda connection: store.changes(connection, 10))] == ["new", "new"]
    assert (await identify(database, {"new": "old"}))["new"].check_id == number  # the line may stay in the file


async def test_a_former_name_that_is_still_configured_is_not_taken(database: Database) -> None:
    kept = await identify(database, {"old": None})
    both = await identify(database, {"old": None, "new": "old"})
    assert both["old"].check_id == kept["old"].check_id
    assert both["new"].check_id != kept["old"].check_id


async def test_history_of_removed_checks_is_kept_for_a_time(database: Database) -> None:
    number = (await identify(database, {"a": None, "b": None}))["a"].check_id
    await record(database, look("of", number))
    await identify(database, {"b": None}, NOW + timedelta(days=1))
    await identify(database, {"b": None}, NOW + timedelta(days=9))  # removed since the first time, not since now
    early = NOW + timedelta(days=1) - timedelta(seconds=1)
    assert await database.write(lambda connection: store.forget_removed(connection, early)) == 0
    assert (await identify(database, {"a": None, "b": None}))["a"].check_id == number
    await identify(database, {"b": None}, NOW + timedelta(days=1))
    late = NOW + timedelta(days=1, seconds=1)
    assert await database.write(lambda connection: store.forget_removed(connection, late)) == 1
    assert (await identify(database, {"a": None, "b": None}))["a"].standing is None
    assert await database.read(lambda connection: store.observations(connection, "a", 10)) == []


async def test_changes_page_backwards(database: Database) -> None:
    number = (await identify(database, {"a": None}))["a"].check_id
    await record(database, look("of" * 5, number))
    pages: list[list[str]] = []
    before: int | None = None
    while True:
        rows = await database.read(lambda connection, before=before: store.changes(connection, 4, "a", before))
        if not rows:
            break
        pages.append([row.change.sentence for row in rows])
        before = rows[-1].number
    assert [len(page) for page in pages] == [4, 4, 2]
    assert functools.reduce(operator.iadd, pages, []) == [f"look {index}" for index in range(9, -1, -1)]
