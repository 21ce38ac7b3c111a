"""What is kept of heartbeats, in both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from keepwell.composition import verbs
from keepwell.kernel.states import State
from keepwell.ports.pings import Heard
from keepwell.rooms.checks.heartbeats import store
from keepwell.rooms.checks.heartbeats.model import after, ping_of
from keepwell.rooms.checks.model import Observation, Seen, Standing
from keepwell.rooms.checks.store import identify, record
from keepwell.storage.database import Database

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ADDRESS, OTHER = "a" * 64, "b" * 64


@pytest.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, verbs.tables(), NOW)
    yield opened
    await opened.close()


async def keep(database: Database, address: str, heard: Heard, word: str, at: datetime) -> Heard:
    ping = ping_of(word, "", f"said {word}\x00\ud800".encode("utf-8", "surrogatepass"))
    heard = after(heard, ping, at)
    await database.write(lambda connection: store.keep(connection, address, heard, ping, at))
    return heard


async def test_what_was_heard_comes_back(database: Database) -> None:
    assert await database.read(store.all_heard) == {}
    assert await database.read(store.last_life) is None
    first = Heard(since=NOW)
    await database.write(lambda connection: store.keep(connection, OTHER, first, None, NOW))
    heard = await keep(database, ADDRESS, first, "start", NOW + timedelta(minutes=1))
    heard = await keep(database, ADDRESS, heard, "3", NOW + timedelta(minutes=2))
    assert await database.read(store.all_heard) == {OTHER: first, ADDRESS: heard}
    assert await database.read(store.last_life) == NOW + timedelta(minutes=2)
    newest = await database.read(lambda connection: store.newest(connection, ADDRESS, 10))
    assert [(ping["signal"], ping["status"]) for ping in newest] == [("fail", 3), ("start", None)]
    assert newest[0]["body"].startswith("said 3")


async def test_the_newest_look_is_a_sign_of_life(database: Database) -> None:
    looked = Observation(State.OK, "fine")
    standing = Standing(State.OK, NOW, State.OK, "fine", NOW)

    def write(connection: Connection) -> None:
        kept = identify(connection, {"disk": None}, NOW)["disk"]
        record(connection, [Seen(kept.check_id, "disk", 0, NOW + timedelta(hours=1), looked, standing, None)])

    await database.write(write)
    await keep(database, ADDRESS, Heard(since=NOW), "", NOW)
    assert await database.read(store.last_life) == NOW + timedelta(hours=1)


async def test_a_job_keeps_its_newest_pings(database: Database) -> None:
    heard = Heard(since=NOW)
    for number in range(store.KEPT_PINGS + 7):
        heard = await keep(database, ADDRESS, heard, "", NOW + timedelta(minutes=number))
    newest = await database.read(lambda connection: store.newest(connection, ADDRESS, 1000))
    assert len(newest) == store.KEPT_PINGS
    assert newest[-1]["at"] == NOW + timedelta(minutes=7)


async def test_what_is_not_configured_any_more_is_forgotten_in_time(database: Database) -> None:
    for address in (ADDRESS, OTHER):
        await keep(database, address, Heard(since=NOW), "", NOW)
    later = NOW + timedelta(days=1)
    assert await database.write(lambda connection: store.forget(connection, [ADDRESS], NOW)) == 0
    assert await database.write(lambda connection: store.forget(connection, [ADDRESS], later)) == 1
    assert list(await database.read(store.all_heard)) == [ADDRESS]
    assert await database.read(lambda connection: store.newest(connection, OTHER, 10)) == []
