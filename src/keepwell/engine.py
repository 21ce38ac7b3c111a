"""The loop: asks each activity what is due, and runs it. One slow job delays no other; lateness is measured.

Every job starts as a task of its own. How many run at once is bounded; a job that finds no room waits, and its waiting counts as lateness.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from keepwell.kernel.histograms import Histogram
from keepwell.kernel.problems import StorageError
from keepwell.ports.activity import Activity, Job
from keepwell.ports.clock import Clock

AT_ONCE = 2000
"""Jobs that may run at once. Each holds a socket or two, so this stays below the usual hard limit of open files."""

LATENESS_KEPT = 10_000
"""How many of the newest jobs the lateness figures look back on."""

LAG_EVERY = 1.0
"""Seconds between two looks at the loop's own lag: how much later than asked for it wakes, which is how long something held it."""

LAGS_KEPT = 60

IDLE = 3600.0

_log = logging.getLogger("keepwell.engine")


class Engine:
    """Runs activities until it is stopped. ``late`` counts how late jobs began, ``lag`` how late the loop itself woke."""

    def __init__(self, activities: Sequence[Activity], clock: Clock) -> None:
        self.started_jobs = 0
        self.lateness: deque[float] = deque(maxlen=LATENESS_KEPT)
        self.late = Histogram()
        self.lag = Histogram()
        self.newest_lag: deque[float] = deque(maxlen=LAGS_KEPT)
        self._activities = activities
        self._clock = clock
        self._woken = False
        self._sleeping: asyncio.Task[None] | None = None
        self._stopping = False
        self._began = clock.monotonic()
        self._running: set[asyncio.Task[None]] = set()
        self._unstored: set[str] = set()
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def running(self) -> int:
        """How many jobs run now."""
        return len(self._running)

    def wake(self) -> None:
        """Makes the loop look again at what is due (after a reload, for example)."""
        self._woken = True
        if self._sleeping is not None:
            self._sleeping.cancel()

    async def run(self) -> None:
        """Until ``stop``: starts what is due, then waits for the next thing that will be."""
        self._began = self._clock.monotonic()
        pulse = asyncio.create_task(self._measure_lag(), name="lag of the loop")
        try:
            await self._run()
        finally:
            pulse.cancel()

    async def _measure_lag(self) -> None:
        now = asyncio.get_running_loop().time  # the loop's own: how long it was held is real, whatever the clock plays
        while True:
            asked = now() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            lag = max(0.0, now() - asked)
            self.lag.add(lag)
            self.newest_lag.append(lag)

    async def _run(self) -> None:
        while not self._stopping:
            self._woken = False
            now = self._clock.monotonic()
            jobs = [job for activity in self._activities for job in activity.take_due(now)]
            for job in sorted(jobs, key=lambda job: job.due):
                await self._start(job)
            await self._wait()

    async def _start(self, job: Job) -> None:
        await self._room.acquire()
        # What was due before there was an engine is not late by the time since the machine was started.
        late = max(0.0, self._clock.monotonic() - max(job.due, self._began))
        self.lateness.append(late)
        self.late.add(late)
        self.started_jobs += 1
        task = asyncio.create_task(self._guarded(job), name=job.name)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()

    async def _guarded(self, job: Job) -> None:
        try:
            await job.run()
            self._unstored.discard(job.name)
        except StorageError as error:
            # No defect of ours, and the job comes again: said once, without a traceback, until it has ended well.
            if job.name not in self._unstored:
                _log.error("a job cannot reach the database; it comes again", extra={"facts": {"job": job.name, "why": str(error)}})
            self._unstored.add(job.name)
        except Exception:
            _log.exception("a job failed", extra={"facts": {"job": job.name}})

    async def _wait(self) -> None:
        times = [due for due in (activity.next_due() for activity in self._activities) if due is not None]
        pause = min(times) - self._clock.monotonic() if times else IDLE
        if pause <= 0:
            await asyncio.sleep(0)
            return
        if self._woken:
            return
        # By the clock's own sleep, so that a virtual clock plays weeks in minutes. ``wait`` returns also where ``wake`` cancelled it.
        self._sleeping = asyncio.create_task(self._clock.sleep(min(pause, IDLE)), name="until something is due")
        try:
            await asyncio.wait((self._sleeping,))
        finally:
            self._sleeping.cancel()
            self._sleeping = None

    async def stop(self, grace: float) -> None:
        """Starts nothing more, gives what runs ``grace`` seconds to end, then cancels it and waits for that."""
        self._stopping = True
        self.wake()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)
