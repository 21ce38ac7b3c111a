"""What the plan room asks of the others: a directory's checks in its own words, and what recurs in it."""

import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel

from keepwell.composition.hosts import where
from keepwell.config.operations import Operations
from keepwell.kernel.cadences import next_instant, parse_cadence
from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import AskError, Problem
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.http import Request
from keepwell.ports.runner import Command
from keepwell.rooms.audits import offer as audits
from keepwell.rooms.backups import offer as backups
from keepwell.rooms.checks.model import Check, Kind
from keepwell.rooms.checks.patterns import Pattern
from keepwell.rooms.logs import offer as logs
from keepwell.rooms.plan.model import Entry, Operated, PlannedCheck
from keepwell.rooms.reports import offer as reports
from keepwell.rooms.samples.objectives.offer import windows_of
from keepwell.rooms.tasks.offer import beside
from keepwell.rooms.tasks.options import KINDS, TaskOptions

_RECURRING = (
    ("backups", backups.recurring_of),
    ("logs", logs.recurring_of),
    ("audits", audits.recurring_of),
    ("reports", reports.recurring_of),
)
"""The sections by which something recurs, and what does."""


def operated(operations: Operations, checks: tuple[Check, ...], host: str, user: str) -> Operated:
    """A directory as a plan is told it, without what waits for acceptance."""
    return Operated(
        operations.service,
        host,
        user,
        tuple(planned(check, *where(operations, check.host, user)) for check in checks),
        tasks=tasks(operations),
        windows=windows_of(operations.entries("windows")),
    )


def planned(check: Check, host: str, user: str) -> PlannedCheck:
    """A check in the words of a plan."""
    looks = redact_patterns(looks_at(check))
    why = check.waits_because.removeprefix("waiting for acceptance: ") if check.waiting else ""
    return PlannedCheck(check.name, check.kind, check.options.every, looks, host, user, check.needs_acceptance, check.accepted_by, why)


def looks_at(check: Check) -> str:
    """What a check looks at, in one phrase: its request or command, else what its options name."""
    if isinstance(check.driver, Kind):
        try:
            questions = check.driver.ask(check.settings, check.target)
        except AskError as error:
            return f"cannot be made: {error}"
        match questions:
            case (Request() as request,):
                return f"{request.method} {request.url}"
            case (Command() as command,) if check.needs_acceptance is not None:
                return command.argv[-1] if command.argv[:2] == ("/bin/sh", "-c") else shlex.join(command.argv)
    return ", ".join(_named(check)) or check.kind


def _named(check: Check) -> list[str]:
    """The options that say what is looked at: texts and numbers with their names, groups by name, no limits."""
    settings = check.settings
    written = [name for name in type(settings).model_fields if name in settings.model_fields_set] if isinstance(settings, BaseModel) else []
    named = []
    for name in written:
        value = getattr(settings, name)
        if name == "target" and check.target is not None:
            named.append(check.target.url or f"the target {value}")
        elif isinstance(value, str | int) and not isinstance(value, bool):
            named.append(f"{name} {value}")
        elif isinstance(value, Pattern):
            named.append(f"{name} {value.text}")
        elif isinstance(value, BaseModel | Mapping):
            named.append(name)
    return named


def tasks(operations: Operations) -> tuple[Entry, ...]:
    """Whatever recurs, each with its keys as text."""
    entries, options = operations.entries("tasks"), operations.options("tasks")
    named = [Entry(name, planned_task(options[name]), entry.place.line or 0) for name, entry in entries.items()]
    return (*named, *_by_sections(operations))


def _by_sections(operations: Operations) -> Iterator[Entry]:
    """What recurs by sections of other rooms than that of tasks."""
    for section, recurring_of in _RECURRING:
        for one in beside(operations, recurring_of(operations)):
            entry = operations.entries(section).get(one.work.name)
            expected = {"expected_duration": format_duration(one.expected)} if one.expected is not None else {}
            told = {"does": f"{one.work.kind} {one.work.name}", "every": one.every, "zone": one.zone, **expected}
            yield Entry(one.name, told, (entry.place.line if entry is not None else None) or 0)


def never_due(operations: Operations, now: datetime) -> list[Problem]:
    """What is never due although its cadence is one, such as the 30th of February: it would be waited for, for ever."""
    named = [(f"the task {name}", one.every, one.zone, "tasks", name) for name, one in operations.options("tasks").items()]
    for section, recurring_of in _RECURRING:
        named += [(one.name, one.every, one.zone, section, one.work.name) for one in beside(operations, recurring_of(operations))]
    problems = []
    for what, every, zone, section, name in named:
        if next_instant(parse_cadence(every, zone), now) is None:
            entry = operations.entries(section).get(name)
            message = f"{what} is never due: no day of the next fifty years is one of {quoted(every)}"
            problems.append(Problem("tasks.never", message, "write a day that comes", entry.place if entry is not None else None))
    return problems


def planned_task(options: TaskOptions) -> Mapping[str, str]:
    """A task as a plan is told it."""
    work = next((f"{kind} {getattr(options, key)}" for key, kind in KINDS.items() if key != "run" and getattr(options, key)), "")
    expected = format_duration(options.expected_duration) if options.expected_duration is not None else ""
    waits_for = options.waits_for or ("a runbook with its command" if options.shell else "")
    told = {"run": options.run, "does": work, "waits_for": waits_for, "every": options.every, "zone": options.zone}
    return {key: text for key, text in {**told, "window": options.window, "expected_duration": expected}.items() if text}
