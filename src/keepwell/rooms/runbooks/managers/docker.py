"""Containers of Docker, by the client docker(1)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

_ON_ITS_WAY = ("restarting", "removing")
_RESTS = ("created", "exited", "dead")
_UNKNOWN = re.compile(r"No such container: ")


class DockerOptions(Options):
    """A container of Docker."""

    container: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The container's name, where it is another than the service's."""


def command(options: DockerOptions, verb: str, unit: str) -> Command:
    """``docker start|stop|restart``; a reload is the signal HUP to its first process."""
    if verb == "status":
        return Command(("docker", "inspect", "--type=container", "--format={{json .State}}", unit), timeout=10.0, package="docker.io")
    if verb == "reload":
        return Command(("docker", "kill", "--signal=HUP", unit), timeout=30.0, package="docker.io")
    return Command(("docker", verb, unit), timeout=120.0, package="docker.io")


def read(options: DockerOptions, unit: str, result: Result) -> UnitState:
    """The state as ``docker inspect`` gives it; a container whose health check is not through yet is on its way. Raises AnswerError for a
    container that there is not."""
    if result.status and _UNKNOWN.search(result.stderr):
        raise AnswerError(f"Docker knows no container {unit}")
    try:
        state = json.loads(result.stdout)
        status = str(state["Status"])
    except (ValueError, KeyError, TypeError):
        raise AnswerError(f"docker gave no usable answer: {(result.stderr or result.stdout).strip()[:200]}") from None
    health = str((state.get("Health") or {}).get("Status", ""))
    words, instance = f"{status} {health}".strip(), str(state.get("StartedAt", ""))
    if status in _ON_ITS_WAY or (status == "running" and health == "starting"):
        return UnitState(None, words, instance)
    if status in _RESTS:
        return UnitState(False, status + _end(state), instance, rests=True)
    return UnitState(status == "running" and health != "unhealthy", words, instance)


def _end(state: Mapping[str, Any]) -> str:
    """How its process ended, as the end of a sentence."""
    if state.get("OOMKilled"):
        return ": memory ran out"
    if error := str(state.get("Error") or ""):
        return f": {error[:200]}"
    return f": its process ended with status {code}" if (code := state.get("ExitCode")) is not None else ""


def place(options: DockerOptions) -> str:
    """Which Docker."""
    return "docker"


DRIVER = Manager(
    "A container of Docker",
    DockerOptions,
    command,
    read,
    place,
    lambda options: options.container,
    example="services:\n  shop:\n    docker: {container: shop-1}\n",
)
