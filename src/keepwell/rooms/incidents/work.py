"""The living room of incidents: alerts open them, people answer them, clocks run, evidence is collected.

Every change is decided purely (``decide``), stored with its journal entries in one transaction, and only then so. An alert's incident is
found by looking at what fires (not by a message that could be lost): whatever crashed, the next look opens what is missing, and that an
alert belongs to an incident is a row with the alert's number as its key, so nothing is opened twice.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Connection

from keepwell.kernel.problems import StorageError, UsageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active
from keepwell.ports.listeners import Listeners
from keepwell.storage import journal

from . import decide, store
from .decide import Change
from .evidence import Collecting
from .model import Deed, Incident, Policy, Seen, Severity
from .overdue import alerts_of
from .turn import Turn, known
from .verbs import SOURCE, Diagnostics, OnDatabase, Verbs

AGAIN_AFTER = 1.0
"""Seconds after which what could not be stored or told is tried again."""
PAUSE = 0.2
"""Seconds at least between two looks at what fires: a storm of alerts is looked at together."""
SHARE = 10
"""And at least so many times as long as the last one took."""
EVERY = 30.0
"""Seconds at most between two looks: what mutes an alert may end without any news of it."""

T = TypeVar("T")
_log = logging.getLogger("keepwell.incidents")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at alerts found: those that no incident has, those of incidents that have ended, and those that somebody acknowledged."""

    fresh: Sequence[Seen]
    ended: Sequence[int]
    known: Mapping[int, str]


