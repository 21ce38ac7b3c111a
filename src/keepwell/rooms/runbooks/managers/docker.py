"""Containers of Docker, by the client docker(1)."""

import json

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.runbooks.services import Manager, UnitState

_ON_ITS_WAY = ("restarting", "removing")


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
    """The state as ``docker inspect`` gives it; a container whose health check is not through yet is on its way."""
    try:
        state = json.loads(result.stdout)
        status = str(state["Status"])
    except (ValueError, KeyError, TypeError):
        raise AnswerError(f"docker gave no usable answer: {(result.stderr or result.stdout).strip()[:200]}") from None
    health = (state.get("Health") or {}).get("Status", "")
    if status in _ON_ITS_WAY or (status == "running" and health == "starting"):
        return UnitState(None, f"{status} {health}".strip())
    return UnitState(status == "running" and health != "unhealthy", f"{status} {health}".strip())


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
