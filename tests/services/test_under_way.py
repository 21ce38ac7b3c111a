"""What servers on one database have under way, on a real PostgreSQL: nothing of a living one is taken, what a dead one left is, once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepwell.ports.fakes import FakeClock
from keepwell.storage.database import Database
from keepwell.storage.under_way import EVERY, LOOKS, Over, Server, UnderWay
from tests.alerts_desk import NOW

ONE, TWO, THREE = Server("host:/one", "kernel"), Server("host:/two", "kernel"), Server("host:/three", "another")


class Life:
    """One life of a server: what it found to be over, at each look."""

    def __init__(self, database: Database, clock: FakeClock, server: Server) -> None:
        self.under_way = UnderWay(database, clock, "audits", server)
        self.under_way.take_up = self._take_up
        self.found: list[list[Over]] = []
        self._database, self._clock = database, clock

    async def _take_up(self) -> None:
        self.found.append(list(await self.under_way.over(["a", "b"])))

    async def look(self) -> list[Over]:
        """Does what is due, which is a look."""
        for job in self.under_way.take_due(self._clock.monotonic()):
            await job.run()
        return self.found[-1]

    async def begin_and_die(self, key: str) -> None:
        """Begins a piece of work, and says no word ever again."""
        name = self.under_way._name(key)
        assert await self._database.write(lambda connection: self.under_way._take(connection, name)) is not None


@pytest.fixture
async def database(postgresql_url: str) -> AsyncIterator[Database]:
    made = await Database.open(postgresql_url, (), NOW)
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


async def test_what_a_living_server_does_is_never_over(database: Database, clock: FakeClock) -> None:
    one, two = Life(database, clock, ONE), Life(database, clock, TWO)
    async with one.under_way.holding("a") as is_ours:
        assert is_ours
        for _ in range(10 * LOOKS):
            await one.look()
            assert await two.look() == []
            async with two.under_way.holding("a") as is_twos:
                assert not is_twos
            clock.advance(EVERY)
        assert one.found[-1] == []
    assert await two.look() == []
    async with two.under_way.holding("a") as is_twos:
        assert is_twos, "it has ended"


async def test_what_a_dead_server_left_is_over_after_a_minute_and_one_takes_it(database: Database, clock: FakeClock) -> None:
    await Life(database, clock, ONE).begin_and_die("a")
    two, three = Life(database, clock, TWO), Life(database, clock, THREE)
    for _ in range(LOOKS - 1):
        assert [await two.look(), await three.look()] == [[], []]
        clock.advance(EVERY)
    assert await two.look() == [Over("a", is_own=False, is_here=True)]
    assert await three.look() == [Over("a", is_own=False, is_here=False)]
    async with two.under_way.holding("a") as is_twos, three.under_way.holding("a") as is_threes:
        assert (is_twos, is_threes) == (True, False)
        clock.advance(EVERY)
        assert (await two.look(), await three.look()) == ([], [])
    clock.advance(EVERY)
    assert (await two.look(), await three.look()) == ([], [])


async def test_the_same_server_takes_up_at_its_start_what_it_left(database: Database, clock: FakeClock) -> None:
    await Life(database, clock, ONE).begin_and_die("a")
    again = Life(database, clock, Server(ONE.identity, "the kernel after a new start of the machine"))
    assert await again.look() == [Over("a", is_own=True, is_here=False)]
    async with again.under_way.holding("a") as is_ours:
        assert is_ours


async def test_a_database_that_was_away_makes_nobody_dead(database: Database, clock: FakeClock) -> None:
    one, two = Life(database, clock, ONE), Life(database, clock, TWO)
    async with one.under_way.holding("a"):
        await one.look()
        for _ in range(LOOKS):
            clock.advance(3600.0)  # nobody could look or prolong
            assert await two.look() == []
            await one.look()


async def test_one_that_is_prolonged_after_it_was_found_over_is_not_taken(database: Database, clock: FakeClock) -> None:
    """A server that stood still for minutes, and goes on just then."""
    one, two = Life(database, clock, ONE), Life(database, clock, TWO)
    async with one.under_way.holding("a"):
        for _ in range(LOOKS):
            await two.look()
            clock.advance(EVERY)
        assert [found.key for found in two.found[-1]] == ["a"]
        await one.look()
        async with two.under_way.holding("a") as is_twos:
            assert not is_twos


async def test_what_is_under_way_here_is_begun_once(database: Database, clock: FakeClock) -> None:
    one = Life(database, clock, ONE)
    async with one.under_way.holding("a"):
        with pytest.raises(RuntimeError, match="a is under way here already"):
            await one.under_way.holding("a").__aenter__()
    async with one.under_way.holding("a") as is_ours:
        assert is_ours


async def test_where_nobody_else_uses_the_database_nothing_is_written(tmp_path: Path, clock: FakeClock) -> None:
    database = await Database.open(tmp_path / "keepwell.sqlite", (), NOW)
    one = Life(database, clock, ONE)
    async with one.under_way.holding("a") as is_ours:
        assert is_ours
        assert await one.under_way.over(["a"]) == []
    assert one.under_way.next_due() is None
    assert one.under_way.take_due(clock.monotonic() + 1) == ()
    await database.close()
