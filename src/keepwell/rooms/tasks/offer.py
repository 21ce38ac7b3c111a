"""What the room of tasks declares: the section ``tasks``, its tables, and the tasks of a configuration. Imports nothing costly."""

from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.ports.offer import Section, Tables

if TYPE_CHECKING:
    from keepwell.config.operations import Operations
    from keepwell.kernel.windows import Window
    from keepwell.ports.work import Recurring

    from .model import Task
    from .options import TaskOptions

_SAMPLE = """\
# tasks:
#   # Work that recurs. Whatever is late is done once, or is told of.
#   vacuum: {run: runbooks/vacuum.md, every: "Sunday 03:00", zone: Europe/Berlin, expected_duration: 20m, locks: [database]}
#   review-access: {every: first Monday 09:00, priority: high}           # a person does it: keepwell tasks done review-access
"""
SEVERITIES = {"low": "info", "medium": "warning", "high": "critical", "critical": "critical"}
"""A task's priority, and the severity of its alerts."""


def sections() -> tuple[Section, ...]:
    """The section ``tasks``."""
    return (Section("tasks", "Work that recurs: what is done, and when", _tasks, named=True, sample=_SAMPLE),)


def tables() -> Tables:
    """The room's tables."""

    def metadata() -> Any:
        from .tables import METADATA

        return METADATA

    return Tables("tasks", metadata, str(Path(__file__).parent / "migrations"), "tasks_0002")


def tasks_of(operations: "Operations", windows: "Mapping[str, Window]", more: "Sequence[Recurring]" = ()) -> "tuple[Task, ...]":
    """Every task of a configuration, and whatever else recurs in it by a section of its own."""
    named = (_task(name, options, windows) for name, options in operations.options("tasks").items())
    return (*named, *(task_of(one) for one in beside(operations, more)))


def beside(operations: "Operations", recurring: "Iterable[Recurring]") -> "list[Recurring]":
    """What recurs by sections of its own, without the work of which a task says when it is done."""
    from .options import KINDS

    options = list(operations.options("tasks").values())
    said = {(kind, getattr(one, key)) for one in options for key, kind in KINDS.items()}
    return [one for one in recurring if (one.work.kind, one.work.name) not in said]


def check(operations: "Operations", logs: "Container[str]", reports: "Container[str]") -> None:
    """Raises ConfigurationError with every task that cleans or analyses logs, or makes a report, that there are none of."""
    from keepwell.kernel.problems import ConfigurationError, Problem
    from keepwell.kernel.quoting import quoted

    problems = []
    for name, options in operations.options("tasks").items():
        place = operations.entries("tasks")[name].place
        for key, value, known, word in (
            ("clean", options.clean, logs, "logs"),
            ("analyse", options.analyse, logs, "logs"),
            ("report", options.report, reports, "reports"),
        ):
            if value is not None and value.partition("/")[0] not in known:
                message = f"tasks.{name}.{key}: {quoted(value.partition('/')[0])} is not one of the {word}"
                problems.append(Problem("config.reference", message, "", place))
    if problems:
        raise ConfigurationError(*problems)


def task_of(recurring: "Recurring") -> "Task":
    """Work that recurs, as a task."""
    from keepwell.kernel.cadences import parse_cadence

    from .model import Task

    cadence = parse_cadence(recurring.every, recurring.zone)
    return Task(
        recurring.name,
        cadence,
        recurring.work,
        window=recurring.window,
        late=recurring.late,
        expected=recurring.expected,
        locks=recurring.locks,
        severity=recurring.severity,
    )


def _task(name: str, options: "TaskOptions", windows: "Mapping[str, Window]") -> "Task":
    from keepwell.kernel.cadences import parse_cadence
    from keepwell.ports.work import Work

    from .model import Task
    from .options import KINDS

    said = next(((kind, getattr(options, key)) for key, kind in KINDS.items() if getattr(options, key) is not None), None)
    return Task(
        name,
        parse_cadence(options.every, options.zone),
        Work(said[0], said[1].removeprefix("./"), options.with_) if said else None,
        waits_for=options.waits_for or ("a runbook with its command" if options.shell and not said else ""),
        window=windows[options.window] if options.window is not None else None,
        late=options.late,
        expected=options.expected_duration,
        locks=options.locks,
        severity=SEVERITIES[options.priority or "medium"],
    )


def _tasks() -> type[Any]:
    from .options import TaskOptions

    return TaskOptions
