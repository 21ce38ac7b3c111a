"""Timelines of alerts, as Alertmanager's acceptance tests write them: what is posted when, and who is told of what when.

The desk decides as it does in the server; only the clock is a fake one, and what is stored stays in memory.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from keepwell.config.core import core_sections
from keepwell.config.drivers import FolderDrivers
from keepwell.config.operations import Operations, load
from keepwell.ports.fakes import FakeClock
from keepwell.rooms.alerts.delivery import offer as delivery
from keepwell.rooms.alerts.escalation import offer as escalation
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Acknowledgement, Notice, Posted, Silence
from keepwell.rooms.alerts.policy import Policy
from keepwell.rooms.alerts.routing import offer as routing
from keepwell.rooms.alerts.routing.model import Routing
from keepwell.rooms.alerts.store import Stored
from keepwell.rooms.alerts.work.desk import Desk
from keepwell.rooms.samples.objectives import offer as objectives
from keepwell.storage.journal import NewEntry

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday."""

SECTIONS = (
    *core_sections(),
    *objectives.sections(),
    *routing.sections(),
    *escalation.sections(),
    *delivery.sections(lambda: FolderDrivers(delivery.PACKAGE, delivery.ENTRY_POINTS)),
)


def operations(folder: Path, text: str) -> Operations:
    """An operations directory with these sections."""
    return load_text(folder, f"keepwell: 1\nservice: shop\n{text}")


def load_text(folder: Path, text: str) -> Operations:
    """An operations directory with this keepwell.yaml."""
    folder.mkdir(exist_ok=True)
    (folder / "keepwell.yaml").write_text(text, "utf-8")
    return load(folder, SECTIONS, {})


def routing_in(folder: Path, text: str) -> Routing:
    """What these sections say of routing."""
    found = operations(folder, text)
    return routing.routing_of(found, list(found.entries("receivers")), found.options("windows"))


@dataclass
class Kept:
    """What the desk stores."""

    notices: list[Notice] = field(default_factory=list)

    async def load(self, silences_since: datetime, /) -> Stored:
        return Stored()

    async def store(self, change: Callable[[Connection], None], notices: Sequence[Notice], entries: Sequence[NewEntry], /) -> None:
        self.notices += notices


@dataclass
class Timeline:
    """``at(seconds).push("a", severity="critical")`` and so on; ``run`` gives what was told, a line each: ``30 mail +a -b``."""

    folder: Path
    text: str
    sends_resolved: bool = True
    start: datetime = START
    _steps: list[tuple[float, Callable[[], Awaitable[object]]]] = field(default_factory=list)
    _now: float = 0.0

    def __post_init__(self) -> None:
        self.clock, self.kept = FakeClock(self.start), Kept()
        self.desk = Desk(self.kept, self.clock)

    def at(self, seconds: float) -> "Timeline":
        self._now = seconds
        return self

    def _do(self, step: Callable[[], Awaitable[object]]) -> "Timeline":
        self._steps.append((self._now, step))
        return self

    def push(self, *names: str, started: float | None = None, **labels: str) -> "Timeline":
        """Alerts of these names are posted."""
        return self._post(names, started, None, labels)

    def resolve(self, *names: str, **labels: str) -> "Timeline":
        """They have ended, by their sender."""
        return self._post(names, None, self._now, labels)

    def _post(self, names: Sequence[str], started: float | None, ended: float | None, labels: Mapping[str, str]) -> "Timeline":
        start, end = (None if one is None else self.start + timedelta(seconds=one) for one in (started, ended))
        posted = [Posted({"alertname": name, **labels}, {}, start, end, lasts=True) for name in names]
        return self._do(lambda: self.desk.post(posted, "test"))

    def silence(self, matchers: str, until: float) -> "Timeline":
        """A silence from now on."""
        starts, ends = (self.start + timedelta(seconds=one) for one in (self._now, until))
        silence = Silence("", parse_matchers(matchers), starts, ends, starts, "test", "because")
        return self._do(lambda: self.desk.silence(silence, "test"))

    def acknowledge(self, name: str, until: float | None = None) -> "Timeline":
        """Somebody knows of it."""
        end = None if until is None else self.start + timedelta(seconds=until)

        async def acknowledge() -> None:
            number = next(alert.number for alert in self.desk.active() if alert.name == name)
            await self.desk.acknowledge(number, Acknowledgement("anna", self.clock.now(), until=end), "anna")

        return self._do(acknowledge)

    def configure(self, text: str) -> "Timeline":
        """Another configuration takes effect."""
        return self._do(lambda: self._configure(text))

    async def run(self, until: float, *, every: float = 0.0) -> list[str]:
        """Lets the time pass. With ``every`` timers are looked at so often only, as on a busy machine."""
        await self.desk.begin()
        await self._configure(self.text)
        for seconds, step in sorted(self._steps, key=lambda one: one[0]):
            await self._pass(seconds, every)
            await step()
            await self._timers()
        await self._pass(until, every)
        return [self.line(notice) for notice in self.kept.notices]

    async def _configure(self, text: str) -> None:
        found = routing_in(self.folder, text)
        names = operations(self.folder, text).entries("receivers")
        await self.desk.configure(
            Policy(service="shop", routing=found, receivers=list(names), sends_resolved=lambda name: self.sends_resolved)
        )

    async def _pass(self, until: float, every: float) -> None:
        while (due := self.desk.next_due()) is not None and max(due, self.clock.monotonic()) <= until:
            self.clock.advance(max(due + every - self.clock.monotonic(), 0.0))
            await self._timers()
        self.clock.advance(max(until - self.clock.monotonic(), 0.0))

    async def _timers(self) -> None:
        for job in self.desk.take_due(self.clock.monotonic()):
            await job.run()

    def line(self, notice: Notice) -> str:
        """When, who, and what."""
        signs = sorted(f"{'+' if alert.state == 'firing' else '-'}{_name(alert.labels)}" for alert in notice.alerts)
        return f"{(notice.at - self.start).total_seconds():g} {notice.to} {' '.join(signs)}"

    def reasons(self) -> list[str]:
        """Why each was told."""
        return [notice.reason for notice in self.kept.notices]


def _name(labels: Mapping[str, str]) -> str:
    rest = ",".join(value for name, value in sorted(labels.items()) if name == "instance")
    return labels["alertname"] + (f"/{rest}" if rest else "")
