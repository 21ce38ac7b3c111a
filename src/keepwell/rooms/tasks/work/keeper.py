"""The living room of tasks: decides what is due, lets it be performed, keeps what came of it, and tells of what went wrong.

Whatever is kept is stored first: an occasion is this server's once its row and its leases are, and has ended once its row says so. So a
server that is killed goes on with the same occasions, and another one does once the leases have run out.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from keepwell.kernel.problems import NotFound, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active, Tell
from keepwell.ports.clock import Clock
from keepwell.ports.listeners import Listeners
from keepwell.ports.work import Perform, Performed
from keepwell.rooms.tasks import store
from keepwell.rooms.tasks.decide import LOOK_AGAIN, Around, ahead_since, decide, late_words, rank, under_way_before
from keepwell.rooms.tasks.model import BY_A_PERSON, Decision, Run, Server, Standing, State, Task, subject
from keepwell.rooms.tasks.store import Lost, Taken
from keepwell.rooms.tasks.telling import alerts_of, next_change
from keepwell.storage import leases
from keepwell.storage.database import Database

from .performing import STATES, performed_by

ASK_AGAIN = LOOK_AGAIN.total_seconds()
"""Seconds between two questions what came of work that waits for a person."""

RENEW = store.LEASE.total_seconds() / 3
"""Seconds between two signs of life for what is under way, and between two looks at what other servers do."""

LOOK = 300.0
"""The longest time in seconds between two looks at the calendar, which may be corrected meanwhile."""

AFTER_FAULT = 1.0
"""Seconds until what could not be stored is tried again."""

FORGET = 3600.0
"""Seconds between two times that old occasions are deleted."""

KEPT = timedelta(days=400)
"""How long occasions are kept: a year of them can be compared with the one before its last month."""

_log = logging.getLogger("keepwell.tasks")


@dataclass(frozen=True, slots=True)
class _Doing:
    """An occasion under way, and its task as it was when it began."""

    task: Task
    taken: Taken


_Stored = tuple[Taken | Lost | None, Standing | None]
"""What became of an occasion that was to begin, and how the task stands."""


class Tasks:
    """Keeps the tasks; an Activity of the engine. ``fault`` says why nothing can be stored; empty where it can."""

    def __init__(self, database: Database, clock: Clock, perform: Perform, tell: Tell, server: Server) -> None:
        self.fault = ""
        self._database, self._clock, self._perform, self._tell_alerts, self._server = database, clock, perform, tell, server
        self._alive_since = self._looked_at = clock.now()
        self._tasks: dict[str, Task] = {}
        self._standings: dict[str, Standing] = {}
        self._again: dict[str, datetime] = {}
        self._doing: dict[str, _Doing] = {}
        self._ask_at: dict[str, float] = {}
        self._gone: set[str] = set()
        self._told: dict[str, tuple[Active, ...]] = {}
        self._lock = asyncio.Lock()
        self._is_looking = False
        self._look_at = self._renew_at = clock.monotonic()
        self._forget_at = clock.monotonic() + FORGET
        self._wake: Callable[[], None] = lambda: None
        self._listeners = Listeners[None](most=1)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake

    # --- the configuration -----------------------------------------------------------------------------------------------------

    async def begin(self, tasks: Sequence[Task]) -> None:
        """Takes the first configuration, and goes on with what this server was doing when it ended. Raises StorageError."""
        self._alive_since = self._clock.now()
        await self._database.write(lambda connection: leases.release_all(connection, self._server.holder))
        await self.configure(tasks)
        known = await self._database.read(store.names)
        self._gone |= set(known) - self._tasks.keys()

    async def configure(self, tasks: Sequence[Task]) -> None:
        """Takes a configuration. What is under way ends as it was begun. Raises StorageError, and then the one of before stays."""
        async with self._lock:
            now = self._clock.now()
            cadences = {task.name: f"{task.cadence} {task.cadence.zone.key}" for task in tasks}
            self._standings = await self._database.write(lambda connection: store.identify(connection, cadences, now))
            self._gone = (self._gone | self._tasks.keys()) - cadences.keys()
            self._tasks = {task.name: task for task in tasks}
            self._again = dict.fromkeys(cadences, now)
            for run in await self._database.read(store.opened_runs):
                if run.holder == self._server.holder and run.task not in self._doing:
                    await self._go_on(run, now)
        self._listeners.tell(None)
        self.look_soon()

    async def _go_on(self, run: Run, now: datetime) -> None:
        """An occasion that nobody does: it is gone on with, where its task says how."""
        task = self._tasks.get(run.task)
        if task is not None and task.work is not None and run.is_a_persons:
            sentence = "nobody had said that it was done when the configuration made it work of Keepwell's"
            await self._end(replace(run, state=State.MISSED, ended_at=now, sentence=sentence), "keepwell", now)
        elif task is not None and task.work is not None:
            taken = await self._database.write(lambda connection: store.adopt(connection, run, task.locks, self._server.holder, now))
            if taken is not None:
                self._begin(task, taken)
        elif task is None or run.state is State.RUNNING:
            sentence = "it had begun, and the configuration says no more what is done"
            ended = replace(run, state=State.REFUSED, ended_at=now, sentence=sentence)
            await self._database.write(lambda connection: store.end(connection, ended, (), now))
            await self._reload(run.task)

    # --- the activity ----------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        times = [] if self._is_looking else [self._look_at]
        return min([*times, *self._ask_at.values()], default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        due = [(at, name) for name, at in self._ask_at.items() if at <= monotonic]
        for _, name in due:
            del self._ask_at[name]
        jobs = [Job(at, subject(name), partial(self._do, name)) for at, name in due]  # in the order in which they were begun
        if self._look_at <= monotonic and not self._is_looking:
            self._is_looking = True
            jobs.append(Job(self._look_at, "tasks that are due", self._look))
        return jobs

    def look_soon(self) -> None:
        """Something changed that may make an occasion begin, or tell of one."""
        self._look_at = self._clock.monotonic()
        self._wake()

    async def _look(self) -> None:
        self._look_at = self._clock.monotonic() + LOOK
        try:
            await self._keep_up()
            now = self._clock.now()
            if now < self._looked_at:  # the clock was set back: what was planned by the one of before is planned anew
                self._again = dict.fromkeys(self._tasks, now)
            self._looked_at = now
            due = [name for name in self._tasks if name in self._again and self._again[name] <= now]
            for name in sorted(due, key=lambda name: (self._again[name], rank(self._tasks[name]))):
                await self._decide(name)
            await self._tell()
            if self.fault:
                _log.info("tasks are stored again")
            self.fault = ""
            self._plan()
        except StorageError as error:
            self._stumbled(error)
            self._look_at = self._clock.monotonic() + AFTER_FAULT
        finally:
            self._is_looking = False
            self._wake()

    def _stumbled(self, error: StorageError) -> None:
        if not self.fault:
            _log.error("tasks cannot be stored, and none begins until they can be", extra={"facts": {"why": str(error)}})
        self.fault = str(error)

    def _plan(self) -> None:
        """When to look again: at the next occasion, at an alert that begins by itself, for a sign of life, and once in a while."""
        now, monotonic = self._clock.now(), self._clock.monotonic()
        changes = (next_change(self._tasks[name], standing, now) for name, standing in self._standings.items())
        instants = [*self._again.values(), *(change for change in changes if change is not None)]
        nearest = min(((at - now).total_seconds() for at in instants), default=LOOK)
        renew = self._renew_at - monotonic if self._doing or self._server.shared else LOOK
        self._look_at = min(self._look_at, monotonic + max(0.0, min(nearest, renew, LOOK)))

    async def _keep_up(self) -> None:
        """Signs of life for what is under way; a look at what other servers do; old occasions go."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        if monotonic >= self._forget_at:
            self._forget_at = monotonic + FORGET
            await self._database.write(lambda connection: store.forget(connection, now - KEPT))
        if monotonic < self._renew_at or not (self._doing or self._server.shared):
            return
        self._renew_at = monotonic + RENEW
        async with self._lock:
            held = {name: doing.taken.leases for name, doing in self._doing.items()}
            kept = await self._database.write(lambda connection: store.prolong(connection, held, now)) if held else {}
            for name, still in kept.items():
                doing = self._doing[name]
                self._doing[name] = replace(doing, taken=replace(doing.taken, leases=still))
            if self._server.shared:
                await self._look_at_others(now)

    async def _look_at_others(self, now: datetime) -> None:
        for run in await self._database.read(store.opened_runs):
            task = self._tasks.get(run.task)
            if task is not None and task.work is not None and not run.is_a_persons and run.task not in self._doing:
                await self._go_on(run, now)
        for name in self._tasks.keys() - self._doing.keys():
            await self._reload(name)
        self._again = {**{name: now for name in self._tasks if name not in self._again}, **self._again}

    # --- what is due -----------------------------------------------------------------------------------------------------------

    async def _decide(self, name: str) -> None:
        async with self._lock:
            if name not in self._tasks:  # it was taken out of the configuration meanwhile
                return
            task, standing, now = self._tasks[name], self._standings[name], self._clock.now()
            around = Around(self._alive_since, self._locked(), under_way_before(task, self.shown()))
            decision = decide(task, standing, around, now)
            if decision.missed or decision.start is not None:
                taken, stored = await self._database.write(partial(self._store, task, standing, decision, now))
                self._stands(name, stored)
                if isinstance(taken, Taken) and task.work is not None:
                    self._begin(task, taken)
                if isinstance(taken, Lost) and taken.lock:
                    why = f"{taken.lock} is in use by another server"
                    decision = replace(decision, held=decision.start, why=why, again_at=now + LOOK_AGAIN)
            self._again.pop(name, None)
            if decision.again_at is not None:
                self._again[name] = decision.again_at
            stands = replace(self._standings[name], held_since=decision.held, held_because=decision.why)
            self._standings[name] = replace(stands, ahead_since=ahead_since(standing, now))

    def _store(self, task: Task, standing: Standing, decision: Decision, now: datetime, connection: Connection) -> _Stored:
        """Everything that a decision means, in one transaction, and how the task stands then."""
        store.miss(connection, task.name, decision.missed, now)
        taken = self._take(connection, task, standing, decision.start, now) if decision.start is not None else None
        return taken, store.standing(connection, task.name)

    def _take(self, connection: Connection, task: Task, standing: Standing, due_at: datetime, now: datetime) -> Taken | Lost:
        if task.work is None and standing.open is not None:
            sentence = "nobody said that it was done before the next one was due"
            store.end(connection, replace(standing.open, state=State.MISSED, ended_at=now, sentence=sentence), (), now)
        state = State.RUNNING if task.work is not None else State.WAITING
        run = Run(task.name, due_at, state, subject(task.name), now, holder=self._server.holder)
        run = replace(run, sentence=late_words(run, now) if task.work is not None else BY_A_PERSON)
        return store.take(connection, run, task.locks if task.work is not None else None, now)

    def _begin(self, task: Task, taken: Taken) -> None:
        if not self._doing:
            self._renew_at = self._clock.monotonic() + RENEW
        self._doing[task.name] = _Doing(task, taken)
        self._standings[task.name] = replace(self._standings[task.name], open=taken.run)
        self._listeners.tell(None)
        self._ask_at[task.name] = self._clock.monotonic()
        self._wake()

    def _locked(self) -> Mapping[str, str]:
        return {lock: name for name, doing in self._doing.items() for lock in doing.task.locks}

    async def _reload(self, name: str) -> None:
        """How a task stands, as it is stored."""
        self._stands(name, await self._database.read(lambda connection: store.standing(connection, name)))

    def _stands(self, name: str, standing: Standing | None) -> None:
        self._listeners.tell(None)
        if standing is not None and name in self._tasks:
            known = self._standings[name]
            stands = replace(standing, held_since=known.held_since, held_because=known.held_because)
            self._standings[name] = replace(stands, ahead_since=known.ahead_since)

    # --- one occasion ----------------------------------------------------------------------------------------------------------

    async def _do(self, name: str) -> None:
        """Lets an occasion be performed (or asks what came of one that waits), and keeps what came of it."""
        doing = self._doing.get(name)
        if doing is None:  # a person ended it meanwhile
            return
        performed = await performed_by(self._perform, doing.task, doing.taken.run)
        while True:
            try:
                await self._came(name, doing, performed)
                return
            except StorageError as error:
                self._stumbled(error)
                await self._clock.sleep(AFTER_FAULT)

    async def _came(self, name: str, doing: _Doing, performed: Performed) -> None:
        async with self._lock:
            current = self._doing.get(name)
            if current is None or current.taken.run.key != doing.taken.run.key:
                return
            before, now = current.taken.run, self._clock.now()
            late = late_words(before, before.started_at or now)
            sentence = f"{performed.sentence} ({late})" if late else performed.sentence
            state = STATES[performed.outcome]
            run = replace(before, state=state, sentence=sentence, record=performed.record, facts=performed.facts)
            if state is State.WAITING:
                await self._waits(current, run, now)
            else:
                await self._end(replace(run, ended_at=now), "keepwell", now)
        self.look_soon()

    async def _waits(self, doing: _Doing, run: Run, now: datetime) -> None:
        name = doing.task.name
        self._ask_at[name] = self._clock.monotonic() + ASK_AGAIN
        if run == doing.taken.run:
            return
        await self._database.write(lambda connection: store.wait(connection, run, now))
        self._doing[name] = replace(doing, taken=replace(doing.taken, run=run))
        await self._reload(name)

    async def _end(self, run: Run, actor: str, now: datetime) -> bool:
        """Keeps what came of an occasion; what waited for it is decided anew. False where it had ended, or is another server's."""
        held = self._doing[run.task].taken.leases if run.task in self._doing else ()

        def end(connection: Connection) -> tuple[bool, Standing | None]:
            return store.end(connection, run, held, now, actor), store.standing(connection, run.task)

        has_ended, standing = await self._database.write(end)
        self._doing.pop(run.task, None)
        self._ask_at.pop(run.task, None)
        self._stands(run.task, standing)
        for name, known in self._standings.items():
            if name == run.task or known.held_since is not None:
                self._again[name] = now
        return has_ended

    # --- what people do, see deeds -----------------------------------------------------------------------------------------------

    async def start(self, task: Task, by: str) -> Run | Lost:
        """Begins a task now, beside its cadence. Raises StorageError."""
        async with self._lock:
            now = self._clock.now()
            run = Run(task.name, now, State.RUNNING, by, now, holder=self._server.holder)
            taken = await self._database.write(lambda connection: store.take(connection, run, task.locks, now))
            if isinstance(taken, Taken):
                self._begin(task, taken)
            return taken.run if isinstance(taken, Taken) else taken

    async def close(self, run: Run, state: State, sentence: str, by: str) -> Run | None:
        """Ends an occasion as a person says; None where it had ended before. Raises StorageError."""
        async with self._lock:
            now = self._clock.now()
            ended = replace(run, state=state, ended_at=now, sentence=sentence)
            has_ended = await self._end(ended, by, now)
        self.look_soon()
        return ended if has_ended else None

    async def rewind(self, task: Task, to: datetime, by: str, actor: str) -> None:
        """What was decided of the time since then is forgotten, and decided anew: ``by``, as ``actor`` says. Raises StorageError."""
        async with self._lock:
            now = self._clock.now()
            await self._database.write(lambda connection: store.rewind(connection, task.name, to, now, by=by, actor=actor))
            await self._reload(task.name)
            self._again[task.name] = now
        self.look_soon()

    def ask(self, key: str) -> None:
        """Something happened to the work of that occasion: what came of it is asked at once, where it waits for a person."""
        for name, doing in self._doing.items():
            if doing.taken.run.key == key and name in self._ask_at:
                self._ask_at[name] = self._clock.monotonic()
                self._wake()

    # --- alerts ----------------------------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        now, gone = self._clock.now(), set(self._gone)
        for name in sorted(self._standings.keys() | gone):
            alerts = alerts_of(self._tasks[name], self._standings[name], now) if name in self._standings else ()
            if self._told.get(name) != alerts:
                await self._tell_alerts(subject(name), alerts, now)
                self._told[name] = alerts
        self._gone -= gone

    # --- showing ---------------------------------------------------------------------------------------------------------------

    def shown(self) -> Sequence[tuple[Task, Standing]]:
        """Every task and how it stands, in the order of the configuration."""
        return [(task, self._standings[name]) for name, task in self._tasks.items() if name in self._standings]

    def news(self) -> AsyncIterator[None]:
        """That something changed, each time."""
        return self._listeners.hear()

    def find(self, name: str) -> tuple[Task, Standing]:
        """One task. Raises NotFound."""
        if name not in self._standings:
            meant = [each for each in self._standings if each.endswith(f"/{name}")]
            did_you_mean = f"did you mean {', '.join(meant)}? " if meant else ""
            raise NotFound(f"no task is called {name}", hint=f"{did_you_mean}keepwell tasks list names them")
        return self._tasks[name], self._standings[name]
