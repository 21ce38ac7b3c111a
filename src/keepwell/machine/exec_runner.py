"""Runs programs in containers: through ``docker exec`` and ``kubectl exec``, which are themselves run by another runner.

The container needs a POSIX shell and ``timeout`` (busybox has both): ending the client does not end what it started in the container.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from keepwell.kernel.problems import AskError, Unreachable
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Command, Result, Runner
from keepwell.ports.secrets import Secrets

from .remote_shell import ended_late, limit_there, why_not_started, written

_LONGEST = 200
_DOCKER_FAILED = re.compile(
    r"(?:Error response from daemon|Error: No such container|(?:ERROR: )?Cannot connect to the Docker daemon|(?:Got )?permission denied "
    r"while trying to connect|error during connect|OCI runtime exec failed|Error: No such exec)"
)
_KUBECTL_ENDED = re.compile(r"command terminated with exit code [0-9]{1,3}\n?\Z")
_NOTES = re.compile(r"^Defaulted container .*\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class KubernetesPlace:
    """A container of a cluster: ``workload`` is ``pod/NAME`` or ``deployment/NAME``; what is empty is kubectl's own choice."""

    workload: str
    namespace: str = ""
    container: str = ""
    context: str = ""
    kubeconfig: str = ""


class ExecRunner:
    """Runs each command by ``before`` and a shell; ``failure`` reads from a Result why the client itself failed (empty: it did not)."""

    def __init__(self, name: str, runner: Runner, secrets: Secrets, before: tuple[str, ...], failure: Callable[[Result], str]) -> None:
        self._name = name
        self._runner = runner
        self._secrets = secrets
        self._before = before
        self._failure = failure

    async def run(self, command: Command) -> Result:
        """Runs it; see ``keepwell.ports.runner.Runner``. Raises Unreachable where the container cannot be used."""
        values = [await self._secrets.resolve(reference) for reference in command.secrets.values()]
        limit = limit_there(command.timeout)
        text = written(command, values, limit)
        # The client gets the secrets too, under names that mean nothing: so they are redacted from what it prints.
        hidden = {f"KEEPWELL_SECRET_{number}": reference for number, reference in enumerate(command.secrets.values())}
        argv = (*self._before, "/bin/sh", "-c", text.text)
        asked = Command(argv, text.stdin, {}, hidden, None, command.timeout, command.output_limit)
        result = await self._runner.run(asked)
        if result.timed_out or ended_late(result, limit):
            return replace(result, status=None, timed_out=True)
        failure = self._failure(result)
        if failure:
            raise Unreachable(f"the host {self._name} cannot be reached: {failure}")
        result = replace(result, stderr=_KUBECTL_ENDED.sub("", _NOTES.sub("", result.stderr)))
        why = why_not_started(command, result)
        if why:
            raise AskError(f"on the host {self._name}: {why}")
        return result


def docker_exec(name: str, runner: Runner, secrets: Secrets, container: str) -> ExecRunner:
    """A runner for a container of Docker, by its name or number."""
    return ExecRunner(name, runner, secrets, ("docker", "exec", "--interactive", "--", container), _docker_failure)


def kubectl_exec(name: str, runner: Runner, secrets: Secrets, place: KubernetesPlace) -> ExecRunner:
    """A runner for a container of a Kubernetes cluster."""
    options = [
        f"--{option}={value}"
        for option, value in (("kubeconfig", place.kubeconfig), ("context", place.context), ("namespace", place.namespace))
        if value
    ]
    inside = [f"--container={place.container}"] if place.container else []
    return ExecRunner(name, runner, secrets, ("kubectl", *options, "exec", "--stdin", *inside, place.workload, "--"), _kubectl_failure)


def _docker_failure(result: Result) -> str:
    if not result.status:
        return ""
    for text in (result.stderr, result.stdout):
        if _DOCKER_FAILED.match(text):
            return quoted(text.strip().splitlines()[0], _LONGEST)
    return ""


def _kubectl_failure(result: Result) -> str:
    """kubectl adds a line where the program in the container failed; without it, it was kubectl that did."""
    if not result.status or _KUBECTL_ENDED.search(result.stderr):
        return ""
    lines = _NOTES.sub("", result.stderr).strip().splitlines()
    return quoted(lines[-1], _LONGEST) if lines else f"kubectl ended with status {result.status}"
