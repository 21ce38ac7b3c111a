"""Hosts: the machines and containers beside this one on which checks may look, and how they are reached."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from keepwell.kernel.quoting import quoted

from .options import Options, Reference

LOCAL = "local"
"""The name of the machine that Keepwell runs on; no entry of the section is needed for it."""

_ADDRESS = re.compile(
    r"([A-Za-z_][A-Za-z0-9_.-]{0,31}\$?)@(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}))(?::([0-9]{1,5}))?"
)
_USUAL_PORT = 22


def split_ssh(text: str) -> tuple[str, str, int]:
    """User, host and port of ``user@host[:port]``. Raises ValueError with one sentence for anything else."""
    match = _ADDRESS.fullmatch(text)
    port = int(match[3] or _USUAL_PORT) if match else 0
    if match is None or not 0 < port < 65536:
        raise ValueError(f"{quoted(text)} is no address for SSH: write user@host or user@host:port")
    return match[1], match[2].strip("[]"), port


def _is_ssh(text: str) -> str:
    split_ssh(text)
    return text


class KubernetesHost(Options):
    """A container of a Kubernetes cluster, reached by ``kubectl exec``. Exactly one of pod and deployment."""

    pod: str | None = Field(default=None, min_length=1, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    """The name of a pod."""
    deployment: str | None = Field(default=None, min_length=1, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
    """The name of a deployment; kubectl takes one of its pods."""
    namespace: str | None = Field(default=None, min_length=1, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    """Its namespace. Without it: that of the context."""
    container: str | None = Field(default=None, min_length=1, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")
    """The container, where the pod has several."""
    context: str | None = Field(default=None, min_length=1)
    """The context of the kubeconfig. Without it: the current one."""
    kubeconfig: str | None = Field(default=None, pattern="^/")
    """The path of a kubeconfig. Without it: kubectl's own choice."""

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.pod is None) == (self.deployment is None):
            raise ValueError("give exactly one of pod and deployment")
        return self

    @property
    def workload(self) -> str:
        """What kubectl is told: ``pod/NAME`` or ``deployment/NAME``."""
        return f"pod/{self.pod}" if self.pod is not None else f"deployment/{self.deployment}"


class HostEntry(Options):
    """One host: exactly one of ssh, docker and kubernetes."""

    ssh: Annotated[str, AfterValidator(_is_ssh)] | None = None
    """``user@host`` or ``user@host:port``. Only keys let Keepwell in, never passwords; ``~/.ssh/config`` is not read."""
    jump: Annotated[str, Reference("hosts", acyclic=True)] | None = None
    """Another host of this section (with ssh) through which this one is reached."""
    identity: str | None = Field(default=None, pattern="^[/~]")
    """The path of the private key. Without it: the keys of the SSH agent and the usual files below ``~/.ssh``."""
    known_hosts: str = Field(default="~/.ssh/known_hosts", pattern="^[/~]")
    """The path of the hosts' public keys, as OpenSSH keeps them. A host that is not in it is refused."""
    sudo: bool = False
    """Whether programs run as root by ``sudo -n`` (which asks for no password)."""
    at_once: int = Field(default=8, ge=1, le=100)
    """How many programs may run on it at once. sshd allows 10 sessions unless it is told otherwise (``MaxSessions``)."""
    docker: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The name of a container of Docker on this machine, reached by ``docker exec``."""
    kubernetes: KubernetesHost | None = None
    """A container of a Kubernetes cluster, reached by ``kubectl exec``."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if [self.ssh, self.docker, self.kubernetes].count(None) != 2:
            raise ValueError("give exactly one of ssh, docker and kubernetes")
        of_ssh = sorted(self.model_fields_set & {"jump", "identity", "known_hosts", "sudo", "at_once"})
        if self.ssh is None and of_ssh:
            raise ValueError(f"{of_ssh[0]} belongs to ssh, which is not given")
        return self

    @property
    def kind(self) -> str:
        """By what it is reached: ssh, docker or kubernetes."""
        return "ssh" if self.ssh is not None else "docker" if self.docker is not None else "kubernetes"

    @property
    def place(self) -> str:
        """Where it is, as an acceptance names it."""
        if self.kubernetes is not None:
            given = (self.kubernetes.kubeconfig, self.kubernetes.context, self.kubernetes.namespace)
            return " ".join(
                ["kubernetes", *(part for part in given if part), self.kubernetes.workload, self.kubernetes.container or ""]
            ).strip()
        return f"docker {self.docker}" if self.docker is not None else f"ssh {self.ssh}"

    def user(self, local: str) -> str:
        """As whom programs run there; ``local`` is the user of this process, as whom the clients of containers run."""
        if self.ssh is None:
            return local
        return "root" if self.sudo else split_ssh(self.ssh)[0]
