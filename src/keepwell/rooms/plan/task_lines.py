"""The tasks of a plan as lines for a terminal: those that recur often by their cadence, the others day by day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from keepwell.config.runbooks import Runbook

from .lines import Line, column, count, some
from .model import Moment, Plan, PlannedTask

MOST_FAULTS = 50


def task_lines(plan: Plan) -> Iterator[Line]:
    """Every task: when it starts, and what it runs."""
    if not plan.tasks:
        return
    yield f"Tasks, begun by keepwell up on {plan.operated.host} as {plan.operated.user}", "strong"
    page = _Page(
        {runbook.path: runbook for runbook in plan.runbooks},
        column(task.name for task in plan.tasks),
        column(task.zone for task in plan.tasks),
    )
    yield from page.often([task for task in plan.tasks if task.frequent])
    yield from page.day_by_day([task for task in plan.tasks if not task.frequent])
    yield from page.silent([task for task in plan.tasks if not task.moments])
    yield from page.wrong([(task, fault) for task in plan.tasks for fault in task.faults])


@dataclass(frozen=True, slots=True)
class _Page:
    """What every line of a task needs: the runbooks by path, and the widths of the columns."""

    runbooks: Mapping[str, Runbook]
    names: int
    zones: int

    def often(self, tasks: list[PlannedTask]) -> Iterator[Line]:
        groups: dict[str, list[PlannedTask]] = {}
        for task in tasks:
            groups.setdefault(f"{_every(task.every)}, {task.zone}", []).append(task)
        for every, group in groups.items():
            yield f"  {every}: {count(len(group), 'task')}", ""
            yield from some(group, self._frequent, "    ")

    def day_by_day(self, tasks: list[PlannedTask]) -> Iterator[Line]:
        """By the date that the task's own zone has."""
        days: dict[date, list[tuple[Moment, PlannedTask]]] = {}
        for task in tasks:
            for moment in task.moments:
                days.setdefault(moment.at.date(), []).append((moment, task))
        for day in sorted(days):
            yield f"  {day:%A %Y-%m-%d}", ""
            yield from some(sorted(days[day], key=lambda start: start[0].at), self._start, "    ")

    def silent(self, tasks: list[PlannedTask]) -> Iterator[Line]:
        if tasks:
            yield "  not in these days", ""
            yield from some(tasks, self._silent, "    ")

    def wrong(self, faults: list[tuple[PlannedTask, str]]) -> Iterator[Line]:
        if faults:
            yield "  what is wrong with those marked (!)", "warn"
            yield from some(faults, self._fault, "    ", MOST_FAULTS)

    def _frequent(self, task: PlannedTask) -> Line:
        return f"    {task.name:{self.names}}  {self._does(task)}", "warn" if task.faults else ""

    def _start(self, start: tuple[Moment, PlannedTask]) -> Line:
        moment, task = start
        window = ""
        if moment.in_window is not None:
            window = f", in its window {task.window}" if moment.in_window else f", OUTSIDE its window {task.window}"
        text = f"    {moment.at:%H:%M} {task.zone:{self.zones}}  {task.name:{self.names}}  {self._does(task)}{window}"
        return text, "warn" if task.faults or moment.in_window is False else ""

    def _silent(self, task: PlannedTask) -> Line:
        following = f"next {task.next:%Y-%m-%d %H:%M} {task.zone}" if task.next else "never"
        text = f"    {task.name:{self.names}}  {task.every or 'no cadence'}: {following}  {self._does(task)}"
        return text, "warn" if task.faults else "dim"

    def _does(self, task: PlannedTask) -> str:
        runbook = self.runbooks.get(task.run)
        steps = ""
        if runbook and not runbook.fault:
            steps = f", {count(len(runbook.steps), 'step')}" if runbook.steps else ", no step: a person does it"
        takes = f", about {task.takes}" if task.takes else ""
        nothing = f"waits for {task.waits_for}" if task.waits_for else "a person does it"
        return f"{task.run or task.does or nothing}{steps}{takes}{' (!)' if task.faults else ''}"

    def _fault(self, told: tuple[PlannedTask, str]) -> Line:
        return f"    {told[0].name:{self.names}}  line {told[0].line}: {told[1]}", "warn"


def _every(text: str) -> str:
    """A cadence as words say it; an interval alone gets its ``every``."""
    return f"every {text}" if text[:1].isdigit() and " " not in text else text
