"""Leases, on both databases: of many that try, one wins, and numbers only grow."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from keepwell.storage.database import Database
from keepwell.storage.leases import acquire, is_current, release, renew
from keepwell.storage.tables import LEASES

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest_asyncio.fixture
async def database(database_place: Path | str) -> AsyncIterator[Database]:
    opened = await Database.open(database_place, (), NOW)
    yield opened
    await opened.close()


async def test_the_life_of_a_lease(database: Database) -> None:
    first = await database.write(lambda c: acquire(c, "engine", "a", NOW, MINUTE))
    assert first is not None
    assert (first.token, first.expires_at) == (1, NOW + MINUTE)
    assert await database.write(lambda c: acquire(c, "engine", "b", NOW, MINUTE)) is None
    assert await database.write(lambda c: acquire(c, "engine", "a", NOW, MINUTE)) is None
    assert (await database.write(lambda c: acquire(c, "other", "b", NOW, MINUTE))) is not None

    renewed = await database.write(lambda c: renew(c, first, NOW + MINUTE / 2, MINUTE))
    assert renewed is not None
    assert (renewed.token, renewed.expires_at) == (1, NOW + MINUTE * 1.5)
    assert await database.read(lambda c: is_current(c, renewed, NOW + MINUTE))
    assert not await database.read(lambda c: is_current(c, renewed, NOW + MINUTE * 1.5))
    assert await database.write(lambda c: renew(c, renewed, NOW + MINUTE * 1.5, MINUTE)) is None

    second = await database.write(lambda c: acquire(c, "engine", "b", NOW + MINUTE * 1.5, MINUTE))
    assert second is not None
    assert second.token == 2
    assert not await database.read(lambda c: is_current(c, renewed, NOW))
    assert not await database.write(lambda c: release(c, renewed))
    assert await database.write(lambda c: release(c, second))
    third = await database.write(lambda c: acquire(c, "engine", "a", NOW + MINUTE * 1.5, MINUTE))
    assert third is not None
    assert third.token == 3


async def test_of_many_that_try_at_once_one_wins_each_time(database_place: Path | str) -> None:
    several = [await Database.open(database_place, (), NOW) for _ in range(4)]
    try:
        tokens = []
        for round_ in range(10):
            now = NOW + 2 * MINUTE * round_
            tries = [
                database.write(lambda c, now=now, who=f"{index}/{turn}": acquire(c, "engine", who, now, MINUTE))
                for index, database in enumerate(several)
                for turn in range(5)
            ]
            won = [lease for lease in await asyncio.gather(*tries) if lease is not None]
            assert len(won) == 1
            tokens.append(won[0].token)
            row = await several[0].read(lambda c: c.execute(select(LEASES)).one())
            assert (row.holder, row.token) == (won[0].holder, won[0].token)
        assert tokens == list(range(1, 11))
    finally:
        for database in several:
            await database.close()


CONTENDER = """
import asyncio, sys
from datetime import datetime, timedelta
from keepwell.storage.database import Database
from keepwell.storage.leases import acquire

async def main(place, who, now):
    database = await Database.open(place, (), now)
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(20):
        at = now + timedelta(minutes=2 * turn)
        lease = await database.write(lambda c: acquire(c, "engine", who, at, timedelta(minutes=1)))
        if lease:
            print(turn, lease.token, flush=True)
    await database.close()

asyncio.run(main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])))
"""


def test_processes_contend(database_place: Path | str) -> None:
    asyncio.run(_make(database_place))
    command = [sys.executable, "-c", CONTENDER, str(database_place)]
    contenders = [
        subprocess.Popen([*command, who, NOW.isoformat()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for who in ("a", "b", "c")
    ]
    for contender in contenders:
        assert contender.stdout is not None
        assert contender.stdout.readline() == "ready\n"
    for contender in contenders:
        assert contender.stdin is not None
        contender.stdin.write("go\n")
        contender.stdin.flush()
    lines = [line.split() for contender in contenders for line in contender.communicate(timeout=30)[0].splitlines()]
    assert [contender.returncode for contender in contenders] == [0, 0, 0]
    wins = sorted((int(turn), int(token)) for turn, token in lines)
    assert [token for _, token in wins] == list(range(1, len(wins) + 1)), "each win has a number of its own, growing with time"
    assert len({turn for turn, _ in wins}) == len(wins), "never two holders of one time"
    assert wins[-1][0] == 19, "the last turn was won by somebody"


async def _make(place: Path | str) -> None:
    await (await Database.open(place, (), NOW)).close()
