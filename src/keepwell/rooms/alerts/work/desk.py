"""The living room of alerts: every change is decided on the book, stored in one transaction, and only then so.

One change at a time. What is decided (``life``, ``react``) is pure; a write that fails changes nothing, and whoever asked hears of it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, NotFound, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Active
from keepwell.ports.clock import Clock
from keepwell.ports.listeners import Listeners
from keepwell.rooms.alerts import deeds, life, store
from keepwell.rooms.alerts.book import Book
from keepwell.rooms.alerts.draft import Draft
from keepwell.rooms.alerts.model import Acknowledgement, Alert, Escalating, Group, Labels, Notice, Posted, Silence, State
from keepwell.rooms.alerts.policy import Policy
from keepwell.rooms.alerts.posting import post
from keepwell.rooms.alerts.react import react, reroute
from keepwell.rooms.alerts.routing.inhibition import Inhibitor
from keepwell.rooms.alerts.routing.tree import group_digest, group_labels, routes_of
from keepwell.rooms.alerts.standing import Standings
from keepwell.rooms.alerts.standings import active_of, standings_of
from keepwell.rooms.alerts.store import Stored
from keepwell.storage.journal import NewEntry

from .calendar import Calendar

SILENCES_KEPT = timedelta(days=5)
"""How long a silence that ended is still listed (Alertmanager's ``--data.retention``)."""

AGAIN_AFTER = (0.5, 1.0, 2.0, 5.0)
"""Seconds before each new try of what timers could not store; the last is repeated."""

T = TypeVar("T")
_log = logging.getLogger("keepwell.alerts")


class Storing(Protocol):
    """The database, as the desk needs it."""

    async def load(self, silences_since: datetime, /) -> Stored:
        """What is not settled. Raises StorageError."""
        ...

    async def store(self, change: Callable[[Connection], None], notices: Sequence[Notice], entries: Sequence[NewEntry], /) -> None:
        """Does all of it in one transaction, the journal last. Raises StorageError, and then nothing is changed."""
        ...


class Turn:
    """What may be done in one change, while nobody else changes anything."""

    def __init__(self, draft: Draft, policy: Policy, now: datetime) -> None:
        self.now = now
        self.draft = draft
        self._policy = policy

    def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        """See ports.alerts.Tell; stored with everything else of this change."""
        life.tell(self.draft, source, active, at, self._policy.service)

    def known(self, source: str) -> Sequence[Active]:
        """See ports.alerts.Known."""
        alerts = map(self.draft.alert, self.draft.numbers(source).values())
        return [life.as_told(alert) for alert in alerts if alert is not None]


class Desk:
    """Keeps the alerts. It is an Activity of the engine (its timers), and the ports ``Tell`` and ``Known``."""

    def __init__(self, storing: Storing, clock: Clock) -> None:
        self.book = Book()
        self.policy = Policy()
        self.fault = ""
        """Why timers could not be stored the last time; empty where they could."""
        self._storing = storing
        self._clock = clock
        self._lock = asyncio.Lock()
        self._calendar = Calendar(clock)
        self._is_storing = False
        self._busy = False
        self._failures = 0
        self._again_at = 0.0
        self._listeners = Listeners[frozenset[int]]()
        self._wake: Callable[[], None] = lambda: None

    # --- the configuration -----------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Takes what was stored. Nothing is notified before ``configure``. Raises StorageError."""
        now = self._now()
        self.book.begin(await self._storing.load(now - SILENCES_KEPT))
        rested = now + self.policy.resolve_timeout
        for alert in list(self.book.alerts.values()):
            if alert.expires_at is not None and alert.expires_at < rested:
                # Whoever tells of it could not while we were away.
                self.book.extend(alert, rested)

    async def configure(self, policy: Policy) -> None:
        """Takes a policy: every alert goes where it belongs by now. Raises StorageError, and then the one of before stays."""
        async with self._lock:
            now, before = self._now(), self.book.inhibitor
            self.book.inhibit(Inhibitor(policy.routing.inhibit_rules))
            draft = self._draft(policy)
            try:
                reroute(draft, list(self.book.alerts.values()), policy, now)
                react(draft, policy, now)
                await self._store(draft, None, ())
            except BaseException:
                self.book.inhibitor = before
                raise
            self.policy = policy
            self._follow(draft)

    async def retire(self, exists: Callable[[str], bool]) -> None:
        """Ends what was told by sources of our own that exist no longer. Raises StorageError."""

        def decide(turn: Turn) -> None:
            for source in [source for source in self.book.active if source != life.API and not exists(source)]:
                life.retire(turn.draft, source, turn.now)

        await self.change(decide)

    # --- changes ---------------------------------------------------------------------------------------------------------------

    async def change(
        self, decide: Callable[[Turn], T], also: Callable[[Connection], None] | None = None, entries: Sequence[NewEntry] = ()
    ) -> T:
        """Does what ``decide`` says, and what follows from it; ``also`` and ``entries`` are stored in the same transaction.

        ``decide`` must not keep anything that a failed write would have to take back: it is called anew when the caller tries again.
        Raises StorageError, and then nothing is changed. A caller that goes away does not take the change back.
        """
        task = asyncio.ensure_future(self._change(decide, also, entries))
        task.add_done_callback(_heard)
        return await asyncio.shield(task)

    async def _change(self, decide: Callable[[Turn], T], also: Callable[[Connection], None] | None, entries: Sequence[NewEntry]) -> T:
        async with self._lock:
            draft = self._draft(self.policy)
            turn = Turn(draft, self.policy, self._now())
            result = decide(turn)
            react(draft, self.policy, turn.now)
            await self._store(draft, also, entries)
            self._follow(draft)
        return result

    def _draft(self, policy: Policy) -> Draft:
        return Draft(self.book, policy.routing.inhibit_rules)

    async def _store(self, draft: Draft, also: Callable[[Connection], None] | None, entries: Sequence[NewEntry]) -> None:
        if not draft and also is None and not entries and not draft.entries:
            return
        changes = draft.changes

        def change(connection: Connection) -> None:
            store.apply(connection, changes)
            if also is not None:  # behind what others change, too: it may end with the journal, which is locked from then on
                also(connection)

        self._is_storing = True
        try:
            await self._storing.store(change, changes.notices, (*entries, *draft.entries))
        finally:
            self._is_storing = False
        self.fault = ""

    def _follow(self, draft: Draft) -> None:
        self.book.follow(draft.changes, draft.quiet, draft.places, draft.passed)
        self._wake()
        numbers = frozenset(draft.changes.alerts) | frozenset(draft.quiet.alerts)
        if numbers or draft or draft.passed:
            self._listeners.tell(numbers)

    async def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        """See ports.alerts.Tell."""
        await self.change(lambda turn: turn.tell(source, active, at))

    async def post(self, posted: Sequence[Posted], actor: str) -> Sequence[Alert]:
        """Alerts that programs tell of, in one transaction; those that are or were active. Raises StorageError."""

        def decide(turn: Turn) -> list[Alert]:
            numbers = post(turn.draft, posted, turn.now, self.policy.resolve_timeout)
            return [alert for alert in map(turn.draft.alert, numbers) if alert is not None]

        return await self.change(decide)

    async def acknowledge(self, number: int, acknowledgement: Acknowledgement, actor: str) -> Alert:
        """Somebody knows of it. Raises NotFound, KeepwellError where it has ended, StorageError."""
        return await self.change(lambda turn: deeds.acknowledge(turn.draft, number, acknowledgement, actor))

    async def acknowledge_all(
        self, numbers: Collection[int], acknowledgement: Acknowledgement, actor: str, also: Callable[[Connection], None]
    ) -> None:
        """Somebody knows of all of these; those that have ended are left out. What ``also`` stores is stored in the same transaction.
        Raises StorageError and what ``also`` raises, and then nothing is changed."""

        def decide(turn: Turn) -> None:
            for number in numbers:
                with suppress(KeepwellError):  # it has ended
                    deeds.acknowledge(turn.draft, number, acknowledgement, actor)

        await self.change(decide, also)

    async def unacknowledge(self, number: int, actor: str) -> Alert:
        """Takes that back. Raises as ``acknowledge``."""
        return await self.change(lambda turn: deeds.unacknowledge(turn.draft, number, actor))

    async def assign(self, number: int, to: str, actor: str) -> Alert:
        """Somebody does something about it; nobody, where ``to`` is empty. Raises as ``acknowledge``."""
        return await self.change(lambda turn: deeds.assign(turn.draft, number, to, actor))

    async def resolve(self, number: int, reason: str, actor: str) -> Alert:
        """Somebody says that it has ended. Raises as ``acknowledge``."""
        return await self.change(lambda turn: deeds.resolve(turn.draft, number, reason, actor, turn.now))

    async def silence(self, silence: Silence, actor: str) -> Silence:
        """Adds a silence, or changes the one of that id. Raises NotFound, KeepwellError where it cannot be had, StorageError."""

        return await self.change(lambda turn: deeds.silence(turn.draft, silence, actor, turn.now))

    async def expire_silence(self, id: str, actor: str) -> Silence:
        """Ends a silence now; one that had ended stays as it was. Raises NotFound, StorageError."""
        return await self.change(lambda turn: deeds.expire_silence(turn.draft, id, actor, turn.now))

    def forget_silences(self) -> None:
        """Lets go of silences that ended long ago."""
        self.book.forget_silences(self._now() - SILENCES_KEPT)

    # --- the engine's questions ------------------------------------------------------------------------------------------------

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm: called when something may be due earlier than ``next_due`` said."""
        self._wake = wake

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        at = None if self._busy else self.book.timers.next()
        if at is None:
            return None
        return max(self._again_at, self._clock.monotonic() + (at - self._now()).total_seconds())

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        due = self.next_due()
        if due is None or due > monotonic:
            return ()
        self._busy = True
        return (Job(due, "timers of alerts", self._pass_time),)

    async def _pass_time(self) -> None:
        try:
            await self.change(lambda turn: life.pass_time(turn.draft, turn.now))
            self._failures, self.fault = 0, ""
        except StorageError as error:
            if not self._failures:
                _log.error("alerts cannot be stored; nobody is told until they can be", extra={"facts": {"why": str(error)}})
            self.fault = str(error)
            self._again_at = self._clock.monotonic() + AGAIN_AFTER[min(self._failures, len(AGAIN_AFTER) - 1)]
            self._failures += 1
        finally:
            self._busy = False
            self._wake()

    def _now(self) -> datetime:
        """The instant. Where the calendar was set since it was asked last, timers that wait for a time to pass are moved with it (but not
        while a change is on its way to the disk, which would not be moved)."""
        moved = None if self._is_storing else self._calendar.set_by()
        if moved is not None:
            _log.warning("the clock was set", extra={"facts": {"seconds": round(moved.total_seconds(), 1)}})
            self.book.shift(moved)
        return self._clock.now()

    # --- showing ---------------------------------------------------------------------------------------------------------------

    def known(self, source: str) -> Sequence[Active]:
        """See ports.alerts.Known."""
        return [life.as_told(self.book.alerts[number]) for number in self.book.active.get(source, {}).values()]

    def active(self) -> Sequence[Alert]:
        """Those pending and firing, each with what mutes it now."""
        return active_of(self.book, self.policy, self._now())

    def counts(self) -> dict[str, int]:
        """How many are pending, and how many fire."""
        states = [alert.state for alert in self.book.alerts.values()]
        return {"pending": states.count(State.PENDING), "firing": states.count(State.FIRING)}

    def find(self, number: int) -> Alert:
        """One that is not settled. Raises NotFound."""
        alert = self.book.alerts.get(number)
        if alert is None:
            raise NotFound(f"no alert with the number {number} is open")
        return alert

    def groups(self) -> Sequence[Group]:
        """What is notified together."""
        return list(self.book.groups.values())

    def group_digests(self, labels: Labels) -> Sequence[str]:
        """The groups that an alert with these labels belongs to."""
        return [group_digest(route, group_labels(route, labels)) for route in routes_of(self.policy.routing.root, labels)]

    def escalating(self) -> Sequence[Escalating]:
        """Escalations on their way."""
        return list(self.book.escalating.values())

    def silences(self) -> Sequence[Silence]:
        """Those that have not ended, and those that ended of late."""
        return list(self.book.silences.values())

    def silenced(self) -> Mapping[str, int]:
        """How many alerts that fire each silence mutes now, by its id."""
        now, firing = self._now(), [alert for alert in self.book.alerts.values() if alert.state is State.FIRING]
        return Counter(silence.id for alert in firing for silence in self.book.silenced.by(alert, now))

    def standings(self) -> Standings:
        """How everything that fires stands now."""
        return standings_of(self.book, self.policy, self._now())

    def news(self) -> AsyncIterator[frozenset[int]]:
        """The numbers of alerts that changed, as they change; none where only silences, groups or escalations did."""
        return self._listeners.hear()


def _heard(task: "asyncio.Future[Any]") -> None:
    """Takes note of what came out, where nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
