"""Runs while a server runs: each is driven step by step, what happens is stored before and after every step, and people are heard.

A step is stored as running before it begins, and its end before the next one begins. Whatever happens in between, the next process asks
what came of it (``Recover``) and never simply begins it again.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection

from keepwell.kernel.problems import AskError, NotFound, Refused, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.ports.permission import Decision, Permissions
from keepwell.ports.scripts import Ended
from keepwell.ports.work import Occasion, Performed, Work
from keepwell.rooms.runbooks import decide, store
from keepwell.rooms.runbooks.decide import Ask, Begin, Finish, Leave, Recover, Wait
from keepwell.rooms.runbooks.model import ENDED, OPEN, Ready, Run, State, StepRun, Way, Wish
from keepwell.storage import journal, leases
from keepwell.storage.database import Database

from .executing import VERIFIES, Executing
from .execution import Execution
from .holding import Holding, Taken
from .news import News

AGAIN = 15.0
"""Seconds until a run is tried again that could not be stored, or that another server drives."""

_KEEPWELL = "keepwell"
_log = logging.getLogger("keepwell.runbooks")


class Runs:
    """All runs. ``holder`` names this server among those on one database; ``ready`` gives a runbook as it stands now, by its path."""

    def __init__(self, database: Database, clock: Clock, executing: Executing, permissions: Permissions, holder: str) -> None:
        self._database, self._clock = database, clock
        self._executing, self._permissions = executing, permissions
        self.holding = Holding(database, clock, holder)
        self._ready: Mapping[str, Ready] = {}
        self._open: dict[int, Run] = {}
        self._due: dict[int, float] = {}
        self._driving: set[int] = set()
        self.news = News()
        self._wake: Callable[[], None] = lambda: None
        self._ended: Callable[[str], None] = lambda key: None
        self._started: Callable[[Connection, Run], None] = lambda connection, run: None
        permissions.on_decided(self._on_decided)

    # --- life ------------------------------------------------------------------------------------------------------------------

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake

    def on_ended(self, ended: Callable[[str], None]) -> None:
        """Takes whom to tell of the key of each run that ends."""
        self._ended = ended

    def on_started(self, started: Callable[[Connection, Run], None]) -> None:
        """Takes whom to tell of each new run, in the transaction that makes it."""
        self._started = started

    async def begin(self) -> None:
        """Takes the runs that have not ended; what this server held when it died is its own again."""

        def load(connection: Connection) -> list[Run]:
            self.holding.take_back(connection)
            return store.open_runs(connection)

        self._open = {run.number: run for run in await self._database.write(load)}
        steps = (step for run in self._open.values() for step in run.steps)
        self._executing.tidy({step.ticket for step in steps if step.state is State.RUNNING})

    def configure(self, ready: Mapping[str, Ready]) -> None:
        """Takes the runbooks in force: runs that wait may go on with what was supplied or accepted meanwhile."""
        self._ready = ready
        for number in self._open:
            self._soon(number)

    def ready(self, path: str) -> Ready:
        """A runbook as it stands now."""
        return self._ready.get(path) or Ready(path, path, fault=f"there is no runbook {path}")

    # --- the engine --------------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """When a run goes on."""
        times = [due for number, due in self._due.items() if number not in self._driving]
        return min(times, default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """A job for each run that goes on."""
        numbers = [number for number, due in self._due.items() if due <= monotonic and number not in self._driving]
        jobs = [Job(self._due.pop(number), f"run {number}", lambda number=number: self._drive(number)) for number in numbers]  # type: ignore[misc]
        self._driving.update(numbers)
        return jobs

    def _soon(self, number: int, seconds: float = 0.0) -> None:
        self._due[number] = self._clock.monotonic() + seconds
        self._wake()

    def _on_decided(self, subject: str) -> None:
        kind, _, rest = subject.partition("/")
        number = rest.partition("/")[0]
        if kind == "runs" and number.isdigit() and int(number) in self._open:
            self._soon(int(number))

    # --- driving -----------------------------------------------------------------------------------------------------------------

    async def _drive(self, number: int) -> None:
        try:
            while await self._advance(number):
                pass
        except Taken:
            self._keep(await self._stored(number))
            self._soon(number, AGAIN)
        except StorageError as error:
            _log.error("a run could not be stored, it is tried again", extra={"facts": {"run": number, "why": str(error)}})
            self._soon(number, AGAIN)
        except Exception:
            # A fault of Keepwell's own: without another look the run would stand for ever as if its step ran.
            _log.exception("a run met an internal fault, it is tried again", extra={"facts": {"run": number}})
            self._soon(number, AGAIN)
        finally:
            self._driving.discard(number)
            if number not in self._due:
                await self.holding.release(number, over=number not in self._open)
            self.news.tell(number)
            self._wake()

    async def _advance(self, number: int) -> bool:
        """Makes the next move; whether there may be another one."""
        run = self._open.get(number)
        if run is None or run.state in ENDED:
            return False
        move = decide.next_move(run, self.ready(run.runbook))
        match move:
            case Finish():
                await self._changed(number, lambda now_run: decide.finished(now_run, move, self._clock.now()), "run.ended")
                return False
            case Wait(step, sentence):
                return await self._wait(run, step, sentence)
            case Leave(step, sentence):
                await self._end(number, step, State.SKIPPED, sentence)
                return True
            case Ask():
                return await self._ask(run, move)
            case Begin():
                await self._begin(run, move)
                return True
            case Recover():
                await self._recover(run, move)
                return True

    async def _wait(self, run: Run, step: StepRun, sentence: str) -> bool:
        after = decide.waits(run, step, sentence)
        if after != run:
            await self._changed(run.number, lambda now_run: decide.waits(now_run, decide.same(now_run, step), sentence), "run.waits")
            return self._open.get(run.number) is not None and self._open[run.number] != after
        return False

    async def _ask(self, run: Run, move: Ask) -> bool:
        ruling = await self._permissions.ask(move.deed)
        if ruling.decision is Decision.ASKED:
            return await self._wait(run, move.step, ruling.sentence)
        if ruling.decision is Decision.FORBIDDEN:
            await self._end(run.number, move.step, State.REFUSED, ruling.sentence)
            return True
        await self._begin(run, Begin(move.step, move.prepared), ruling.sentence)
        return True

    async def _begin(self, run: Run, move: Begin, permitted: str = "") -> None:
        now = self._clock.now()
        name = f"{run.number}/{move.step.number}-{move.step.attempt + 1}-{sha256(run.key.encode()).hexdigest()[:12]}"
        ticket = self._executing.ticket(name)
        prepared = move.prepared
        assert prepared.executable is not None
        facts = {
            "step": prepared.name,
            "digest": prepared.executable.digest,
            "accepted_by": prepared.accepted_by,
            "host": prepared.executable.host,
            "user": prepared.executable.user,
            "permission": permitted,
            "attempt": move.step.attempt + 1,
        }
        before = move.step
        work = Execution(run, self.ready(run.runbook), prepared)
        instance = await self._executing.units.instance(work) if prepared.service is not None else ""

        def change(now_run: Run) -> Run:
            if decide.same(now_run, before).state is not before.state or decide.same(now_run, before).attempt != before.attempt:
                raise Taken  # somebody said something else meanwhile
            if now_run.arguments != run.arguments:
                raise Taken  # other values came, which nobody permitted
            return decide.began(now_run, move, ticket, now, instance)

        stored = await self._changed(run.number, change, "run.step-began", facts)
        work = replace(work, run=stored)
        try:
            ended = await self._executing.run(work, ticket, self.news.hearing(run.number))
        except AskError as error:
            await self._end(run.number, before, State.FAILED, str(error))
            return
        await self._judge(work, before, ended)

    async def _recover(self, run: Run, move: Recover) -> None:
        """Finds out what came of a step that another process began."""
        step, ready = move.step, self.ready(run.runbook)
        assert step.deadline is not None
        left = (step.deadline - self._clock.now()).total_seconds()
        ended = await self._executing.resume(ready, step.ticket, max(0.0, left), self.news.hearing(run.number))
        if ended is None:
            await self._changed(run.number, lambda now_run: decide.again(now_run, step), "run.step-not-begun", {"step": step.name})
            self._executing.forget(step.ticket)
            return
        if move.prepared is None:
            state, sentence = decide.judged(ended, step.deadline - (step.began_at or step.deadline))
            await self._end(run.number, step, state, sentence, ended)
            return
        await self._judge(Execution(run, ready, move.prepared), step, ended)

    async def _judge(self, work: Execution, step: StepRun, ended: Ended) -> None:
        """What came of a step that was begun: by its status, the state of its unit and its verification."""
        prepared = work.prepared
        state, sentence = decide.judged(ended, timedelta(seconds=work.seconds))
        if state is State.ASKS:
            began = decide.same(work.run, step)
            left = (began.deadline - self._clock.now()).total_seconds() if began.deadline else 0.0
            effect, said = await self._executing.interrupted(work, began.instance, left)
            state = decide.after_a_crash(step, prepared, effect)
            sentence = f"interrupted; {said}" if said else sentence
        elif prepared.way is Way.SERVICE:
            state, sentence = await self._executing.units.judged(work, ended, state, sentence)
        if state is State.DONE and prepared.is_verified and not ended.lost:
            effect, said = await self._executing.verified(work, VERIFIES)
            state, sentence = decide.verified(effect, said)
        if state is State.WAITING:
            await self._changed(
                work.run.number, lambda now_run: decide.again(now_run, step), "run.step-repeated", {"step": step.name, "why": sentence}
            )
            return
        await self._end(work.run.number, step, state, sentence, ended)

    async def _end(self, number: int, step: StepRun, state: State, sentence: str, result: Ended | None = None) -> None:
        """Stores the end of a step with its output; then what was kept of it is removed."""
        now = self._clock.now()
        output = result.output.encode("utf-8", "replace") if result is not None and result.output else None
        digest = sha256(output).hexdigest() if output is not None else ""
        status = result.status if result is not None else None
        facts = {"step": step.name, "state": state.value, "status": status, "sentence": sentence}

        def change(run: Run) -> Run:
            found = replace(decide.same(run, step), output_digest=digest or decide.same(run, step).output_digest)
            return decide.ended(run, found, state, sentence, now, status=status)

        stored = await self._changed(number, change, "run.step-ended", facts, output)
        self.news.forget_output(number)
        if ticket := decide.same(stored, step).ticket:
            self._executing.forget(ticket)

    # --- storing -----------------------------------------------------------------------------------------------------------------

    async def _changed(
        self,
        number: int,
        change: Callable[[Run], Run],
        event: str,
        facts: Mapping[str, Any] | None = None,
        output: bytes | None = None,
        actor: str = _KEEPWELL,
    ) -> Run:
        """Changes a run as it is stored, and the journal in the same transaction. Drivers hold its lease."""
        now = self._clock.now()
        drives = number in self._driving and actor == _KEEPWELL

        def write(connection: Connection) -> tuple[Run, leases.Lease | None]:
            lease = self.holding.held(connection, number, now) if drives else None
            before = store.by_number(connection, number)
            if before is None:
                raise NotFound(f"there is no run {number}", hint="keepwell runs list shows them")
            after = change(before)
            store.save(connection, before, after)
            told = facts if facts is not None else {"state": after.state.value, "sentence": after.sentence}
            journal.append(connection, journal.NewEntry(actor, event, after.subject, told, output), now)
            return after, lease

        after, lease = await self._database.write(write)
        if lease is not None:
            self.holding.keep(number, lease)
        self._keep(after)
        return after

    def _keep(self, run: Run) -> None:
        if run.state in OPEN:
            self._open[run.number] = run
        else:
            self._open.pop(run.number, None)
            self.news.forget_output(run.number)
            self._ended(run.key)
        self.news.tell(run.number)

    # --- people and other rooms --------------------------------------------------------------------------------------------------

    async def start(self, wish: Wish) -> Run:
        """The run of a wish: made and begun where its key is new. One that may not begin at all is refused, and stored as such."""
        ready = self.ready(wish.runbook)
        if wish.runbook not in self._ready:
            raise NotFound(f"there is no runbook {wish.runbook}", hint="keepwell runs runbooks lists them")
        why_not = decide.refusal(ready, wish.skip)
        steps = decide.first_steps(ready, wish.skip, wish.by, wish.confirmed)

        def write(connection: Connection) -> tuple[Run, bool]:
            run, made = store.create(connection, wish, ready.title, steps)
            if not made:
                return run, False
            if why_not:
                refused = replace(run, state=State.REFUSED, sentence=why_not, ended_at=wish.at)
                store.save(connection, run, refused)
                run = refused
            facts = {"runbook": wish.runbook, "arguments": sorted(wish.arguments), "state": run.state.value, "sentence": run.sentence}
            journal.append(connection, journal.NewEntry(wish.by, "run.started", run.subject, facts), wish.at)
            self._started(connection, run)
            return run, True

        run, made = await self._database.write(write)
        if made:
            self._keep(run)
            if run.state in OPEN:
                self._soon(run.number)
        return run

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """Does a runbook for another room; see ``keepwell.ports.work.Perform``."""
        run = await self.start(Wish(work.name, occasion.key, occasion.by, occasion.at, dict(work.arguments)))
        return decide.performed(await self.settled(run.number))

    async def settled(self, number: int) -> Run:
        """The run, once it has ended or waits for a person."""
        while True:
            run = self._open.get(number)
            if run is None:
                return await self.find(number)
            if run.state in (State.WAITING, State.ASKS) and run.sentence and number not in self._driving and number not in self._due:
                return run
            await self.news.moved(number)

    async def find(self, number: int) -> Run:
        """A run. Raises NotFound."""
        return self._open.get(number) or await self._stored(number)

    async def _stored(self, number: int) -> Run:
        run = await self._database.read(lambda connection: store.by_number(connection, number))
        if run is None:
            raise NotFound(f"there is no run {number}", hint="keepwell runs list shows them")
        return run

    async def tick(self, number: int, step: str, by: str, note: str, actor: str = "") -> Run:
        """A person did a step of theirs: ``by``, as ``actor`` says, whom the journal names."""
        now = self._clock.now()
        facts = {"step": step, "note": note, "by": by}
        return await self._said(number, lambda run: decide.tick(run, step, by, note, now), "run.step-ticked", facts, actor or by)

    async def resume(self, number: int, what: str, by: str, note: str) -> Run:
        """What a person says of the step at which a run stands: ``repeat``, ``skip`` or ``stop``."""
        now = self._clock.now()
        facts = {"what": what, "note": note}
        return await self._said(number, lambda run: decide.resume(run, what, by, note, now), "run.resumed", facts, by)

    async def answer(self, number: int, arguments: Mapping[str, str], by: str) -> Run:
        """A person gave what steps ask for; the journal has the names, not the values."""
        facts = {"names": sorted(arguments)}
        return await self._said(number, lambda run: decide.answer(run, arguments, by), "run.answered", facts, by)

    async def _said(self, number: int, change: Callable[[Run], Run], event: str, facts: Mapping[str, Any], by: str) -> Run:
        if number in self._driving and event == "run.resumed":
            raise Refused(f"run {number} is going on: wait until it stands")
        run = await self._changed(number, change, event, facts, actor=by)
        if run.state in OPEN:
            self._soon(number)
        return run