class Incidents:
    """Keeps incidents. It is an Activity of the engine."""

    def __init__(self, verbs: Verbs) -> None:
        self.policy = Policy()
        self.fault = ""
        """Why the last look could not be stored; empty where it could."""
        self._verbs = verbs
        self._clock = verbs.clock
        self._address = ""
        self._lock = asyncio.Lock()
        self._open: Sequence[Incident] = ()
        self._running: dict[int, int] = {}
        self._changed: set[int] = set()
        self._before: frozenset[int] = frozenset()
        self._told: tuple[Active, ...] | None = None
        self._look_at: float | None = None
        self._looked_at = 0.0
        self._not_before = 0.0
        self._took = 0.0
        self._busy = False
        self._wake: Callable[[], None] = lambda: None
        self._listeners = Listeners[int]()
        self._collecting = Collecting(verbs)

    # --- the configuration, the start --------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Takes what is stored. Raises StorageError."""

        def stored(connection: Connection) -> tuple[list[Incident], dict[int, int]]:
            return store.unresolved(connection), store.running(connection)

        self._open, self._running = await self._verbs.read(stored)

    def configure(self, policy: Policy, diagnostics: Diagnostics, address: str) -> None:
        """Takes a configuration. ``address`` is where people find the pages."""
        self.policy, self._address = policy, address
        self._collecting.diagnostics = diagnostics
        self._soon()

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self._wake = wake

    async def listen(self) -> None:
        """Hears of alerts that change, for ever."""
        async for numbers in self._verbs.alerts.news():
            self._changed |= numbers
            self._soon()

    # --- what people do ------------------------------------------------------------------------------------------------------------

    def severity(self, name: str) -> Severity:
        """A severity of the configuration. Raises UsageError."""
        for one in self.policy.severities.values():
            if one.name.lower() == name.lower():
                return one
        names = ", ".join(self.policy.severities)
        hint = f"there are {names}" if names else "write some below incidents.severities in keepwell.yaml, such as P1: {respond: 15m}"
        raise UsageError(f"there is no severity {name!r}", hint=hint)

    async def open(self, severity: str, title: str, actor: str, by: str = "") -> Incident:
        """A person opens an incident: ``by``, as ``actor`` says, whom the journal names. Raises UsageError for a severity that there is
        not, StorageError."""
        wanted = self.severity(severity)

        def opened(turn: Turn) -> None:
            turn.do(decide.opened_by_person(turn.next_number(), wanted, title[: store.TITLE], actor, turn.now, by))

        return (await self._change(opened))[0]

    async def acknowledge(self, number: int, by: str, note: str, actor: str) -> Incident:
        """Somebody answers; the alerts of the incident are acknowledged with it, in the same transaction. Raises NotFound, StorageError,
        KeepwellError where it is resolved."""
        return await self._answered(
            number, Deed(by, self._clock.now(), note), actor, lambda incident, deed: decide.acknowledged(incident, deed, actor)
        )

    async def _answered(self, number: int, known: Deed, actor: str, change: Callable[[Incident, Deed], Change]) -> Incident:
        """A deed that is an answer too: nobody else is called for the alerts of the incident any more."""

        async def write(store: Callable[[Connection], T]) -> T:
            return await self._verbs.alerts.acknowledge(_active(await self.find(number)), known, actor, store)

        def answered(turn: Turn) -> None:
            turn.do(change(turn.find(number), Deed(known.by, turn.now, known.note)))

        return (await self._change(answered, write))[0]

    async def note(self, number: int, by: str, note: str, actor: str) -> Incident:
        """Word to those who wait. Raises NotFound, StorageError."""
        return await self._deed(number, lambda incident, now: decide.noted(incident, Deed(by, now, note), self.policy, actor))

    async def mitigate(self, number: int, by: str, note: str, actor: str) -> Incident:
        """It hurts nobody any more. Where nobody answered before, this is the answer, and its alerts are acknowledged with it. Raises as
        ``acknowledge``."""
        if (await self.find(number)).acknowledged is not None:
            return await self._deed(number, lambda incident, now: decide.mitigated(incident, Deed(by, now, note), self.policy, actor))
        known = Deed(by, self._clock.now(), note)
        return await self._answered(number, known, actor, lambda incident, deed: decide.mitigated(incident, deed, self.policy, actor))

    async def resolve(self, number: int, by: str, note: str, actor: str) -> Incident:
        """It is over. Raises as ``acknowledge``."""
        return await self._deed(number, lambda incident, now: decide.resolved(incident, Deed(by, now, note), actor))

    async def reclassify(self, number: int, severity: str, note: str, actor: str) -> Incident:
        """It is of another severity. Raises as ``acknowledge``, and UsageError for a severity that there is not."""
        wanted = self.severity(severity)
        return await self._deed(number, lambda incident, now: decide.reclassified(incident, wanted, note, actor, now))

    async def merge(self, number: int, into: int, by: str, note: str, actor: str) -> Incident:
        """An incident turned out to be part of another, which has its alerts from now on, and what joins its group; gives the other.
        Where somebody answered that one, its new alerts are acknowledged in the same transaction. Raises as ``acknowledge``, and UsageError
        for an incident and itself."""
        if number == into:
            raise UsageError(f"incident {number} is no part of itself", hint="name the other incident that it is part of")

        async def write(change: Callable[[Connection], T]) -> T:
            part, whole = await self.find(number), await self.find(into)
            if whole.acknowledged is None:
                return await self._verbs.write(change)
            known = replace(whole.acknowledged, at=self._clock.now())
            return await self._verbs.alerts.acknowledge(_active(part), known, actor, change)

        def merged(turn: Turn) -> None:
            part, whole, deed = turn.find(number), turn.find(into), Deed(by, turn.now, note)
            became = decide.became_part(part, into, deed, actor)
            taken = decide.took(whole, part, self.policy, deed, actor)
            for change in (became, *(decide.went_with(one, into, deed, actor) for one in turn.parts(number)), taken):
                turn.do(change)

        return (await self._change(merged, write))[-1]

    async def collect(self, number: int, actor: str) -> int:
        """Begins to collect evidence; how many diagnostics are run. Raises NotFound, StorageError, UsageError where nothing says what to
        collect."""
        await self.find(number)
        count = await self._collecting.collect(number, actor)
        self._listeners.tell(number)
        self._wake()
        return count

    def ran(self, connection: Connection, runbook: str, run: int, by: str, now: datetime) -> None:
        """Notes a run of a runbook, in the transaction that makes it, with each open incident whose severity names that runbook."""
        named = {one.name for one in self.policy.severities.values() if one.runbook == runbook}
        found = [one for one in store.unresolved(connection) if one.severity in named] if named else []
        journal.append_many(connection, [entry for one in found for entry in decide.ran(one, runbook, run, by).entries], now)

    async def find(self, number: int) -> Incident:
        """The incident of that number. Raises NotFound, StorageError."""
        return known(await self._verbs.read(lambda connection: store.find(connection, number)), number)

    async def _deed(self, number: int, decided: Callable[[Incident, datetime], Change]) -> Incident:
        return (await self._change(lambda turn: turn.do(decided(turn.find(number), turn.now))))[0]

    # --- what the engine asks --------------------------------------------------------------------------------------------------------

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        times = [] if self._busy else [self._due_at()]
        return min((at for at in (*times, self._collecting.due_at) if at is not None), default=None)

    def _due_at(self) -> float:
        due = [incident.due_at for incident in self._open]
        times = [self._clock.monotonic() + (at - self._clock.now()).total_seconds() for at in due if at is not None]
        looks = [self._looked_at + EVERY, *([self._look_at] if self._look_at is not None else [])]
        return max(min((*times, *looks)), self._not_before)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        jobs: list[Job] = []
        due = None if self._busy else self._due_at()
        if due is not None and due <= monotonic:
            self._busy, self._look_at = True, None
            jobs.append(Job(due, "incidents", self._turn))
        due = self._collecting.due_at
        if due is not None and due <= monotonic:
            self._collecting.is_busy = True
            jobs.append(Job(due, "evidence of incidents", self._collect))
        return jobs

    async def _turn(self) -> None:
        began = self._clock.monotonic()
        try:
            await self.look()
            self.fault = ""
        except StorageError as error:
            if not self.fault:
                _log.error("incidents cannot be stored", extra={"facts": {"why": str(error)}})
            self.fault = str(error)
            self._look_at = self._not_before = self._clock.monotonic() + AGAIN_AFTER
        finally:
            self._busy = False
            self._looked_at = self._clock.monotonic()
            self._took = self._looked_at - began
            self._wake()

    async def _collect(self) -> None:
        for number in await self._collecting.run_pending():
            self._listeners.tell(number)
        self._wake()

    async def look(self) -> None:
        """Looks at what fires and at the clocks: opens, joins, ends, misses, tells. Raises StorageError."""
        changed, self._changed = self._changed, set()
        try:
            await self._look(changed)
        except BaseException:
            self._changed |= changed
            raise
        await self._tell()

    async def _look(self, changed: set[int]) -> None:
        alerts = self._verbs.alerts
        active, pending = frozenset(alerts.active()), frozenset(alerts.pending())
        fresh = list(alerts.firing(self._opens, self._running))
        gone = changed - active - self._before - self._running.keys()
        if gone:
            fresh += [seen for seen in await alerts.past(gone) if self._opens(seen.severity)]
        ended = [number for number in self._running if number not in active]
        answered = alerts.acknowledged([number for number in self._running if self._waits(number)])
        is_late = any(incident.due_at is not None and incident.due_at <= self._clock.now() for incident in self._open)
        if fresh or ended or answered or is_late:
            await self._change(lambda turn: self._decide_looked(turn, Looked(fresh, ended, answered)))
        self._before = active - pending  # what only waited to fire was not judged yet: it may have fired and ended by the next look

    def _opens(self, severity: str) -> bool:
        return self.policy.of_alert(severity) is not None

    def _waits(self, alert: int) -> bool:
        """Whether this alert's incident waits for an answer."""
        number = self._running.get(alert)
        return any(one.number == number and one.acknowledged is None for one in self._open)

    def _decide_looked(self, turn: Turn, looked: Looked) -> None:
        linked = store.linked(turn.connection, [seen.number for seen in looked.fresh])
        for seen in looked.fresh:
            if seen.number not in linked:
                turn.do(self._opened_or_joined(turn, seen))
        running = turn.running()
        for number in looked.ended:
            if number in running:
                turn.do(decide.alert_ended(turn.find(running[number]), number, turn.now))
        for number, by in looked.known.items():
            incident = turn.find(running[number])
            if incident.resolved is None:
                turn.do(decide.acknowledged(incident, Deed(by, turn.now, f"acknowledged alert {number}"), by))
        for incident in turn.unresolved():
            turn.do(decide.passed(incident, turn.now))

    def _opened_or_joined(self, turn: Turn, seen: Seen) -> Change:
        severity = self.policy.of_alert(seen.severity)
        assert severity is not None  # only such are looked at
        there = turn.of_group(seen.group)
        if there is not None:
            return decide.joined(there, seen, severity, self.policy, turn.now)
        return decide.opened_by_alert(turn.next_number(), seen, severity, turn.now)

    # --- storing and telling -----------------------------------------------------------------------------------------------------

    async def _change(self, decided: Callable[[Turn], None], write: OnDatabase | None = None) -> Sequence[Incident]:
        """Stores what is decided, with its entries, and follows it. The incidents as they stand, in the order of the changes. ``write``
        stores it together with what others keep."""
        async with self._lock:
            now = self._clock.now()

            def everything(connection: Connection) -> tuple[Sequence[Change], list[Incident], dict[int, int]]:
                turn = Turn(connection, now)
                decided(turn)
                turn.store(self._collecting)
                return turn.changes, turn.unresolved(), turn.running()

            changes, self._open, self._running = await (write or self._verbs.write)(everything)
        for number in {change.incident.number for change in changes if change.entries}:
            self._listeners.tell(number)
        self._soon()
        return [change.incident for change in changes]

    async def _tell(self) -> None:
        """Tells people what is overdue, and what a person opened. Raises StorageError."""
        active = alerts_of(self._open, self.policy, self._address)
        if active != self._told:
            await self._verbs.tell(SOURCE, active, self._clock.now())
            self._told = active

    def _soon(self) -> None:
        if self._look_at is None:
            self._look_at = max(self._clock.monotonic(), self._looked_at + max(PAUSE, SHARE * self._took))
        self._wake()

    # --- for those who show it ---------------------------------------------------------------------------------------------------

    @property
    def open_ones(self) -> Sequence[Incident]:
        """Those that are not resolved, oldest first."""
        return self._open

    def news(self) -> AsyncIterator[int]:
        """The numbers of incidents that changed, as they change."""
        return self._listeners.hear()


def _active(incident: Incident) -> list[int]:
    """The numbers of its alerts that have not ended."""
    return [one.number for one in incident.alerts if one.ended_at is None]
