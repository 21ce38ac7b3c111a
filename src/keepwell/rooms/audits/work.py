"""The living room of audits: each is made when its time has come or somebody asks, its findings are kept, people are told, waivers end.

An audit looks and changes nothing: one that a crash interrupted is made again under the same occasion, one that ended never is.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from keepwell.kernel.problems import AnswerError, AskError, NotFound, StorageError, UsageError
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active, Tell
from keepwell.ports.clock import Clock
from keepwell.ports.listeners import Listeners
from keepwell.ports.runner import Command, Result
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.storage import journal

from . import store
from .decide import Compared, alerts_of, compared, entries_of, grouped, next_waiver_end, sentence_of, subject_of, with_waivers
from .model import Audit, Finding, Found, Made, Standing, Waiver

AGAIN_AFTER = 5.0
"""Seconds after which people are told again where it could not be stored."""
KEPT = timedelta(days=2 * 366)
"""How long what is gone is kept."""

T = TypeVar("T")
_log = logging.getLogger("keepwell.audits")


class OnDatabase(Protocol):
    """Reads or writes in a transaction. Raises StorageError."""

    def __call__(self, question: Callable[[Connection], T], /) -> Awaitable[T]: ...


class Run(Protocol):
    """Runs a command on a host of that name. Raises AskError where it cannot be started."""

    def __call__(self, host: str, command: Command, /) -> Awaitable[Result]: ...


class Holding(Protocol):
    """Says to other servers on the same database that what a person asked for is under way here."""

    def __call__(self, occasion: str, /) -> AbstractAsyncContextManager[bool]: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """How long a finding is accepted, why, and by whom."""

    until: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Verbs:
    """What audits ask of others."""

    read: OnDatabase
    write: OnDatabase
    tell: Tell
    run: Run
    clock: Clock
    holding: Holding = lambda occasion: nullcontext(True)


class Audits:
    """Makes audits and keeps findings. It is an Activity of the engine: waivers end."""

    def __init__(self, verbs: Verbs) -> None:
        self.audits: Mapping[str, Audit] = {}
        self._verbs = verbs
        self._clock = verbs.clock
        self._address = ""
        self._locks: dict[str, asyncio.Lock] = {}
        self._telling = asyncio.Lock()
        self._making: set[asyncio.Task[Made]] = set()
        self._told: dict[str, tuple[Active, ...]] = {}
        self._ends_at: datetime | None = None
        self._tell_at: float | None = None
        self._busy = False
        self._wake: Callable[[], None] = lambda: None
        self._listeners = Listeners[str]()

    def configure(self, audits: Mapping[str, Audit], address: str) -> None:
        """Takes a configuration. ``address`` is where people find the pages."""
        self.audits, self._address = audits, address
        self._soon()

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake

    # --- making them -------------------------------------------------------------------------------------------------------------

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ports.work.Perform: work of the kind ``audit``. Raises NotFound, StorageError."""
        made = await self.make(work.name, occasion.key, occasion.by)
        outcome = Outcome.DONE if made.outcome == "done" else Outcome.FAILED
        facts = {"findings": float(made.findings), "new": float(made.new), "waived": float(made.waived)}
        return Performed(outcome, made.sentence, f"audits/{made.audit}", facts)

    async def make_now(self, name: str, by: str, patience: float, actor: str = "") -> Made:
        """Makes an audit because somebody asks; what takes longer than ``patience`` (seconds) goes on, and is given as it was begun.
        ``actor`` sends for it, in the name of ``by``. Raises NotFound, StorageError."""
        self.find(name)
        now = self._clock.now()
        begun = Made(f"audits/{name}/now/{now.isoformat()}", name, by, now)
        task = asyncio.create_task(self.make(name, begun.occasion, by, actor))
        self._making.add(task)
        task.add_done_callback(self._forget_task)
        ended, _ = await asyncio.wait((task,), timeout=patience)
        return task.result() if ended else begun

    def _forget_task(self, task: asyncio.Task[Made]) -> None:
        self._making.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an audit broke off", extra={"facts": {"why": str(error)}})

    async def make(self, name: str, occasion: str, by: str, actor: str = "") -> Made:
        """Makes an audit, once under an occasion; the journal names ``actor``, or else ``by``. Raises NotFound, StorageError."""
        audit = self.find(name)
        async with self._locks.setdefault(name, asyncio.Lock()), self._verbs.holding(occasion):
            before = await self._verbs.read(lambda connection: store.run_of(connection, occasion))
            if before is not None and before.ended_at is not None:
                return before
            begun = Made(occasion, name, by, self._clock.now())
            await self._verbs.write(lambda connection: store.put_run(connection, begun))
            try:
                findings = await self._look(audit)
            except (AskError, AnswerError) as error:
                made = await self._failed(begun, str(error), actor or by)
            else:
                made = await self._ended(begun, findings, actor or by)
        await self._tell_of_all()
        self._listeners.tell(name)
        return made

    async def _look(self, audit: Audit) -> Sequence[Finding]:
        commands = audit.control.ask(audit.options)
        answers = [await self._verbs.run(audit.host, replace(command, timeout=audit.timeout)) for command in commands]
        found = await asyncio.to_thread(audit.control.read, audit.options, answers, self._clock.now())
        return [Finding(redact_patterns(one.key), redact_patterns(one.sentence)) for one in found]

    async def _failed(self, begun: Made, why: str, actor: str) -> Made:
        """What could not be made leaves the findings as they are."""
        made = replace(begun, ended_at=self._clock.now(), outcome="failed", sentence=why)

        def keep(connection: Connection) -> None:
            store.put_run(connection, made)
            journal.append_many(connection, entries_of(made, None, actor), self._clock.now())

        await self._verbs.write(keep)
        return made

    async def _ended(self, begun: Made, findings: Sequence[Finding], actor: str) -> Made:
        now = self._clock.now()

        def keep(connection: Connection) -> Made:
            change = compared(begun.audit, store.findings(connection, begun.audit, with_gone=True), findings, now)
            made = _counted(begun, change, store.waivers(connection), now)
            store.put_findings(connection, change.rows)
            store.put_run(connection, made)
            store.forget(connection, now - KEPT)
            journal.append_many(connection, entries_of(made, change, actor), now)
            return made

        return await self._verbs.write(keep)

    def find(self, name: str) -> Audit:
        """The audit of that name. Raises NotFound."""
        audit = self.audits.get(name)
        if audit is None:
            there = ", ".join(sorted(self.audits)[:10])
            raise NotFound(
                f"there is no audit {name!r}", hint=f"there are {there}" if there else "write some below audits in keepwell.yaml"
            )
        return audit

    # --- waivers -------------------------------------------------------------------------------------------------------------------

    async def waive(self, name: str, which: str, wish: Wish, actor: str) -> Found:
        """Somebody accepts a finding, named by its id or key, for a time. Raises NotFound, UsageError for a time that is past,
        StorageError."""
        self.find(name)
        now = self._clock.now()
        if wish.until <= now:
            raise UsageError(f"the waiver would end at {wish.until.isoformat()}, which is past", hint="write an instant in the future")

        def keep(connection: Connection) -> Found:
            standing = _named(store.findings(connection, name), which)
            waiver = Waiver(name, standing.key, wish.until, wish.reason, wish.by, now)
            store.put_waiver(connection, waiver)
            facts = {"finding": standing.key, "until": wish.until.isoformat(), "reason": wish.reason, "by": wish.by}
            journal.append(connection, journal.NewEntry(actor, "audit.waived", subject_of(name), facts), now)
            return Found(standing, waiver)

        found = await self._verbs.write(keep)
        await self._tell_of_all()
        self._listeners.tell(name)
        return found

    async def unwaive(self, name: str, which: str, actor: str) -> None:
        """Takes a waiver back. Raises NotFound, StorageError."""
        self.find(name)

        def drop(connection: Connection) -> None:
            key = _named(store.findings(connection, name, with_gone=True), which).key
            if not store.drop_waiver(connection, name, key):
                raise NotFound(f"the finding {which} of the audit {name} is not waived", hint=f"keepwell audit findings {name} shows them")
            journal.append(connection, journal.NewEntry(actor, "audit.unwaived", subject_of(name), {"finding": key}), self._clock.now())

        await self._verbs.write(drop)
        await self._tell_of_all()
        self._listeners.tell(name)

    # --- telling ---------------------------------------------------------------------------------------------------------------------

    async def findings(self, name: str | None = None) -> list[Found]:
        """The findings that are not gone, of one audit or of all that are configured. Raises StorageError."""

        def asked(connection: Connection) -> tuple[list[Standing], list[Waiver]]:
            return store.findings(connection, name), store.waivers(connection)

        rows, waivers = await self._verbs.read(asked)
        return with_waivers([row for row in rows if row.audit in self.audits], waivers, self._clock.now())

    async def _tell_of_all(self) -> None:
        """Tells people how every audit stands. What cannot be stored now is told a little later.

        One at a time: whoever read how they stand first would else tell it after another who read it later.
        """
        async with self._telling:
            try:
                await self._tell_each()
            except StorageError as error:
                _log.error("people cannot be told of audits", extra={"facts": {"why": str(error)}})
                self._tell_at = self._clock.monotonic() + AGAIN_AFTER
                self._wake()

    async def _tell_each(self) -> None:
        waivers = await self._verbs.read(store.waivers)
        self._ends_at = next_waiver_end(waivers, self._clock.now())
        found = grouped(await self.findings())
        newest = await self._verbs.read(store.newest_runs)
        for name in sorted({*self.audits, *self._told, *newest}):  # what was told of one that is in no configuration any more ends
            audit = self.audits.get(name)
            active = alerts_of(audit, found.get(name, []), newest.get(name), self._address) if audit is not None else ()
            if self._told.get(name) != active:
                await self._verbs.tell(f"audits/{name}", active, self._clock.now())
                self._told[name] = active

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        if self._busy:
            return None
        end = self._ends_at
        ends = [] if end is None else [self._clock.monotonic() + (end - self._clock.now()).total_seconds()]
        return min((*ends, *([self._tell_at] if self._tell_at is not None else [])), default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        due = self.next_due()
        if due is None or due > monotonic:
            return ()
        self._busy, self._tell_at, self._ends_at = True, None, None
        return (Job(due, "waivers of audits", self._turn),)

    async def _turn(self) -> None:
        try:
            await self._tell_of_all()
        finally:
            self._busy = False
            self._wake()

    def _soon(self) -> None:
        self._tell_at = self._clock.monotonic()
        self._wake()

    def news(self) -> AsyncIterator[str]:
        """The names of audits that changed, as they change."""
        return self._listeners.hear()


def _counted(begun: Made, change: Compared, waivers: Sequence[Waiver], now: datetime) -> Made:
    found = with_waivers(change.rows, waivers, now)
    waived = sum(1 for one in found if one.waiver is not None)
    made = replace(begun, ended_at=now, outcome="done", sentence=sentence_of(len(found), len(change.new), waived))
    return replace(made, findings=len(found), new=len(change.new), waived=waived)


def _named(rows: Sequence[Standing], which: str) -> Standing:
    for row in rows:
        if which in (row.id, row.key):
            return row
    raise NotFound(f"the audit has no finding {which!r}", hint="keepwell audit findings shows them with their ids")
