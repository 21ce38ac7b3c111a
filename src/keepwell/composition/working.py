"""Which rooms that do work a running server has, and how they know each other.

A room whose sections are empty when the server starts is not there: neither its modules nor its pages. Configured later, it comes with the
next start, and a reload says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keepwell.composition.alerting import AlertRoom
from keepwell.composition.doing import Doer, Doing, OwnRecords
from keepwell.composition.hosts import Hosts
from keepwell.composition.performing import Performers
from keepwell.composition.reported_rooms import Others
from keepwell.composition.samples import SampleRoom
from keepwell.composition.tasks import TaskRoom
from keepwell.config.operations import Operations
from keepwell.ports.host import Host
from keepwell.rooms.checks.work.watch import Checks
from keepwell.storage.database import Database
from keepwell.storage.under_way import Server

if TYPE_CHECKING:
    from keepwell.composition.audits import AuditRoom
    from keepwell.composition.backing import BackupRoom
    from keepwell.composition.logs import LogRoom
    from keepwell.composition.running import RunbookRoom

Room = TypeVar("Room")

RUNBOOKS = "runbooks"
"""The folder of an operations directory in which import writes runbooks."""

_BRINGS: Mapping[str, Sequence[str]] = {
    "runbooks": ("tasks", "services", "logs", "backups"),
    "logs": ("logs",),
    "backups": ("backups",),
    "audits": ("audits",),
}
"""The sections of which one with entries brings a room."""


def wanted(operations: Operations) -> frozenset[str]:
    """The rooms that a configuration brings, by name, of those that need not be there."""
    found = {room for room, sections in _BRINGS.items() if any(operations.values.get(section) for section in sections)}
    return frozenset(found | ({"runbooks"} if (operations.directory / RUNBOOKS).is_dir() else set()))


@dataclass(frozen=True, slots=True)
class Ground:
    """What they stand on. ``identity`` names this server among all that use the database, the same after a restart."""

    database: Database
    host: Host
    hosts: Hosts
    samples: SampleRoom
    alerts: AlertRoom
    records: OwnRecords
    data: Path
    identity: str


class WorkingRooms:
    """The rooms of one server. ``doing`` runs them; ``meet`` tells them of the checks, which come later."""

    def __init__(self, ground: Ground, operations: Operations, directory: str) -> None:
        self._ground = ground
        self._there = wanted(operations)
        performers = Performers()
        self._tasks = TaskRoom(ground.database, ground.host, performers.perform, ground.alerts.desk.tell, ground.identity)
        ground.records.successes = self._tasks.last_success
        self._runbooks = self._if_wanted("runbooks", self._make_runbooks)
        self._backups = self._if_wanted("backups", self._make_backups)
        self._logs = self._if_wanted("logs", self._make_logs)
        self._audits = self._if_wanted("audits", self._make_audits)
        self._make_always(operations, directory)
        some = (self._backups, self._runbooks, self._logs, self._incidents, self._audits, self._reports, self._manual)
        doers: list[Doer] = [room for room in some if room is not None]
        self.doing = Doing(performers, self._tasks, doers, self._retire)

    def meet(self, checks: Checks) -> None:
        """The checks are there, before anything begins."""
        others = Others(self._tasks, self._incidents, self._backups, self._audits, self._logs)
        self._reports.checks, self._reports.others = checks, others
        self._manual.asks(others, checks, self._ground.samples, self._ground.alerts)
        if self._runbooks is not None:
            self._runbooks.checks = checks

    def missing(self, operations: Operations) -> list[str]:
        """The sections that a new configuration has, and whose room comes only with the next start."""
        return sorted(section for room in wanted(operations) - self._there for section in _BRINGS[room] if operations.values.get(section))

    async def _retire(self) -> None:
        """The alerts of a room whose sections were taken out while no server ran have ended: it is not there to say so."""
        absent = tuple(f"{room}/" for room in _BRINGS.keys() - self._there)
        await self._ground.alerts.desk.retire(lambda source: not source.startswith(absent))

    def _if_wanted(self, name: str, make: Callable[[], Room]) -> Room | None:
        return make() if name in self._there else None

    def _make_runbooks(self) -> "RunbookRoom":
        from keepwell.composition.running import RunbookRoom

        ground = self._ground
        runbooks = RunbookRoom(ground.database, ground.hosts, ground.data / "runs", ground.identity)
        runbooks.runs.on_ended(self._tasks.tasks.ask)
        self._tasks.stop_run = lambda run, by, note: runbooks.runs.resume(run, "stop", by, note)
        return runbooks

    def _make_backups(self) -> "BackupRoom":
        from keepwell.composition.backing import BackupRoom

        ground = self._ground
        backups = BackupRoom(ground.database, ground.hosts, ground.data)
        if self._runbooks is not None:
            backups.backups.permissions = self._runbooks.permissions
        ground.records.proofs = backups.backups.newest_proof
        ground.samples.recovery = backups.showing.recovery
        return backups

    def _make_logs(self) -> "LogRoom":
        from keepwell.composition.logs import LogRoom

        ground = self._ground
        permissions = self._runbooks.permissions if self._runbooks is not None else None
        return LogRoom(ground.database, ground.host, ground.samples.store, permissions, server=self._server())

    def _make_audits(self) -> "AuditRoom":
        from keepwell.composition.audits import AuditRoom

        ground = self._ground
        return AuditRoom(ground.database, ground.hosts.of, ground.alerts.desk.tell, self._server())

    def _server(self) -> Server:
        """This one among those that use the database. A kernel that runs has a number of its own; without it no machine is another's."""
        try:
            machine = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            machine = ""
        return Server(self._ground.identity, machine)

    def _make_always(self, operations: Operations, directory: str) -> None:
        """People open incidents, ask for reports and read the manual without any section of their own."""
        from keepwell.composition.incidents import IncidentRoom
        from keepwell.composition.living import ManualRoom
        from keepwell.composition.reporting import ReportRoom

        ground = self._ground
        self._incidents = IncidentRoom(ground.database, ground.hosts.of, ground.alerts.desk, operations)
        if self._runbooks is not None:
            self._runbooks.runs.on_started(self._incidents.ran)
        self._reports = ReportRoom(ground.database, ground.host, ground.samples, ground.alerts)
        self._manual = ManualRoom(ground.database, ground.host, directory, ground.data)
