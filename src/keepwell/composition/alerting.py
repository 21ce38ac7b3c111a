"""Alerts put together: the desk on the database, the outbox on the network, and what tells and what shows."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import verbs
from keepwell.composition.notifying import everybody_in
from keepwell.composition.ruling import RuleRoom
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.rooms.alerts import store
from keepwell.rooms.alerts.api_v2.configuration import configuration
from keepwell.rooms.alerts.api_v2.routes import routes as api_v2_routes
from keepwell.rooms.alerts.api_v2.verbs import Answering
from keepwell.rooms.alerts.delivery.offer import receivers_in
from keepwell.rooms.alerts.delivery.resolve import Receivers
from keepwell.rooms.alerts.escalation.offer import people_of, policies_of
from keepwell.rooms.alerts.escalation.told import describe
from keepwell.rooms.alerts.maintenance import maintenance_between, spans
from keepwell.rooms.alerts.model import Escalating, Notice
from keepwell.rooms.alerts.outbox import store as outbox_store
from keepwell.rooms.alerts.outbox.work import Outbox
from keepwell.rooms.alerts.people.face import face as people_face
from keepwell.rooms.alerts.people.verbs import Verbs
from keepwell.rooms.alerts.policy import Policy
from keepwell.rooms.alerts.routing.offer import routing_of
from keepwell.rooms.alerts.rules.inhibiting import BUILT_IN
from keepwell.rooms.alerts.store import Stored
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.health.model import Telling
from keepwell.storage import journal
from keepwell.storage.database import Database

MAINTENANCE_KEPT = timedelta(days=2 * 366)
"""How long maintenance that ended is kept: availability is asked for as long a time."""

_log = logging.getLogger("keepwell.alerts")


class AlertStore:
    """The verbs by which the desk reaches the database, the outbox and the journal.

    ``lives`` says how long delivery of a notice to a receiver is tried; ``on_notices`` is called when notices were stored."""

    def __init__(self, database: Database, host: Host, lives: Callable[[str], timedelta]) -> None:
        self._database = database
        self._clock = host.clock
        self._lives = lives
        self.on_notices: Callable[[], None] = lambda: None

    async def load(self, silences_since: datetime) -> Stored:
        """What is not settled."""
        return await self._database.read(lambda connection: store.load(connection, silences_since))

    async def store(self, change: Callable[[Connection], None], notices: Sequence[Notice], entries: Sequence[journal.NewEntry]) -> None:
        """All of it in one transaction, the journal last: it holds a lock until the commit."""
        now = self._clock.now()

        def everything(connection: Connection) -> None:
            change(connection)
            outbox_store.put(connection, notices, self._lives)
            journal.append_many(connection, entries, now)

        await self._database.write(everything)
        if notices:
            self.on_notices()

    async def forget(self, before: datetime, maintenance_before: datetime) -> None:
        """Deletes the history of what was resolved, of silences that ended, and of notices that were delivered or lost, before that
        instant; of maintenance before the other one."""
        await self._database.write(lambda connection: store.forget_silences(connection, before, maintenance_before))
        count = part = await self._database.write(lambda connection: store.forget(connection, before))
        while part == store.FORGOTTEN_AT_ONCE:
            part = await self._database.write(lambda connection: store.forget(connection, before))
            count += part
        notices = await self._database.write(lambda connection: outbox_store.forget(connection, before))
        if count or notices:
            _log.info("forgot resolved alerts", extra={"facts": {"count": count, "notices": notices}})


class AlertRoom:
    """The room of alerts while a server runs."""

    def __init__(self, database: Database, host: Host, operations: Operations) -> None:
        self._database = database
        self._host = host
        self._started_at = host.clock.now()
        self._receivers = Receivers()
        self._store = AlertStore(database, host, lambda to: self._receivers.lives(to))
        self.desk = Desk(self._store, host.clock)
        self.outbox = Outbox(database, self._receivers, host, self.desk.tell, self.desk.known)
        self._store.on_notices = self.outbox.wake_up
        self.rules: RuleRoom | None = None
        """What judges checks and samples; set before ``begin``."""
        self._service = operations.service

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.desk, self.outbox, *(self.rules.activities if self.rules is not None else ()))

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self.outbox.on_wake(wake)
        self.desk.on_wake(wake)
        if self.rules is not None:
            self.rules.on_wake(wake)

    async def begin(self, operations: Operations, checks: Sequence[str]) -> None:
        """Takes what was stored, and the first configuration: then, and not before, somebody may be told."""
        await self.desk.begin()
        await self.outbox.begin()
        await self.configure(operations, checks)

    async def configure(self, operations: Operations, checks: Sequence[str]) -> None:
        """Takes a configuration, and the names of its checks. Raises StorageError, and then the one of before stays in force."""
        receivers = receivers_in(operations, verbs.receiver_kinds(), verbs.why_not(operations))
        await self.desk.configure(_policy(operations, receivers))
        self._receivers = receivers
        self.outbox.configure(
            receivers, operations.service, operations.values["web"].address, everybody_in(operations, self._host.clock.now)
        )
        if self.rules is not None:
            await self.rules.configure(operations, checks, operations.values["web"].address)

    async def forget(self, kept: timedelta) -> None:
        """Deletes the history of alerts that were resolved so long ago."""
        now = self._host.clock.now()
        await self._store.forget(now - kept, now - max(kept, MAINTENANCE_KEPT))
        self.desk.forget_silences()

    async def maintenance(self, labels: Mapping[str, str], start: int, end: int) -> list[tuple[int, int]]:
        """When it was maintenance for what has these labels; all instants are milliseconds since 1970."""
        first, last = _instant(start), _instant(end)
        found = await self._database.read(lambda connection: maintenance_between(connection, first, last))
        return [(_milliseconds(one), _milliseconds(other)) for one, other in spans(found, labels)]

    def telling(self) -> Telling:
        """How alerts and notices do now."""
        outbox, names = self.outbox, self._receivers.names()
        failing = outbox.failing()
        return Telling(
            **self.desk.counts(),
            waiting=outbox.waiting,
            delivered=outbox.delivered,
            failed=outbox.failed,
            lost=outbox.lost,
            fault=self.desk.fault or outbox.fault,
            failing=failing,
            is_mute=bool(names) and all(any(one.startswith(f"{name}: ") for one in failing) for name in names),
        )

    def faces(self) -> tuple[Face, ...]:
        """What it shows: to people, and to clients of Alertmanager."""
        rules = (self.rules.face(_caller),) if self.rules is not None else ()
        return (people_face(self._people()), *rules, Face("alertmanager", routes=api_v2_routes(self._answering())))

    def _people(self) -> Verbs:
        return Verbs(
            alerts=self.desk,
            read=self._database.read,
            outbox=self.outbox,
            now=self._host.clock.now,
            caller=_caller,
            service=self._service,
            escalation_words=self._escalation_words,
            rotas=lambda: self.desk.policy.people.rotas,
        )

    def _answering(self) -> Answering:
        return Answering(
            alerts=self.desk,
            receivers=lambda: self._receivers.names(),
            configuration=self._configuration,
            caller=_caller,
            clock=self._host.clock,
            started_at=self._started_at,
        )

    def _configuration(self) -> str:
        policy = self.desk.policy
        return configuration(policy.routing, self._receivers.names(), policy.resolve_timeout)

    def _escalation_words(self, escalating: Escalating) -> str:
        policy = self.desk.policy.escalations.get(escalating.policy)
        return describe(policy, escalating) if policy is not None else f"escalation {escalating.policy}"


def _policy(operations: Operations, receivers: Receivers) -> Policy:
    routing = routing_of(operations, receivers.names(), operations.options("windows"))
    routing = replace(routing, inhibit_rules=(*routing.inhibit_rules, *BUILT_IN))
    return Policy(
        service=operations.service,
        routing=routing,
        receivers=receivers.names(),
        sends_resolved=receivers.sends_resolved,
        escalations=policies_of(operations),
        people=people_of(operations),
        external_url=operations.values["web"].address,
    )


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
