"""An outbox for tests: a real database, the real ways out of this machine, a clock that the test moves, and an engine of one step."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from keepwell.config.drivers import FolderDrivers
from keepwell.config.operations import load
from keepwell.machine.http_client import HttpClient
from keepwell.machine.mail import SmtpMailer
from keepwell.machine.secrets import MachineSecrets
from keepwell.ports.alerts import Active
from keepwell.ports.fakes import FakeClock, fake_host
from keepwell.rooms.alerts.delivery import offer
from keepwell.rooms.alerts.delivery.resolve import Receivers
from keepwell.rooms.alerts.model import Notice, NoticeAlert
from keepwell.rooms.alerts.offer import tables
from keepwell.rooms.alerts.outbox import store
from keepwell.rooms.alerts.outbox.model import Row
from keepwell.rooms.alerts.outbox.work import Outbox
from keepwell.storage.database import Database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def alert(number: int = 1, state: Any = "firing", **labels: str) -> NoticeAlert:
    """One alert as a notice tells of it."""
    given = {"alertname": "CheckFailed", "severity": "critical", "service": "shop", "check": "health", **labels}
    ends = NOW if state == "resolved" else None
    return NoticeAlert(number, f"{number:016x}", state, given, {"summary": "the shop answers 500"}, NOW, ends)


def notice(key: str, to: str = "hook", group: str = "one", *alerts: NoticeAlert, at: datetime = NOW, **more: Any) -> Notice:
    """A notice of one group."""
    told = alerts or (alert(),)
    given = {"reason": "first notice", "common_labels": told[0].labels, "service": "shop", **more}
    return Notice(key, to, f'{{}}:{{alertname="{group}"}}', {"alertname": group}, told, at, **given)


def drivers() -> FolderDrivers:
    """The kinds of receivers."""
    return FolderDrivers(offer.PACKAGE, offer.ENTRY_POINTS)


def receivers(folder: Path, text: str, why_not: str = "") -> Receivers:
    """What can be told by a keepwell.yaml with these sections."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keepwell.yaml").write_text(f"keepwell: 1\nservice: shop\n{text}")
    operations = load(folder, offer.sections(drivers), os.environ)
    offer.check(operations)
    return offer.receivers_in(operations, drivers(), lambda name, options: why_not)


@dataclass
class Told:
    """Who keeps alerts, as far as the outbox tells of them."""

    active: Sequence[Active] = ()
    times: int = 0
    fault: Exception | None = None

    async def tell(self, source: str, active: Sequence[Active], at: datetime) -> None:
        """Takes them."""
        if self.fault is not None:
            raise self.fault
        assert source == "keepwell/receivers"
        self.active, self.times = active, self.times + 1

    def known(self, source: str) -> Sequence[Active]:
        """Gives them back."""
        return self.active

    @property
    def failing(self) -> dict[str, str]:
        """The receivers that get nothing, with the sentence about each."""
        return {one.labels["receiver"]: one.annotations["summary"] for one in self.active}


@dataclass
class Rig:
    """An outbox and what it stands on."""

    database: Database
    outbox: Outbox
    clock: FakeClock
    told: Told
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def put(self, *notices: Notice) -> None:
        """Adds notices, as the change that caused them would."""
        lives = self.outbox._receivers.lives
        await self.database.write(lambda connection: store.put(connection, notices, lives))
        self.outbox.wake_up()

    def step(self) -> None:
        """Starts what is due, as the engine does."""
        for job in self.outbox.take_due(self.clock.monotonic()):
            task = asyncio.create_task(job.run())  # type: ignore[arg-type]
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def settle(self) -> None:
        """Runs what is due now, and what follows from it at once, until nothing is on its way."""
        while True:
            self.step()
            if not self.tasks:
                due = self.outbox.next_due()
                if due is None or due > self.clock.monotonic():
                    return
            if self.tasks:
                await asyncio.wait(list(self.tasks), return_when=asyncio.FIRST_COMPLETED)

    async def after(self, seconds: float) -> None:
        """So long later, with everything that became due on the way done when it was due."""
        end = self.clock.monotonic() + seconds
        while True:
            await self.settle()
            due = self.outbox.next_due()
            if due is None or due > end:
                break
            self.clock.advance(due - self.clock.monotonic())
        self.clock.advance(end - self.clock.monotonic())
        await self.settle()

    async def rows(self) -> Mapping[str, Row]:
        """The outbox by key, oldest first."""
        found = await self.database.read(lambda connection: store.listing(connection, (), limit=1000))
        return {row.key: row for row in reversed(found)}

    async def states(self) -> Mapping[str, str]:
        """Where each notice stands."""
        return {key: row.state for key, row in (await self.rows()).items()}


@asynccontextmanager
async def outbox_over(
    database: Database, given: Receivers, told: Told | None = None, secrets: Mapping[str, str] = {}, clock: FakeClock | None = None
) -> AsyncIterator[Rig]:
    """An outbox that has begun."""
    clock, told = clock or FakeClock(NOW), told or Told()
    machine_secrets = MachineSecrets(dict(secrets))
    http, mail = HttpClient(machine_secrets), SmtpMailer(machine_secrets)
    host = replace(fake_host(clock=clock), http=http, mail=mail, secrets=machine_secrets)
    rig = Rig(database, Outbox(database, given, host, told.tell, told.known), clock, told)
    await rig.outbox.begin()
    try:
        yield rig
    finally:
        for task in list(rig.tasks):
            task.cancel()
        await asyncio.gather(*rig.tasks, return_exceptions=True)
        await http.close()
        await mail.close()


async def opened(place: Path | str) -> Database:
    """A database with the tables of alerts."""
    return await Database.open(place, [tables()], NOW)
