"""The engine: what is due runs on time, a slow job delays no other, stopping is graceful."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from keepwell.engine import Engine
from keepwell.kernel.problems import StorageError
from keepwell.machine.clock import SystemClock
from keepwell.ports.activity import Job


class Timeline:
    """An activity with fixed times; records when each job started, relative to the beginning."""

    def __init__(self, plan: dict[str, tuple[float, float]]) -> None:
        self.begin = time.monotonic()
        self.plan = sorted((self.begin + at, name, lasts) for name, (at, lasts) in plan.items())
        self.started: dict[str, float] = {}
        self.ended: list[str] = []
        self.cancelled: list[str] = []

    def next_due(self) -> float | None:
        return self.plan[0][0] if self.plan else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        due = [row for row in self.plan if row[0] <= monotonic]
        self.plan = [row for row in self.plan if row[0] > monotonic]
        return [Job(at, name, lambda name=name, lasts=lasts: self._run(name, lasts)) for at, name, lasts in due]  # type: ignore[misc]

    async def _run(self, name: str, lasts: float) -> None:
        self.started[name] = time.monotonic() - self.begin
        if lasts < 0:
            raise RuntimeError("planned")
        try:
            await asyncio.sleep(lasts)
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        self.ended.append(name)


async def play(timeline: Timeline, seconds: float, grace: float = 1.0) -> Engine:
    engine = Engine([timeline], SystemClock())
    loop = asyncio.create_task(engine.run())
    await asyncio.sleep(seconds)
    await engine.stop(grace)
    await loop
    return engine


async def test_a_slow_job_delays_no_other() -> None:
    timeline = Timeline({"slow": (0.0, 0.5), "a": (0.1, 0.0), "b": (0.2, 0.0), "c": (0.3, 0.0)})
    engine = await play(timeline, 0.4)
    for name, wanted in {"slow": 0.0, "a": 0.1, "b": 0.2, "c": 0.3}.items():
        assert wanted <= timeline.started[name] < wanted + 0.09, name
    assert timeline.ended[-1] == "slow"  # it was given its grace
    assert engine.started_jobs == 4
    assert max(engine.lateness) < 0.09


async def test_what_outlasts_the_grace_is_cancelled() -> None:
    timeline = Timeline({"endless": (0.0, 60.0)})
    await play(timeline, 0.1, grace=0.1)
    assert timeline.cancelled == ["endless"]


async def test_a_job_that_raises_stops_nothing() -> None:
    timeline = Timeline({"broken": (0.0, -1), "later": (0.1, 0.0)})
    await play(timeline, 0.2)
    assert timeline.ended == ["later"]


async def test_nothing_starts_after_stop() -> None:
    timeline = Timeline({"later": (0.2, 0.0)})
    await play(timeline, 0.1)
    await asyncio.sleep(0.2)
    assert timeline.started == {}


async def test_wake_makes_it_look_again() -> None:
    timeline = Timeline({})
    engine = Engine([timeline], SystemClock())
    loop = asyncio.create_task(engine.run())
    await asyncio.sleep(0.05)
    timeline.plan = [(time.monotonic(), "new", 0.0)]
    engine.wake()
    await asyncio.sleep(0.05)
    await engine.stop(1)
    await loop
    assert timeline.ended == ["new"]


async def test_what_was_due_before_there_was_an_engine_is_not_late_by_that() -> None:
    timeline = Timeline({"an hour before": (-3600.0, 0.0)})
    engine = await play(timeline, 0.2)
    assert max(engine.lateness) < 1.0


async def test_a_job_that_cannot_reach_the_database_is_said_once_and_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Stored(Timeline):
        is_down = True

        async def _run(self, name: str, lasts: float) -> None:
            await super()._run(name, lasts)
            if self.is_down:
                raise StorageError("the server does not answer")

    timeline = Stored({})
    engine = Engine([timeline], SystemClock())
    loop = asyncio.create_task(engine.run())
    for timeline.is_down in (True, True, True, False, True):
        timeline.plan = [(time.monotonic(), "leases", 0.0)]
        engine.wake()
        await asyncio.sleep(0.03)
    await engine.stop(1)
    await loop
    assert len(timeline.ended) == 5
    assert [(record.levelname, record.exc_info) for record in caplog.records] == [("ERROR", None)] * 2
