"""Services of any other manager: a command for each verb, which must be accepted like every step."""

import shlex
from typing import Annotated

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

Words = Annotated[tuple[str, ...], Field(min_length=1)]


class CommandOptions(Options):
    """The commands of a service, each as a list of words."""

    status: Words
    """Tells how it stands: exit status 0 running, 3 or 4 not running (as LSB's init scripts do), any other: unknown."""
    start: Words
    """Starts it."""
    stop: Words
    """Stops it."""
    restart: Words
    """Restarts it."""
    reload: Words | None = None
    """Makes it read its configuration again. Without it: it cannot."""


_NOT_RUNNING = (3, 4)


def command(options: CommandOptions, verb: str, unit: str) -> Command:
    """The words of a verb. Raises AnswerError where there are none."""
    words: tuple[str, ...] | None = getattr(options, verb)
    if words is None:
        raise AnswerError(f"nothing says how {unit} is told to {verb}")
    return Command(words, timeout=10.0 if verb == "status" else 120.0)


def read(options: CommandOptions, unit: str, result: Result) -> UnitState:
    """The state by the exit status (Linux Standard Base 5.0, chapter 22.2)."""
    if result.status not in (0, *_NOT_RUNNING):
        raise AnswerError(f"{shlex.join(options.status)} ended with {result.status}: {(result.stderr or result.stdout).strip()[:200]}")
    return UnitState(result.status == 0, (result.stdout or result.stderr).strip().partition("\n")[0][:200])


def place(options: CommandOptions) -> str:
    """All of its commands: who accepts a step accepts these."""
    verbs = ("status", "start", "stop", "restart", "reload")
    return "; ".join(f"{verb}: {shlex.join(words)}" for verb in verbs if (words := getattr(options, verb)) is not None) + " for"


DRIVER = Manager(
    "A service with commands of its own",
    CommandOptions,
    command,
    read,
    place,
    lambda options: None,
    example="""\
services:
  shop:
    command:
      status: [sv, status, shop]
      start: [sv, up, shop]
      stop: [sv, down, shop]
      restart: [sv, restart, shop]
""",
)
