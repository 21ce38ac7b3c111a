"""What a driver of a service manager is: a unit's verb becomes a command, and its answer a state. Both are pure."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keepwell.config.options import Options
from keepwell.ports.offer import Drivers
from keepwell.ports.runner import Command, Result

VERBS = ("status", "start", "stop", "restart", "reload")


@dataclass(frozen=True, slots=True)
class UnitState:
    """How a unit stands: ``running`` (None: on its way), and in the manager's own words.

    ``instance`` names this start of it, and another one after each start; empty where the manager does not tell. ``rests``: it does not
    run, and nothing is under way that would change that. ``completed``: it is one that does its work and ends, and that went well.
    """

    running: bool | None
    words: str
    instance: str = ""
    rests: bool = False
    completed: bool = False


@dataclass(frozen=True, slots=True)
class Manager:
    """A driver. ``command`` gives the program for a verb of a unit; ``read`` the state from what the verb ``status`` printed, and raises
    AnswerError where that cannot be read; ``place`` says in one phrase which manager it is, for the acceptance."""

    summary: str
    options: type[Options]
    command: Callable[[Any, str, str], Command]
    read: Callable[[Any, str, Result], UnitState]
    place: Callable[[Any], str]
    unit: Callable[[Any], str | None]
    """What the manager calls it, where that is another name than the service's."""
    example: str = ""
    shown: Callable[[Any, str], Command] | None = None
    """What a step prints that asks how a unit stands, where people read something else than ``read`` does."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and who manages it. ``unit`` is what the manager calls it."""

    name: str
    kind: str
    manager: Manager
    options: Any
    unit: str = ""
    host: str = "local"

    def target(self, unit: str) -> str:
        """What an acceptance names: which unit of which manager, and by what command it is restarted."""
        return f"{self.manager.place(self.options)} {self.unit or unit}"

    def command(self, verb: str, unit: str) -> Command:
        """The program for a verb."""
        return self.manager.command(self.options, verb, self.unit or unit)

    def text(self, verb: str, unit: str) -> str:
        """What a step does, as shell text."""
        if verb == "status" and self.manager.shown is not None:
            return shlex.join(self.manager.shown(self.options, self.unit or unit).argv)
        return shlex.join(self.command(verb, unit).argv)

    def read(self, unit: str, result: Result) -> UnitState:
        """The state from what ``status`` printed."""
        return self.manager.read(self.options, self.unit or unit, result)


def services_of(entries: Mapping[str, Any], drivers: Drivers) -> dict[str, Service]:
    """The services of a configuration that validated, by name."""
    found = {}
    for name, entry in entries.items():
        manager: Manager = drivers.load(entry.kind)
        found[name] = Service(name, entry.kind, manager, entry.options, manager.unit(entry.options) or name, entry.common.on)
    return found
