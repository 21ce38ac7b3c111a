"""The living room of tasks: decides what is due, lets it be performed, keeps what came of it, and tells of what went wrong.

Whatever is kept is stored first: an occasion is this server's once its row and its leases are, and has ended once its row says so. So a
server that is killed goes on with the same occasions, and another one does once the leases have run out.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, NotFound, StorageError, UsageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active, Tell
from keepwell.ports.clock import Clock
from keepwell.ports.work import Occasion, Outcome, Perform, Performed
from keepwell.rooms.tasks import store
from keepwell.rooms.tasks.decide import Around, decide, late_words, missed_words
from keepwell.rooms.tasks.model import Decision, Run, Standing, State, Task, stamp, subject
from keepwell.rooms.tasks.store import Lost, Taken
from keepwell.rooms.tasks.telling import alerts_of, next_change
from keepwell.storage import leases
from keepwell.storage.database import Database

ASK_AGAIN = 15.0
"""Seconds between two questions what came of work that waits for a person."""

RENEW = store.LEASE.total_seconds() / 3
"""Seconds between two signs of life for what is under way."""

LOOK = 60.0
"""The longest time between two looks at the calendar, which may be corrected meanwhile."""

AFTER_FAULT = 1.0
"""Seconds until what could not be stored is tried again."""

_log = logging.getLogger("keepwell.tasks")


class Tasks:
    """Keeps the tasks; an Activity of the engine. ``holder`` names this server among all that use the database, also after a restart."""

    def __init__(self, database: Database, clock: Clock, perform: Perform, tell: Tell, holder: str) -> None:
        self.fault = ""
        """Why nothing can be stored; empty where it can."""
        self.is_looking = False
        """Whether it decides right now."""
        self._database, self._clock, self._perform, self._tell_alerts, self._holder = database, clock, perform, tell, holder
        self._alive_since = clock.now()
        self._tasks: dict[str, Task] = {}
        self._standings: dict[str, Standing] = {}
        self._again: dict[str, datetime] = {}
        self._taken: dict[str, Taken] = {}
        self._ask_at: dict[str, float] = {}
        self._untold: set[str] = set()
        self._told: dict[str, tuple[Active, ...]] = {}
        self._lock = asyncio.Lock()
        self._look_at = self._renew_at = clock.monotonic()
        self._wake: Callable[[], None] = lambda: None

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake

    # --- the configuration -----------------------------------------------------------------------------------------------------

    async def begin(self, tasks: Sequence[Task]) -> None:
        """Takes the first configuration, and goes on with what this server was doing when it ended. Raises StorageError."""
        self._alive_since = self._clock.now()
        await self._database.write(lambda connection: leases.release_all(connection, self._holder))
        await self.configure(tasks)
        for task in tasks:
            run = self._standings[task.name].open
            if run is not None and run.holder == self._holder:
                await self._adopt(task, run)
        gone = set(await self._database.read(store.names)) - self._tasks.keys()
        self._untold |= gone

    async def configure(self, tasks: Sequence[Task]) -> None:
        """Takes a configuration. What is under way ends as it was begun. Raises StorageError, and then the one of before stays."""
        async with self._lock:
            now = self._clock.now()
            cadences = {task.name: f"{task.cadence} {task.cadence.zone.key}" for task in tasks}
            found = await self._database.write(lambda connection: store.identify(connection, cadences, now))
            self._untold |= self._tasks.keys() | cadences.keys()
            self._tasks = {task.name: task for task in tasks}
            self._standings = found
            self._again = dict.fromkeys(cadences, now)
        self._look_soon()

    # --- the activity ----------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        times = [] if self.is_looking else [self._look_at]
        return min([*times, *self._ask_at.values()], default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        due = [(at, name) for name, at in self._ask_at.items() if at <= monotonic]
        for _, name in due:
            del self._ask_at[name]
        jobs = [Job(at, subject(name), partial(self._do, name)) for at, name in sorted(due)]
        if self._look_at <= monotonic and not self.is_looking:
            self.is_looking = True
            jobs.append(Job(self._look_at, "tasks that are due", self._look))
        return jobs

    def _look_soon(self) -> None:
        self._look_at = self._clock.monotonic()
        self._wake()

    async def _look(self) -> None:
        self._look_at = self._clock.monotonic() + LOOK
        try:
            await self._renew()
            now = self._clock.now()
            for name in [name for name, at in self._again.items() if at <= now]:
                await self._decide(name)
            await self._tell()
            self.fault = ""
            self._plan()
        except StorageError as error:
            if not self.fault:
                _log.error("tasks cannot be stored, and none begins until they can be", extra={"facts": {"why": str(error)}})
            self.fault = str(error)
            self._look_at = self._clock.monotonic() + AFTER_FAULT
        finally:
            self.is_looking = False
            self._wake()

    def _plan(self) -> None:
        """When to look again: at the next occasion, at an alert that begins by itself, for a sign of life, and once a minute."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        instants = [*self._again.values()]
        for name, standing in self._standings.items():
            change = next_change(self._tasks[name], standing, now) if name in self._tasks else None
            instants += [change] if change is not None else []
        nearest = min(((at - now).total_seconds() for at in instants), default=LOOK)
        renew = self._renew_at - monotonic if self._taken else LOOK
        self._look_at = min(self._look_at, monotonic + max(0.0, min(nearest, renew, LOOK)))

    async def _renew(self) -> None:
        if not self._taken or self._clock.monotonic() < self._renew_at:
            return
        async with self._lock:
            now, held = self._clock.now(), {name: taken.leases for name, taken in self._taken.items()}
            kept = await self._database.write(lambda connection: store.prolong(connection, held, now))
            for name, still in kept.items():
                self._taken[name] = replace(self._taken[name], leases=still)
        self._renew_at = self._clock.monotonic() + RENEW

    # --- what is due -----------------------------------------------------------------------------------------------------------

    async def _decide(self, name: str) -> None:
        async with self._lock:
            task, standing, now = self._tasks[name], self._standings[name], self._clock.now()
            decision = decide(task, standing, Around(self._alive_since, self._locked()), now)
            if decision.missed or decision.start is not None:
                taken = await self._database.write(partial(self._store, task, standing, decision, now))
                self._follow(task, taken, await self._database.read(lambda connection: store.standing(connection, name)))
                if isinstance(taken, Lost) and taken.lock:
                    decision = replace(decision, held=decision.start, why=f"{taken.lock} is in use by another server")
            if decision.again_at is None:
                self._again.pop(name, None)
            else:
                self._again[name] = decision.again_at
            if decision.held is not None:
                self._again[name] = min(self._again.get(name, decision.held), now + timedelta(seconds=ASK_AGAIN))
            self._standings[name] = replace(self._standings[name], held_since=decision.held, held_because=decision.why)
            self._untold.add(name)

    def _store(self, task: Task, standing: Standing, decision: Decision, now: datetime, connection: Connection) -> Taken | Lost | None:
        """Everything that a decision means, in one transaction."""
        store.miss(connection, task.name, [(one, missed_words(one)) for one in decision.missed], now)
        if decision.start is None:
            return None
        if decision.supersedes and standing.open is not None:
            sentence = "nobody said that it was done before the next one was due"
            store.end(connection, replace(standing.open, state=State.MISSED, ended_at=now, sentence=sentence), (), now)
        state = State.RUNNING if task.work is not None else State.WAITING
        run = Run(task.name, decision.start, state, subject(task.name), now, holder=self._holder)
        run = replace(run, sentence=late_words(run, now) if task.work is not None else "a person does it and says so")
        return store.take(connection, run, task.locks if task.work is not None else None, now)

    def _follow(self, task: Task, taken: Taken | Lost | None, standing: Standing | None) -> None:
        if standing is not None:
            self._standings[task.name] = standing
        if isinstance(taken, Taken) and task.work is not None:
            self._begin(task.name, taken)

    def _begin(self, name: str, taken: Taken) -> None:
        self._taken[name] = taken
        self._renew_at = min(self._renew_at, self._clock.monotonic() + RENEW) if len(self._taken) > 1 else self._clock.monotonic() + RENEW
        self._ask_at[name] = self._clock.monotonic()
        self._wake()

    def _locked(self) -> Mapping[str, str]:
        return {lock: name for name in self._taken if name in self._tasks for lock in self._tasks[name].locks}

    async def _adopt(self, task: Task, run: Run) -> None:
        async with self._lock:
            if task.work is None:
                return
            now = self._clock.now()
            taken = await self._database.write(lambda connection: store.adopt(connection, run, task.locks, self._holder, now))
            if taken is not None:
                self._standings[task.name] = replace(self._standings[task.name], open=taken.run)
                self._begin(task.name, taken)

    # --- one occasion ----------------------------------------------------------------------------------------------------------

    async def _do(self, name: str) -> None:
        """Lets an occasion be performed (or asks what came of one that waits), and keeps what came of it."""
        taken, task = self._taken[name], self._tasks[name]
        performed = await self._performed(task, taken.run)
        while True:
            try:
                return await self._came(name, performed)
            except StorageError as error:
                self.fault = str(error)
                await self._clock.sleep(AFTER_FAULT)

    async def _performed(self, task: Task, run: Run) -> Performed:
        assert task.work is not None
        try:
            return await self._perform(task.work, Occasion(run.key, run.by, run.due_at))
        except NotFound as error:
            return Performed(Outcome.REFUSED, str(error))
        except KeepwellError as error:
            return Performed(Outcome.FAILED, str(error))
        except Exception as error:
            _log.exception("a task failed", extra={"facts": {"task": task.name}})
            return Performed(Outcome.FAILED, f"Keepwell itself failed at it ({type(error).__name__}); its log says where")

    async def _came(self, name: str, performed: Performed) -> None:
        async with self._lock:
            taken, now = self._taken[name], self._clock.now()
            state = _STATES[performed.outcome]
            late = late_words(taken.run, taken.run.started_at or now)
            sentence = f"{performed.sentence} ({late})" if late else performed.sentence
            run = replace(taken.run, state=state, sentence=sentence, record=performed.record, facts=performed.facts)
            if state is State.WAITING:
                await self._waits(name, taken, run, now)
            else:
                run = replace(run, ended_at=now)
                await self._database.write(lambda connection: store.end(connection, run, taken.leases, now))
                await self._ended(name)
        self._untold.add(name)
        self._look_soon()

    async def _waits(self, name: str, taken: Taken, run: Run, now: datetime) -> None:
        self._ask_at[name] = self._clock.monotonic() + ASK_AGAIN
        if run == taken.run:
            return
        await self._database.write(lambda connection: store.wait(connection, run, now))
        self._taken[name] = replace(taken, run=run)
        self._standings[name] = replace(self._standings[name], open=run)

    async def _ended(self, name: str) -> None:
        """It is no longer under way: it, and whatever waited for it, is decided anew."""
        self._taken.pop(name, None)
        self._ask_at.pop(name, None)
        standing = await self._database.read(lambda connection: store.standing(connection, name))
        if standing is not None and name in self._tasks:
            self._standings[name] = standing
        now = self._clock.now()
        for other, known in self._standings.items():
            if other == name or known.held_since is not None:
                self._again[other] = now

    # --- alerts ----------------------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        now = self._clock.now()
        for name, standing in self._standings.items():
            if next_change(self._tasks[name], standing, now) is None:
                self._untold.add(name)
        for name in sorted(self._untold):
            known = name in self._standings
            alerts = alerts_of(self._tasks[name], self._standings[name], now) if known else ()
            if self._told.get(name) != alerts:
                await self._tell_alerts(subject(name), alerts, now)
                self._told[name] = alerts
            self._untold.discard(name)

    # --- what people do ---------------------------------------------------------------------------------------------------------

    async def run_now(self, name: str, by: str) -> Run:
        """Begins a task now, beside its cadence. Raises NotFound, UsageError where it cannot begin, StorageError."""
        task, standing = self.find(name)
        if task.work is None:
            why = f"waits for {task.waits_for}" if task.waits_for else "is done by a person"
            raise UsageError(f"{name} {why}", hint="say in keepwell.yaml what it does" if task.waits_for else f"keepwell tasks done {name}")
        async with self._lock:
            if standing.open is not None:
                raise UsageError(f"{name} is {standing.open.state.value} since {stamp(standing.open.started_at or standing.open.due_at)}")
            now = self._clock.now()
            run = Run(name, now, State.RUNNING, by, now, holder=self._holder)
            taken = await self._database.write(lambda connection: store.take(connection, run, task.locks, now))
            if isinstance(taken, Lost):
                raise UsageError(f"{name} cannot begin now: {taken.lock or 'it'} is in use")
            self._standings[name] = replace(self._standings[name], open=run)
            self._begin(name, taken)
            return run

    async def done(self, name: str, by: str, note: str) -> Run:
        """A person did what waits for one. Raises NotFound, UsageError where nothing waits, StorageError."""
        task, _ = self.find(name)
        if task.work is not None:
            raise UsageError(f"{name} is work of Keepwell's", hint="tick its steps where its run is shown, or say keepwell tasks skip")
        return await self._said(name, State.DONE, f"done by {by}", by, note)

    async def skip(self, name: str, by: str, note: str) -> Run:
        """What waits for a person is not done this time. Raises as ``done``."""
        return await self._said(name, State.SKIPPED, f"skipped by {by}", by, note)

    async def _said(self, name: str, state: State, sentence: str, by: str, note: str) -> Run:
        async with self._lock:
            _, standing = self.find(name)
            if standing.open is None or standing.open.state is not State.WAITING:
                raise UsageError(f"nothing of {name} waits for a person now")
            now = self._clock.now()
            ended = replace(standing.open, state=state, ended_at=now, sentence=f"{sentence}: {note}" if note else sentence)
            held = self._taken[name].leases if name in self._taken else ()
            await self._database.write(lambda connection: store.end(connection, ended, held, now, by))
            await self._ended(name)
        self._untold.add(name)
        self._look_soon()
        return ended

    # --- showing ---------------------------------------------------------------------------------------------------------------

    def shown(self) -> Sequence[tuple[Task, Standing]]:
        """Every task and how it stands, in the order of the configuration."""
        return [(task, self._standings[name]) for name, task in self._tasks.items() if name in self._standings]

    async def runs(self, task: str | None, before: datetime | None, limit: int) -> Sequence[Run]:
        """Occasions, newest first."""
        return await self._database.read(lambda connection: store.runs(connection, task, before, limit))

    def find(self, name: str) -> tuple[Task, Standing]:
        """One task. Raises NotFound."""
        if name not in self._tasks:
            raise NotFound(f"no task is called {name}", hint="keepwell tasks lists them")
        return self._tasks[name], self._standings[name]


_STATES = {
    Outcome.DONE: State.DONE,
    Outcome.FAILED: State.FAILED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.WAITING: State.WAITING,
}
