"""The living manual put together: what of each room ran last, by the place where import put it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.composition.alerting import AlertRoom
from keepwell.composition.reported_rooms import Others
from keepwell.composition.samples import SampleRoom
from keepwell.config.operations import Operations
from keepwell.ports.activity import Activity
from keepwell.ports.host import Host
from keepwell.ports.offer import Face
from keepwell.ports.work import Perform, Recurring
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.manual.living.decide import person_place, step_place
from keepwell.rooms.manual.living.model import Ran, Result
from keepwell.rooms.manual.living.page import face
from keepwell.rooms.manual.living.work import Asking, Living
from keepwell.rooms.samples.work import promises
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.rooms.audits.model import Made
    from keepwell.rooms.runbooks.model import Run as RunbookRun
    from keepwell.rooms.runbooks.model import StepRun

_RESULTS: Mapping[str, Result] = {"done": "ok", "ok": "ok", "warn": "warn", "fail": "fail", "failed": "fail", "missed": "fail"}
_RAN = ("done", "failed")
"""What was skipped, refused or missed is no evidence that it runs."""
_WORK_ON_LOGS = ("rotation", "cleanup", "analysis")
_YEAR = timedelta(days=366)


class ManualRoom:
    """The living manual while a server runs. The rooms that it asks are set before ``begin``, as far as they are there."""

    def __init__(self, database: Database, host: Host, directory: str, data: Path) -> None:
        self._database = database
        self._clock = host.clock
        self._operations: Operations | None = None
        self.living = Living(Path(directory), data, self._asking, host.clock.now)
        self._others = Others()
        self._checks: Checks | None = None
        self._samples: SampleRoom | None = None
        self._alerts: AlertRoom | None = None

    def asks(self, others: Others, checks: Checks, samples: SampleRoom, alerts: AlertRoom) -> None:
        """Takes the rooms that it asks; before ``begin``."""
        self._others, self._checks, self._samples, self._alerts = others, checks, samples, alerts

    @property
    def performs(self) -> Mapping[str, Perform]:
        """Nothing: it shows."""
        return {}

    @property
    def activities(self) -> Sequence[Activity]:
        """None."""
        return ()

    def on_wake(self, wake: Callable[[], None]) -> None:
        """It wakes nobody."""

    def recurring(self, operations: Operations) -> Sequence[Recurring]:
        """Nothing."""
        return ()

    async def begin(self, operations: Operations) -> None:
        """Takes the first configuration."""
        self._operations = operations

    async def configure(self, operations: Operations) -> None:
        """Takes a configuration."""
        self._operations = operations

    async def end(self) -> None:
        """Nothing is kept."""

    def face(self) -> Face:
        """What is shown."""
        return face(self.living)

    def _asking(self) -> Sequence[Asking]:
        return (
            self._of_checks,
            self._of_rules,
            self._of_objectives,
            self._of_tasks,
            self._of_backups,
            self._of_logs,
            self._of_incidents,
            self._of_audits,
            self._of_runbooks,
        )

    async def _of_checks(self) -> dict[str, Ran]:
        shown = self._checks.shown() if self._checks is not None else ()
        return {
            f"checks.{one.check.name}": Ran(one.standing.last_at, one.state.value, one.standing.sentence, f"/checks/{one.check.name}")
            for one in shown
            if one.standing is not None
        }

    async def _of_rules(self) -> dict[str, Ran]:
        """A rule ran when it was judged: that it fires is no fault of the rule."""
        if self._alerts is None or self._alerts.rules is None:
            return {}
        found = {}
        for rule in self._alerts.rules.listed():
            if rule.get("evaluated_at") is not None:
                at = rule["evaluated_at"]
                result: Result = "warn" if rule["state"] == "firing" else "fail" if rule["state"] == "error" else "ok"
                found[f"rules.{rule['name']}"] = Ran(at, result, f"judged: {rule['state']}{_why(rule)}", "/alerts")
        return found

    async def _of_objectives(self) -> dict[str, Ran]:
        if self._samples is None:
            return {}
        words: Mapping[str, Result] = {"met": "ok", "missed": "warn", "warning": "warn", "critical": "fail"}
        answer, now = await promises.objectives(self._samples.asker()), self._clock.now()
        return {
            f"objectives.{one['name']}": Ran(now, words[one["verdict"]], f"{one['promise']} {one['target']}: {one['measured_words']}")
            for one in answer["objectives"]
            if one["verdict"] in words
        }

    async def _of_tasks(self) -> dict[str, Ran]:
        runs = self._others.tasks.ended_all() if self._others.tasks is not None else {}
        return {
            f"tasks.{name}": Ran(run.ended_at or run.due_at, _result(run.state.value), f"{run.state.value}: {run.sentence}", "/tasks")
            for name, run in runs.items()
            if run.state.value in _RAN
        }

    async def _of_backups(self) -> dict[str, Ran]:
        found: dict[str, Ran] = {}
        for one in await self._others.backups.listed() if self._others.backups is not None else ():
            newest = one.newest
            if newest is not None:
                ran = Ran(newest.finished, "fail" if one.state == "failed" else "ok", one.sentence, f"/backups/{one.backup.name}")
                found[f"backups.{one.backup.name}"] = found[f"repositories.{newest.repository}"] = ran
        return found

    async def _of_logs(self) -> dict[str, Ran]:
        names = list(self._operations.options("logs")) if self._operations is not None and self._others.logs is not None else []
        found: dict[str, Ran] = {}
        for name in names:
            newest = [one for kind in _WORK_ON_LOGS for one in [await self._log(name, kind)] if one is not None]
            if newest:
                found[f"logs.{name}"] = max(newest, key=lambda ran: ran.at)
        return found

    async def _log(self, name: str, kind: str) -> Ran | None:
        assert self._others.logs is not None
        one = await self._others.logs.newest(name, kind)
        if one is None or one["ended_at"] is None:
            return None
        return Ran(one["ended_at"], _result(str(one["outcome"])), f"{kind}: {one['sentence']}", "/logs")

    async def _of_incidents(self) -> dict[str, Ran]:
        """A severity was used when an incident of it was opened."""
        if self._others.incidents is None:
            return {}
        now = self._clock.now()
        happened = sorted(await self._others.incidents.between(now - _YEAR, now), key=lambda one: one.opened_at)
        return {
            f"incidents.severities.{one.severity}": Ran(one.opened_at, "ok", f"{one.number} {one.title}", f"/incidents/{one.number}")
            for one in happened
        }

    async def _of_audits(self) -> dict[str, Ran]:
        made = await self._others.audits.newest_all() if self._others.audits is not None else {}
        return {
            f"audits.{name}": Ran(one.ended_at, _found(one), one.sentence, f"/audits/{name}")
            for name, one in made.items()
            if one.ended_at is not None
        }

    async def _of_runbooks(self) -> dict[str, Ran]:
        from keepwell.rooms.runbooks.model import Way
        from keepwell.rooms.runbooks.prepare import WHOLE
        from keepwell.rooms.runbooks.store import ended_last

        found: dict[str, Ran] = {}
        for run in await self._database.read(ended_last):
            path = run.runbook
            if run.state.value in _RAN:
                found[path] = Ran(run.ended_at or run.began_at or run.asked_at, _result(run.state.value), _said(run), f"/runs/{run.number}")
            alike: Counter[str] = Counter()
            for step in run.steps:
                said = step_place(path, step.title, alike)
                if step.state.value in _RAN:
                    found |= dict.fromkeys((said, f"{path}#{step.name}"), _stepped(run, step))
                if step.state.value in _RAN and step.way is Way.PERSON:
                    found[person_place(path if step.name == WHOLE else f"{path}#{step.name}")] = _stepped(run, step)
        return found


def _stepped(run: "RunbookRun", step: "StepRun") -> Ran:
    at = step.ended_at or step.began_at or run.asked_at
    by = f" by {step.by}" if step.by else ""
    return Ran(
        at, _result(step.state.value), f"{step.state.value}{by}{f': {step.sentence}' if step.sentence else ''}", f"/runs/{run.number}"
    )


def _said(run: "RunbookRun") -> str:
    return f"{run.state.value}: {run.sentence}" if run.sentence else run.state.value


def _result(state: str) -> Result:
    return _RESULTS.get(state, "unknown")


def _found(made: "Made") -> Result:
    """An audit that could not be made tells nothing of what it looks at."""
    if made.outcome == "failed":
        return "unknown"
    return "warn" if made.findings > made.waived else "ok"


def _why(rule: Mapping[str, Any]) -> str:
    return f", {rule['why']}" if rule.get("why") else ""
