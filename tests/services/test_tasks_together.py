"""Tasks that are due in the same instant: in which order they begin, and what waits for what."""

import asyncio
from datetime import timedelta
from pathlib import Path

from keepwell.ports.fakes import VirtualClock
from keepwell.ports.work import Work
from keepwell.rooms.tasks.model import GRACE, Server, Task
from tests.tasks import NEW_YEAR, Worker, played, task


def of(kind: str, name: str, every: str = "daily 00:00", **more: object) -> Task:
    """A task that does work of a kind."""
    return task(name, every, work=Work(kind, name), **more)


NIGHT = (of("report", "a-report"), of("runbook", "second"), of("backup", "first"), of("cleanup", "y-clean"), of("rotation", "z-rotate"))
MIDNIGHT = NEW_YEAR + timedelta(days=1)
IN_ORDER = ["z-rotate", "y-clean", "second", "first", "a-report"]


async def test_what_is_due_together_begins_in_one_order_night_after_night(database_place: Path | str) -> None:
    async with played(database_place, *NIGHT) as room:
        for day in range(5):
            await room.deeds.run_now(NIGHT[day].name, "ada")  # what was decided last is not what begins last
            await room.settle()
            room.worker.asked.clear()
            await room.advance(days=1)
            assert room.worker.names == IN_ORDER


async def test_a_backup_waits_until_the_logs_are_rotated(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["z-rotate"] = rotated = asyncio.Event()
    async with played(tmp_path, *NIGHT, worker=worker, now=MIDNIGHT - timedelta(seconds=5)) as room:
        await room.advance(seconds=15)
        assert worker.names == ["z-rotate"]
        (held,) = (standing for one, standing in room.tasks.shown() if one.name == "first")
        assert held.held_because == "z-rotate, which is due together with it and comes before it, has not ended"
        assert room.told.names == []
        rotated.set()
        await room.settle()
        assert worker.names == IN_ORDER
        assert await room.outcomes("first") == ["01-02 00:00 done"]


async def test_nothing_waits_longer_than_half_a_minute_and_nothing_is_missed_for_it(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["z-rotate"] = asyncio.Event()
    punctual, often = of("backup", "punctual", late=GRACE), of("runbook", "often", "10s")
    async with played(tmp_path, *NIGHT, punctual, often, worker=worker, now=MIDNIGHT - timedelta(seconds=5)) as room:
        await room.advance(seconds=5 + 29)
        assert worker.names == ["z-rotate", "often", "often", "often"]
        await room.advance(seconds=2)
        assert [name for name in worker.names if name != "often"] == ["z-rotate", "y-clean", "second", "first", "punctual", "a-report"]
        assert await room.outcomes("punctual") == ["01-02 00:00 done"]
        assert [run.due_at.second for run in await room.runs("often")] == [0, 10, 20, 30]
        assert {run.state.value for run in await room.runs()} == {"done", "running"}


async def test_of_two_servers_neither_makes_the_backup_before_the_other_has_rotated(database_place: Path | str) -> None:
    clock, one, two = VirtualClock(MIDNIGHT - timedelta(minutes=5)), Worker(), Worker()
    one.outcomes["z-rotate"] = two.outcomes["z-rotate"] = rotated = asyncio.Event()
    shared = Server("one", shared=True), Server("two", shared=True)
    async with (
        played(database_place, *NIGHT, worker=one, server=shared[0], clock=clock),
        played(database_place, *NIGHT, worker=two, server=shared[1], clock=clock),
    ):
        await clock.play(MIDNIGHT + timedelta(seconds=10))
        assert [*one.names, *two.names] == ["z-rotate"]
        rotated.set()
        await clock.play(MIDNIGHT + timedelta(minutes=2))
        assert sorted([*one.names, *two.names]) == sorted(IN_ORDER)
        assert (one.names or two.names) == IN_ORDER


async def test_a_server_that_ended_while_logs_were_rotated_goes_on_in_that_order(database_place: Path | str) -> None:
    worker = Worker()
    worker.outcomes["z-rotate"] = rotated = asyncio.Event()
    async with played(database_place, *NIGHT, worker=worker, now=MIDNIGHT - timedelta(seconds=5)) as room:
        await room.advance(seconds=10)
    async with played(database_place, *NIGHT, worker=worker, now=MIDNIGHT + timedelta(minutes=5)) as room:
        await room.advance(seconds=5)
        assert worker.names == ["z-rotate", "z-rotate"]
        rotated.set()
        await room.settle()
        assert worker.names == ["z-rotate", *IN_ORDER]


async def test_those_with_a_lock_in_common_follow_each_other_in_the_order_of_the_configuration(tmp_path: Path) -> None:
    names = ["vacuum", "archive", "move"]
    async with played(tmp_path, *(of("runbook", name, locks=("disk",)) for name in names)) as room:
        for _ in range(3):
            await room.deeds.run_now("vacuum", "ada")
            await room.settle()
            room.worker.asked.clear()
            room.worker.outcomes["vacuum"] = ending = asyncio.Event()
            await room.advance(days=1, minutes=5)
            assert room.worker.names == ["vacuum"]
            ending.set()
            await room.settle()
            assert room.worker.names == names
