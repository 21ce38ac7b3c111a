"""Runbooks put together: the files of the directory, what is accepted, the scripts of this machine, and the checks that verify."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from starlette.requests import Request

from keepwell.api.gate import access_of
from keepwell.composition import verbs
from keepwell.composition.hosts import Hosts
from keepwell.composition.runbook_texts import ready_in
from keepwell.config.operations import Operations
from keepwell.kernel.problems import KeepwellError
from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.states import State
from keepwell.machine.scripts import DetachedScripts
from keepwell.ports.activity import Activity
from keepwell.ports.offer import Face
from keepwell.ports.permission import Permissions
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.runbooks.model import Ready
from keepwell.rooms.runbooks.services import services_of
from keepwell.rooms.runbooks.showing.face import face
from keepwell.rooms.runbooks.showing.verbs import Verbs
from keepwell.rooms.runbooks.work.executing import Executing
from keepwell.rooms.runbooks.work.forgetting import Forgetting
from keepwell.rooms.runbooks.work.permissions import PermissionDesk
from keepwell.rooms.runbooks.work.runs import Runs
from keepwell.storage.database import Database


class RunbookRoom:
    """The room of runbooks while a server runs. ``identity`` names the server among all that use its database, the same after a restart;
    ``place`` is the folder in which steps that run are kept."""

    def __init__(self, database: Database, hosts: Hosts, place: Path, identity: str) -> None:
        host = hosts.of(verbs.LOCAL)
        self._database, self._host = database, host
        scripts = DetachedScripts(place, lambda text: redact_patterns(host.secrets.redact(text)))
        self._permissions = PermissionDesk(database, host.clock)
        self._executing = Executing(scripts, hosts.of, self._look)
        self.runs = Runs(database, host.clock, self._executing, self._permissions, f"{identity}/runs")
        self._forgetting = Forgetting(database, host.clock)
        self._ready: Mapping[str, Ready] = {}
        self.checks: Checks | None = None
        """The checks that verify steps; set before ``begin``."""

    @property
    def activities(self) -> Sequence[Activity]:
        """What the engine runs for it."""
        return (self.runs, self.runs.holding, self._forgetting)

    @property
    def performs(self) -> Mapping[str, Perform]:
        """Runbooks are its kind of work."""
        return {"runbook": self.runs.perform}

    @property
    def permissions(self) -> Permissions:
        """Who gives permissions, for every room."""
        return self._permissions

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm."""
        self.runs.on_wake(wake)

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """Nothing: the section tasks says when a runbook is run."""
        return ()

    async def begin(self, operations: Operations) -> None:
        """Takes what was stored, and the first configuration."""
        await self.runs.begin()
        await self.configure(operations)

    async def end(self) -> None:
        """Nothing is left to store: whatever a run did is stored as it happens."""

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration with the runbooks that stand in its directory now."""
        self._executing.directory = str(operations.directory.resolve())
        self._executing.units.services = services_of(operations.entries("services"), verbs.manager_kinds())
        self._forgetting.kept = operations.values["history"].keep_runs
        self._permissions.policy = operations.values["policy"].destructive
        self._ready = {one.path: one for one in ready_in(operations, verbs.effective_user())}
        self.runs.configure(self._ready)

    async def _look(self, check: str) -> tuple[bool | None, str]:
        """How a step asks a check whether its effect is there."""
        if self.checks is None:
            return None, "there are no checks"
        try:
            observation = await self.checks.look_now(check)
        except KeepwellError as error:
            return None, str(error)
        well = {State.OK: True, State.WARN: True, State.FAIL: False}.get(observation.state)
        return well, f"the check {check} says {observation.state.value}: {observation.sentence}"

    def face(self) -> Face:
        """What it shows."""
        return face(Verbs(self.runs, self._permissions, lambda: self._ready, self._database.read, self._host.clock.now, _caller))


def _caller(request: Request) -> str:
    return access_of(request.scope).caller.name
