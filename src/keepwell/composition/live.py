"""The rooms put together on their ports: one engine, one store, one configuration in force."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from keepwell import __version__
from keepwell.api.gate import access_of
from keepwell.composition import verbs
from keepwell.composition.alerting import AlertRoom
from keepwell.composition.checking import CheckStore
from keepwell.composition.heartbeats import Heartbeats
from keepwell.composition.hosts import Hosts
from keepwell.composition.itself import Itself
from keepwell.composition.promql import PromqlRoom
from keepwell.composition.ruling import RuleRoom
from keepwell.composition.samples import SampleRoom
from keepwell.composition.samples_shown import measured
from keepwell.composition.working import WorkingRooms
from keepwell.config.operations import Operations
from keepwell.engine import Engine
from keepwell.kernel.problems import ConfigurationError, StorageError
from keepwell.machine.memory import give_back
from keepwell.ports.activity import Job
from keepwell.ports.offer import Face, Route
from keepwell.rooms.checks import offer as checks_offer
from keepwell.rooms.checks.model import Check
from keepwell.rooms.checks.work.looking import Guarded
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.health.model import Web
from keepwell.rooms.promql.rules.outward import Outward
from keepwell.storage import journal
from keepwell.storage.database import Database

_RELOAD = "Read the operations directory again; an invalid one is refused and the old one stays in force"
_log = logging.getLogger("keepwell")


class Recurring:
    """An activity that does one thing again and again, a fixed time apart."""

    def __init__(self, name: str, every: float, first: float, run: Callable[[], Awaitable[None]]) -> None:
        self._name, self._every, self._due, self._run = name, every, first, run

    def next_due(self) -> float | None:
        """When it is due next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, where it is due."""
        if monotonic < self._due:
            return ()
        job = Job(self._due, self._name, self._run)
        self._due = monotonic + self._every
        return (job,)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a running Keepwell is made of, beside the checks."""

    database: Database
    heartbeats: Heartbeats
    samples: SampleRoom
    alerts: AlertRoom
    working: WorkingRooms


