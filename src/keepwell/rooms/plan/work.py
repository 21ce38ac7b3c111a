"""Reads the files of an operations directory that a plan needs beside its configuration: runbooks and the last import's report.

Regular files inside the directory only, each read once and up to a bound; nothing is written.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from keepwell.config.runbook_files import leaves, read_regular, read_runbooks, runbook_paths
from keepwell.config.runbooks import Runbook

from .decide import assemble, plan_tasks
from .model import Operated, Plan, PlannedTask, Report
from .reports import FILE, read_report

LARGEST_REPORT = 100_000_000


def make_plan(directory: Path, operated: Operated, now: datetime, days: int) -> Plan:
    """The plan for the days after ``now``."""
    until = now + timedelta(days=days)
    tasks = plan_tasks(operated.tasks, operated.windows, now, until)
    runbooks = read_runbooks(directory, [*(task.run for task in tasks if task.run), *runbook_paths(directory)])
    by_path = {runbook.path: runbook for runbook in runbooks}
    told = tuple(_with_fault(task, by_path) for task in tasks)
    return assemble(Plan(str(directory), operated, now, until, told, runbooks), _report(directory))


def _with_fault(task: PlannedTask, runbooks: dict[str, Runbook]) -> PlannedTask:
    """The task with the reason why its runbook cannot be read."""
    runbook = runbooks.get(task.run)
    return replace(task, faults=(*task.faults, runbook.fault)) if runbook and runbook.fault else task


def _report(directory: Path) -> Report:
    try:
        file = (directory / FILE).resolve()
        if not file.is_relative_to(directory.resolve()):
            return Report(fault=leaves(FILE))
        return read_report(read_regular(file, LARGEST_REPORT))
    except FileNotFoundError:
        return Report()
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Report(fault=f"{FILE} cannot be read: {reason}")
