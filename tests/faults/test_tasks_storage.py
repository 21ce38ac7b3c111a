"""A database that does not take anything for a while: no occasion is lost, and none is performed twice because of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.problems import StorageError
from tests.tasks import Told, Worker, played, task


class Flaky:
    """A database in front of a real one; while ``down``, it takes and gives nothing."""

    def __init__(self, database: Any) -> None:
        self.down = False
        self._database = database

    async def write(self, change: Callable[..., Any]) -> Any:
        self._look()
        return await self._database.write(change)

    async def read(self, question: Callable[..., Any]) -> Any:
        self._look()
        return await self._database.read(question)

    def _look(self) -> None:
        if self.down:
            raise StorageError("the disk is full")


async def test_what_was_due_meanwhile_begins_once_it_can_be_stored(tmp_path: Path) -> None:
    async with played(tmp_path, task("hourly", "hourly")) as room:
        flaky = room.tasks._database = Flaky(room.database)  # type: ignore[assignment]
        flaky.down = True
        await room.advance(hours=1, minutes=10)
        assert (room.worker.asked, room.tasks.fault) == ([], "the disk is full")
        flaky.down = False
        await room.advance(seconds=5)
        assert room.worker.asked == [("hourly", "tasks/hourly/2026-01-01T01:00:00Z")]
        assert (await room.outcomes("hourly"), room.tasks.fault) == (["01-01 01:00 done"], "")
        assert (await room.runs("hourly"))[0].sentence.startswith("hourly was done (begun 10m")


async def test_what_came_of_it_is_stored_when_it_can_be_and_not_done_again(tmp_path: Path) -> None:
    worker = Worker()
    worker.outcomes["long"] = ending = asyncio.Event()
    async with played(tmp_path, task("long", "daily 01:00"), worker=worker) as room:
        flaky = room.tasks._database = Flaky(room.database)  # type: ignore[assignment]
        await room.advance(hours=1, minutes=5)
        flaky.down = True
        ending.set()
        await room.advance(minutes=30)
        assert await room.outcomes("long") == ["01-01 01:00 running"]
        flaky.down = False
        await room.advance(seconds=5)
        assert await room.outcomes("long") == ["01-01 01:00 done"]
        assert worker.names == ["long"]


async def test_what_a_person_says_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    async with played(tmp_path, task("review", "daily 01:00", work=None)) as room:
        flaky = room.tasks._database = Flaky(room.database)  # type: ignore[assignment]
        await room.advance(hours=2)
        flaky.down = True
        with pytest.raises(StorageError, match="the disk is full"):
            await room.deeds.done("review", "ada", "")
        flaky.down = False
        assert await room.outcomes("review") == ["01-01 01:00 waiting"]
        await room.deeds.done("review", "ada", "")
        assert await room.outcomes("review") == ["01-01 01:00 done"]


async def test_alerts_that_cannot_be_stored_are_told_again(tmp_path: Path) -> None:
    class Deaf(Told):
        """Alerts that cannot be stored at first."""

        refused = 0

        async def tell(self, source: str, active: Any, at: Any) -> None:
            if active and self.refused < 3:
                self.refused += 1
                raise StorageError("the disk is full")
            await super().tell(source, active, at)

    worker, deaf = Worker(), Deaf()
    worker.outcomes["broken"] = KeyError("a defect")
    async with played(tmp_path, task("broken", "daily 01:00"), worker=worker, told=deaf) as room:
        await room.advance(hours=1, seconds=10)
        assert (deaf.refused, deaf.names) == (3, [("broken", "TaskFailed")])