class Live:
    """A running Keepwell: the rooms on their ports, one engine, and the configuration in force."""

    def __init__(self, directory: str, operations: Operations, hosts: Hosts, parts: Rooms) -> None:
        self._directory = directory
        self.operations = self._at_start = operations
        self.problems = 0
        self._reloading = asyncio.Lock()
        self.stopping = asyncio.Event()
        self._hosts = hosts
        self._heartbeats = parts.heartbeats
        self._alerts = parts.alerts
        self._working = parts.working
        self._doing = parts.working.doing
        self._samples = samples = parts.samples
        samples.maintenance = parts.alerts.maintenance
        self._promql = PromqlRoom(samples, hosts.of(verbs.LOCAL), operations)
        self._host = host = hosts.of(verbs.LOCAL)
        self._database = parts.database
        self._promql.rules.tell_to(Outward(parts.alerts.desk.tell, parts.alerts.desk.known, parts.alerts.desk.retire))
        self._alerts.rules = rules = RuleRoom(parts.alerts.desk, self._promql, samples, (parts.database, host))
        self._store = CheckStore(parts.database, host, rules)
        self.checks = Checks(host, samples.store, self._store.identify, self._store.write, hosts.of)
        self._itself = Itself(self.checks, host, self._promql.rules.faults, self._alerts.telling)
        self._itself.tasks_fault = self._doing.fault
        rooms = (self.checks, *samples.activities, *self._promql.activities, *self._alerts.activities, *self._doing.activities)
        own = (self._housekeeping(), self._tidying(), self._itself.sign_of_life)
        self.engine = self._itself.engine = Engine([*rooms, *own], host.clock)
        self.checks.on_wake(self.engine.wake)
        samples.scraping.on_wake(self.engine.wake)
        self._promql.rules.on_wake(self.engine.wake)
        self._alerts.on_wake(self.engine.wake)
        self._doing.on_wake(self.engine.wake)

    def _housekeeping(self) -> Recurring:
        return Recurring("forget removed checks", 3600.0, self._host.clock.monotonic() + 60.0, self._forget)

    def _tidying(self) -> Recurring:
        return Recurring("give memory back", 60.0, self._host.clock.monotonic() + 60.0, lambda: asyncio.to_thread(give_back))

    async def _forget(self) -> None:
        await self._store.forget(self.operations)
        await self._heartbeats.forget(self.operations.values["history"].keep_removed)
        await self._alerts.forget(self.operations.values["history"].keep_alerts)

    async def note(self, event: str, facts: Mapping[str, Any], actor: str = "") -> None:
        """Writes one entry of the journal about Keepwell itself; without an ``actor`` it is the user who runs it."""
        now = self._host.clock.now()
        entry = journal.NewEntry(actor=actor or verbs.effective_user(), event=event, subject="keepwell", facts=facts)
        await self._database.write(lambda connection: journal.append(connection, entry, now))

    async def begin(self, checks: Sequence[Check]) -> None:
        """Takes the first configuration, going on from what is stored."""
        await self._heartbeats.begin(checks)
        self._itself.configure(self.operations)
        self._samples.configure(self.operations, checks)
        await self._alerts.begin(self.operations, [check.name for check in checks])
        await self.checks.configure(checks, await self._store.strips(), _guarded(self.operations))
        await self._doing.begin(self.operations)
        await self.note("keepwell.started", {"version": __version__, **_described(self.operations, checks)})

    async def close(self) -> None:
        """Stores what is not stored yet, once the engine has stopped."""
        await self._alerts.outbox.close()

    async def reload(self, actor: str) -> dict[str, Any]:
        """Reads the directory again, one caller after the other. ``actor`` is who asked.

        Raises ConfigurationError where the directory is invalid; the old configuration then stays in force."""
        async with self._reloading:
            return await self._reload(actor)

    async def _reload(self, actor: str) -> dict[str, Any]:
        try:
            # In a thread: a thousand checks take a third of a second, and no look shall wait for that.
            operations, checks = await asyncio.to_thread(_read, self._directory)
        except ConfigurationError as error:
            self.problems = len(error.problems)
            _log.error(
                "configuration refused, the old one stays in force", extra={"facts": {"problems": self.problems, "first": str(error)}}
            )
            with contextlib.suppress(StorageError):  # the answer is what is wrong with the directory
                await self.note("configuration.refused", {"problems": [problem.message for problem in error.problems[:20]]}, actor)
            raise
        later = [key for key in ("web", "storage") if operations.values[key] != self._at_start.values[key]]
        later += self._working.missing(operations)
        later += ["service"] if operations.service != self._at_start.service else []
        if later:
            _log.warning("sections that take effect at the next start", extra={"facts": {"sections": ", ".join(later)}})
        self._hosts.configure(operations.options("hosts"))
        await self._heartbeats.configure(checks)
        self._itself.configure(operations)
        self._samples.configure(operations, checks)
        self._promql.configure(operations)
        await self._alerts.configure(operations, [check.name for check in checks])
        await self.checks.configure(checks, guarded=_guarded(operations))
        await self._doing.configure(operations)
        self.operations, self.problems = operations, 0
        facts = _described(operations, checks)
        await self.note("configuration.loaded", facts, actor)
        _log.info("configuration loaded", extra={"facts": facts})
        return {**facts, "at_next_start": later}

    def faces(self, web: Callable[[], Web]) -> tuple[Face, ...]:
        """What the rooms show."""
        return (
            checks_offer.face(self.checks, self._host, self.operations.service, replace(self._store.verbs(), measured=self._measured)),
            self._heartbeats.face(),
            self._samples.face(),
            self._promql.face(),
            *self._alerts.faces(),
            *self._doing.faces(),
            self._itself.face(self.operations.service, web, lambda: self.problems),
            Face("keepwell", routes=(Route("POST", "/api/v1/reload", "configuration.reload", self._asked_to_reload, _RELOAD),)),
        )

    def _measured(self, check: str) -> Sequence[str]:
        return measured(self._samples.store, check)

    async def _asked_to_reload(self, request: Request) -> dict[str, Any]:
        return await self.reload(access_of(request.scope).caller.name)


def _read(directory: str) -> tuple[Operations, tuple[Check, ...]]:
    operations = verbs.load(directory)
    verbs.check_more(operations)
    return operations, verbs.resolve_checks(operations, verbs.effective_user())


def _guarded(operations: Operations) -> Guarded:
    options = operations.values["guard"]
    return Guarded(options.checks, options.several)


def _described(operations: Operations, checks: Sequence[Check]) -> dict[str, Any]:
    waiting = sum(1 for check in checks if check.waiting)
    accepted = {check.name: check.accepted_by for check in checks if check.accepted_by}
    return {"service": operations.service, "checks": len(checks), "waiting": waiting, "accepted": accepted}
