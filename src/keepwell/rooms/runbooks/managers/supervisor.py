"""Programs of supervisord, by supervisorctl (http://supervisord.org/running.html#supervisorctl-actions)."""

import re

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

_LINE = re.compile(r"(\S+)\s+([A-Z]+)\b\s*(.*)")
_ON_ITS_WAY = ("STARTING", "BACKOFF", "STOPPING")
_RESTS = ("STOPPED", "EXITED", "FATAL")
_PROCESS = re.compile(r"pid (\d+)")
_UNKNOWN = "(no such process)"


class SupervisorOptions(Options):
    """A program of supervisord."""

    program: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.:-]+$")
    """The program's name (``GROUP:NAME`` in a group), where it is another than the service's."""
    configuration: str | None = Field(default=None, pattern="^/")
    """The path of supervisord's configuration. Without it: supervisorctl's own choice."""
    supervisorctl: str = Field(default="supervisorctl", min_length=1)
    """The program supervisorctl."""


def command(options: SupervisorOptions, verb: str, unit: str) -> Command:
    """``supervisorctl VERB NAME``; what systemd calls a reload is here the signal HUP."""
    chosen = ("-c", options.configuration) if options.configuration else ()
    action = ("signal", "HUP") if verb == "reload" else (verb,)
    timeout = 10.0 if verb == "status" else 120.0
    return Command((options.supervisorctl, *chosen, *action, unit), timeout=timeout, package="supervisor")


def read(options: SupervisorOptions, unit: str, result: Result) -> UnitState:
    """The state from the line of the program (states: http://supervisord.org/subprocess.html#process-states). Raises AnswerError for a
    program that there is not."""
    match = next((match for line in result.stdout.splitlines() if (match := _LINE.fullmatch(line.strip())) and match[1] == unit), None)
    if match is None and f"{unit}: ERROR {_UNKNOWN}" in result.stdout:
        raise AnswerError(f"supervisord knows no program {unit}")
    if match is None or match[2] == "ERROR":
        raise AnswerError(f"supervisorctl gave no usable answer: {(result.stdout or result.stderr).strip()[:200]}")
    running = None if match[2] in _ON_ITS_WAY else match[2] == "RUNNING"
    process = _PROCESS.match(match[3])
    return UnitState(running, f"{match[2]} {match[3]}".strip(), process[1] if process else "", rests=match[2] in _RESTS)


def place(options: SupervisorOptions) -> str:
    """Which supervisord."""
    return f"{options.supervisorctl} {options.configuration or ''}".strip()


DRIVER = Manager(
    "A program of supervisord",
    SupervisorOptions,
    command,
    read,
    place,
    lambda options: options.program,
    example="services:\n  shop:\n    supervisor: {configuration: /etc/supervisor/supervisord.conf}\n",
)
