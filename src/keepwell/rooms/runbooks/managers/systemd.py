"""Units of systemd, by systemctl(1)."""

from collections.abc import Mapping

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

_ON_ITS_WAY = ("activating", "deactivating", "reloading", "refreshing", "maintenance")
_PROPERTIES = "LoadState,ActiveState,SubState,Result,Type,Job,InvocationID,ExecMainCode,ExecMainStatus"
_LOADED: Mapping[str, str] = {
    "masked": "it is masked: it cannot be started until systemctl unmask",
    "not-found": "its unit file is gone",
    "bad-setting": "its unit file has a setting that systemd does not understand",
    "error": "its unit file cannot be read",
}
"""What to say of a unit that is not loaded as it should be (``LoadState``, org.freedesktop.systemd1(5))."""

_RESULTS: Mapping[str, str] = {
    "resources": "something that it needs was not there: a file, a folder, memory",
    "protocol": "it ended, or did not say that it is ready, as its unit file says that it does",
    "timeout": "it took longer than its unit file allows",
    "exit-code": "a program of it ended with a failure",
    "signal": "it was ended by a signal",
    "core-dump": "it crashed",
    "watchdog": "it gave no sign of life in time",
    "start-limit-hit": "it was started too often in a short time (systemctl reset-failed)",
    "oom-kill": "memory ran out",
}
"""Why a unit failed (``Result``, systemd.service(5))."""

_STATUSES: Mapping[str, str] = {
    "200": "its folder cannot be entered",
    "203": "its program cannot be started",
    "216": "its group is not there",
    "217": "its user is not there",
    "226": "its name space cannot be made",
}
"""Exit statuses by which systemd tells that it could not start the program (systemd.exec(5), "Process exit codes")."""

_OF_THE_USER = 'export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"; exec systemctl --user "$@"'
"""systemctl finds the user's own systemd by a variable that a service, a task at night and a command over ssh do not have
(pam_systemd(8), which sets it to this for whoever logs in)."""

_EXITED = "1"
"""``ExecMainCode`` of a process that ended by itself (CLD_EXITED, waitid(2))."""


class SystemdOptions(Options):
    """A unit of systemd."""

    unit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9@_.:\\-]+$")
    """The unit's name, where it is another than the service's."""
    user: bool = False
    """Whether it belongs to the user's own systemd (``--user``)."""


def command(options: SystemdOptions, verb: str, unit: str) -> Command:
    """``systemctl VERB UNIT``; for the status its properties, since the words of ``systemctl status`` are for people."""
    if verb == "status":
        return Command((*_systemctl(options), "show", f"--property={_PROPERTIES}", "--", unit), timeout=10.0)
    return Command((*_systemctl(options), verb, "--", unit), timeout=120.0)


def shown(options: SystemdOptions, unit: str) -> Command:
    """``systemctl status``, with the last lines of its log, whole."""
    return Command((*_systemctl(options), "status", "--no-pager", "--full", "--", unit), timeout=10.0)


def _systemctl(options: SystemdOptions) -> tuple[str, ...]:
    return ("/bin/sh", "-c", _OF_THE_USER, "systemctl") if options.user else ("systemctl",)


def read(options: SystemdOptions, unit: str, result: Result) -> UnitState:
    """The state from the properties. Raises AnswerError for a unit that there is not.

    While a job of the unit waits or is done (``Job``), the unit is on its way whatever it is called just then: between the two halves of a
    restart it is inactive.
    """
    found = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    active, load = found.get("ActiveState", ""), found.get("LoadState", "")
    if load == "not-found" and active in ("", "inactive"):
        raise AnswerError(f"systemd knows no unit {unit}")
    if not active:
        raise AnswerError(f"systemctl gave no usable answer: {(result.stderr or result.stdout).strip()[:200]}")
    on_its_way = active in _ON_ITS_WAY or found.get("Job", "") not in ("", "0")
    reasons = [reason for reason in (_LOADED.get(load, ""), _failure(found) if active == "failed" else "") if reason]
    words = f"{active} ({found.get('SubState', '')})" + (f": {'; '.join(reasons)}" if reasons else "")
    return UnitState(
        None if on_its_way else active == "active",
        words,
        found.get("InvocationID", ""),
        rests=not on_its_way and active != "active",
        completed=not on_its_way and active == "inactive" and found.get("Type") == "oneshot" and load == "loaded",
    )


def _failure(found: Mapping[str, str]) -> str:
    """Why it failed."""
    why, status = found.get("Result", ""), found.get("ExecMainStatus", "")
    if why == "exit-code" and found.get("ExecMainCode") == _EXITED and status not in ("", "0"):
        return _STATUSES.get(status, f"its process ended with status {status}")
    return _RESULTS.get(why, "")


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
    shown=shown,
)
