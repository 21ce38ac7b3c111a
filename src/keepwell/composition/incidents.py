"""Incidents put together: on the database, beside the desk of alerts, with diagnostics run on the hosts."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition.hosts import where
from keepwell.config.acceptance import read_acceptances
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.runner import Command, Result
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.alerts.model import Acknowledgement, Alert, State
from keepwell.rooms.alerts.people import history
from keepwell.rooms.alerts.people.shown import sentence
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.incidents import offer, store
from keepwell.rooms.incidents.face import face
from keepwell.rooms.incidents.model import Deed, Incident, Seen
from keepwell.rooms.incidents.verbs import SOURCE, Diagnostic, Verbs
from keepwell.rooms.incidents.work import Incidents
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.rooms.runbooks.model import Run

LOCAL = "local"

T = TypeVar("T")


class Alerts:
    """The alerts, as incidents see them."""

    def __init__(self, desk: Desk, database: Database) -> None:
        self._desk = desk
        self._database = database

    def firing(self, fits: Callable[[str], bool], but: Collection[int]) -> Sequence[Seen]:
        """See rooms.incidents.verbs.Alerts. What mutes alerts is costly to say of thousands: it is asked only where one fits."""
        alerts = self._desk.book.alerts.values()
        found = [one for one in alerts if one.state is State.FIRING and one.number not in but and fits(one.severity)]
        muted = {one.number for one in self._desk.active() if one.muted_by} if found else set()
        return [self._seen(one) for one in found if one.number not in muted and one.source != SOURCE]

    def active(self) -> Collection[int]:
        """See rooms.incidents.verbs.Alerts."""
        return [number for number, alert in self._desk.book.alerts.items() if alert.state is not State.RESOLVED]

    def pending(self) -> Collection[int]:
        """See rooms.incidents.verbs.Alerts."""
        return [number for number, alert in self._desk.book.alerts.items() if alert.state is State.PENDING]

    def acknowledged(self, numbers: Collection[int]) -> Mapping[int, str]:
        """See rooms.incidents.verbs.Alerts."""
        alerts = [self._desk.book.alerts.get(number) for number in numbers]
        return {one.number: one.acknowledged.by for one in alerts if one is not None and one.acknowledged is not None}

    async def past(self, numbers: Collection[int]) -> Sequence[Seen]:
        """See rooms.incidents.verbs.Alerts."""
        found = await self._database.read(lambda connection: [history.one(connection, number) for number in sorted(numbers)])
        return [self._seen(alert) for alert in found if alert is not None and alert.state is State.RESOLVED and self._counts(alert)]

    async def acknowledge(self, numbers: Collection[int], deed: Deed, actor: str, also: Callable[[Connection], T]) -> T:
        """See rooms.incidents.verbs.Alerts."""
        answers: list[T] = []

        def store_also(connection: Connection) -> None:
            answers[:] = [also(connection)]

        await self._desk.acknowledge_all(numbers, Acknowledgement(deed.by, deed.at, deed.note), actor, store_also)
        return answers[0]

    def news(self) -> AsyncIterator[frozenset[int]]:
        """See rooms.incidents.verbs.Alerts."""
        return self._desk.news()

    def _counts(self, alert: Alert) -> bool:
        return alert.firing_since is not None and not alert.muted_by and alert.source != SOURCE

    def _seen(self, alert: Alert) -> Seen:
        digests = self._desk.group_digests(alert.labels)
        return Seen(
            alert.number,
            alert.name,
            alert.severity,
            sentence(alert.annotations),
            digests[0] if digests else _group_of(alert),
            alert.firing_since or alert.active_since,
            alert.resolved_at,
        )


def _group_of(alert: Alert) -> str:
    """What an alert is notified together with where no route takes it: Alertmanager's example configuration groups so."""
    parts = [alert.labels.get(name, "") for name in ("service", "alertname")]
    return sha256(json.dumps(parts).encode("ascii")).hexdigest()


class IncidentRoom:
    """The room of incidents while a server runs."""

    def __init__(self, database: Database, hosts_of: Callable[[str], Host], desk: Desk, operations: Operations) -> None:
        self._database = database
        self._hosts_of = hosts_of
        self._clock = hosts_of(LOCAL).clock
        self._service = operations.service
        alerts = Alerts(desk, database)
        self._verbs = Verbs(database.read, database.write, alerts, desk.tell, self._run, self._clock)
        self.incidents = Incidents(self._verbs)
        self._listening: asyncio.Task[None] | None = None

    @property
    def performs(self) -> Mapping[str, Perform]:
        """Nothing is performed by it."""
        return {}

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """Nothing recurs by it."""
        return ()

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.incidents,)

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self.incidents.on_wake(wake)

    async def begin(self, operations: Operations) -> None:
        """Takes what was stored, and the first configuration; alerts have begun before. Raises StorageError."""
        await self.incidents.begin()
        await self.configure(operations)
        self._listening = asyncio.create_task(self.incidents.listen(), name="incidents hear of alerts")

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration."""
        options = operations.values["incidents"]
        self.incidents.configure(options.policy, _diagnostics(operations), operations.values["web"].address)

    async def end(self) -> None:
        """Hears of alerts no more."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def between(self, start: datetime, end: datetime) -> Sequence[Incident]:
        """The incidents that were open at any time from ``start`` (contained) to ``end`` (not contained). Raises StorageError."""
        return await self._database.read(lambda connection: store.between(connection, start, end))

    def ran(self, connection: Connection, run: "Run") -> None:
        """Notes a run with the incidents that it belongs to, in the transaction that makes it."""
        self.incidents.ran(connection, run.runbook, run.number, run.by, run.asked_at)

    def face(self) -> Face:
        """What it shows."""
        return face(self.incidents, self._verbs, self._service, _caller)

    async def _run(self, host: str, command: Command) -> Result:
        return await self._hosts_of(host).runner.run(command)


def _diagnostics(operations: Operations) -> dict[str, Diagnostic]:
    from keepwell.composition import verbs

    user = verbs.effective_user()
    acceptances = read_acceptances(operations.directory)
    texts = {one.name: one for one in offer.executables_of(operations, lambda host: where(operations, host, user))}
    return {
        name: Diagnostic(name, one.on, one.command, acceptances.why_not(texts[f"incidents/diagnostics/{name}"]))
        for name, one in operations.values["incidents"].diagnostics.items()
    }


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
