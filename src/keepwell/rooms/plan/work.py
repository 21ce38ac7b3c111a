"""Reads the files of an operations directory that a plan needs beside its configuration: runbooks and the last import's report.

Regular files inside the directory only, each read once and up to a bound; nothing is written.
"""

import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from keepwell.kernel.quoting import quoted

from .decide import assemble, plan_tasks
from .model import Operated, Plan, PlannedTask, Report, Runbook
from .reports import FILE, read_report
from .runbooks import LONGEST, leaves, read_runbook, unreadable

LARGEST_RUNBOOK = 2_000_000
LARGEST_REPORT = 100_000_000
MOST_RUNBOOKS = 2000
"""Runbooks that are read where no task runs them."""


def make_plan(directory: Path, operated: Operated, now: datetime, days: int) -> Plan:
    """The plan for the days after ``now``."""
    until = now + timedelta(days=days)
    tasks = plan_tasks(operated.kept, operated.windows, now, until)
    runbooks = read_runbooks(directory, [*(task.run for task in tasks if task.run), *_others(directory)])
    by_path = {runbook.path: runbook for runbook in runbooks}
    told = tuple(_with_fault(task, by_path) for task in tasks)
    return assemble(Plan(str(directory), operated, now, until, told, runbooks), _report(directory))


def _with_fault(task: PlannedTask, runbooks: dict[str, Runbook]) -> PlannedTask:
    """The task with the reason why its runbook cannot be read."""
    runbook = runbooks.get(task.run)
    return replace(task, faults=(*task.faults, runbook.fault)) if runbook and runbook.fault else task


def read_runbooks(directory: Path, paths: Iterable[str]) -> tuple[Runbook, ...]:
    """Each of these runbooks, once. One that is not there, cannot be read or leaves the directory has a fault instead of steps."""
    inside = directory.resolve()
    return tuple(_runbook(inside, path) for path in dict.fromkeys(paths))


def _runbook(inside: Path, path: str) -> Runbook:
    try:
        file = (inside / path).resolve()
        if not file.is_relative_to(inside):
            return unreadable(path, leaves(path))
        return read_runbook(path, _read(file, LARGEST_RUNBOOK).decode("utf-8"))
    except FileNotFoundError:
        return unreadable(path, f"{quoted(path, LONGEST)} does not exist")
    except UnicodeDecodeError:
        return unreadable(path, f"{quoted(path, LONGEST)} is not text in UTF-8")
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a circle of links
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return unreadable(path, f"{quoted(path, LONGEST)} cannot be read: {reason}")


def _others(directory: Path) -> list[str]:
    """The files of the folder ``runbooks``, by name."""
    try:
        names = sorted(entry.name for entry in islice(os.scandir(directory / "runbooks"), 10 * MOST_RUNBOOKS) if entry.name.endswith(".md"))
    except OSError:
        return []
    return [f"runbooks/{name}" for name in names[:MOST_RUNBOOKS]]


def _report(directory: Path) -> Report:
    try:
        file = (directory / FILE).resolve()
        if not file.is_relative_to(directory.resolve()):
            return Report(fault=leaves(FILE))
        return read_report(_read(file, LARGEST_REPORT))
    except FileNotFoundError:
        return Report()
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Report(fault=f"{FILE} cannot be read: {reason}")


def _read(file: Path, largest: int) -> bytes:
    """The bytes of a regular file. Opening one that is none (a pipe) never waits."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no regular file")
        with open(handle, "rb", closefd=False) as opened:
            data = opened.read(largest + 1)
    finally:
        os.close(handle)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return data
