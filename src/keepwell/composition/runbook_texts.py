"""The runbooks of an operations directory as they would be run, and what in them runs only when accepted."""

import os
from collections.abc import Mapping, Sequence

from keepwell.composition.declared import manager_kinds
from keepwell.composition.hosts import where
from keepwell.config.acceptance import Acceptances, read_acceptances
from keepwell.config.executables import Executable
from keepwell.config.hosts import LOCAL
from keepwell.config.operations import Operations
from keepwell.config.runbook_files import read_runbooks, runbook_paths
from keepwell.kernel.problems import Place, Problem
from keepwell.rooms.runbooks.model import Ready, Way
from keepwell.rooms.runbooks.prepare import Around, executables, prepare
from keepwell.rooms.runbooks.services import services_of


def ready_in(operations: Operations, user: str, more: Sequence[str] = ()) -> tuple[Ready, ...]:
    """The runbooks of a directory as they would be run, with its acceptances; ``more`` are paths that are read beside those of its folder.

    Starts no process, opens no socket, reads no secret. Raises ConfigurationError where acceptances cannot be read."""
    acceptances = read_acceptances(operations.directory)
    hosts = operations.options("hosts")
    around = Around(
        verdict=lambda executable: _verdict(acceptances, executable),
        place=lambda host: where(operations, host, user),
        services=services_of(operations.entries("services"), manager_kinds()),
        checks=frozenset(operations.entries("checks")),
        hosts=frozenset({LOCAL, *hosts}),
        has_program=lambda path: os.access(path, os.R_OK) and os.path.isfile(path),
    )
    runbooks = read_runbooks(operations.directory, [*more, *runbook_paths(operations.directory)])
    return tuple(prepare(runbook, around) for runbook in runbooks)


def doubts(operations: Operations, named: Mapping[str, Place | None]) -> list[Problem]:
    """Which runbooks are never run as they are written, and why. ``named`` are those that something names, and where."""
    places = {os.path.normpath(path): place for path, place in named.items()}
    everything = ready_in(operations, "nobody in particular", list(places))
    return [
        Problem("runbooks.fault", f"{ready.path} is never run as it is written: {why}", hint, places.get(ready.path))
        for ready in everything
        for why, hint in ([(ready.fault, "")] if ready.fault else _in_other_languages(ready))
    ]


def _in_other_languages(ready: Ready) -> list[tuple[str, str]]:
    """Why no shell runs a step that nobody refused, and what to do: a runbook with such a step does not begin."""
    refused = (one for one in ready.steps if one.way is Way.REFUSED and one.step.disposition != "refused")
    hint = "write a first line #! that names its program and sh as the fence's language, or run it with --skip"
    return [(f"step {one.step.number} ({one.step.name}): {one.why}", hint) for one in refused]


def runbook_executables(operations: Operations, user: str) -> list[Executable]:
    """Every text of the runbooks of a directory that runs only when accepted."""
    return [executable for ready in ready_in(operations, user) for executable in executables(ready)]


def _verdict(acceptances: Acceptances, executable: Executable) -> tuple[str, str]:
    acceptance = acceptances.accepts(executable)
    return (acceptance.by, "") if acceptance else ("", acceptances.why_not(executable))
