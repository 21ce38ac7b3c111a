"""Units of systemd, by systemctl(1)."""

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

_ON_ITS_WAY = ("activating", "deactivating", "reloading")


class SystemdOptions(Options):
    """A unit of systemd."""

    unit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9@_.:\\-]+$")
    """The unit's name, where it is another than the service's."""
    user: bool = False
    """Whether it belongs to the user's own systemd (``--user``)."""


def command(options: SystemdOptions, verb: str, unit: str) -> Command:
    """``systemctl VERB UNIT``; for the status its properties, since the words of ``systemctl status`` are for people."""
    scope = ("--user",) if options.user else ()
    if verb == "status":
        return Command(("systemctl", *scope, "show", "--property=LoadState,ActiveState,SubState", "--", unit), timeout=10.0)
    return Command(("systemctl", *scope, verb, "--", unit), timeout=120.0)


def read(options: SystemdOptions, unit: str, result: Result) -> UnitState:
    """The state from the properties. Raises AnswerError for a unit that there is not."""
    found = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    active = found.get("ActiveState", "")
    if found.get("LoadState") == "not-found":
        raise AnswerError(f"systemd knows no unit {unit}")
    if not active:
        raise AnswerError(f"systemctl gave no usable answer: {(result.stderr or result.stdout).strip()[:200]}")
    running = None if active in _ON_ITS_WAY else active == "active"
    return UnitState(running, f"{active} ({found.get('SubState', '')})")


def place(options: SystemdOptions) -> str:
    """Which systemd."""
    return "systemd of the user" if options.user else "systemd"


DRIVER = Manager(
    "A unit of systemd",
    SystemdOptions,
    command,
    read,
    place,
    lambda options: options.unit,
    example="services:\n  shop:\n    systemd: {unit: shop.service}\n",
)
