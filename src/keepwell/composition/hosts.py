"""The hosts of a configuration: this machine, and those beside it, each with its ports; made when a check first looks there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from keepwell.config.hosts import LOCAL, HostEntry, split_ssh
from keepwell.config.operations import Operations
from keepwell.kernel.problems import AskError
from keepwell.ports.host import Host
from keepwell.ports.runner import Command, Result, Runner

if TYPE_CHECKING:
    from keepwell.machine.ssh_address import SshAddress
    from keepwell.machine.ssh_connection import SshConnection


class Hosts:
    """Gives hosts by name. ``local`` is this machine; the others run programs and read files elsewhere, and share its network and clock."""

    def __init__(self, local: Host) -> None:
        self._local = local
        self._entries: Mapping[str, HostEntry] = {}
        self._made: dict[str, Host] = {}
        self._connections: dict[str, SshConnection] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def configure(self, entries: Mapping[str, HostEntry]) -> None:
        """Takes the hosts of a configuration. Connections to hosts that changed or are gone end; the others stay."""
        if any(self._entries.get(name) != entry for name, entry in entries.items() if name in self._made):
            kept: dict[str, SshConnection] = {}  # a changed host may be the jump host of another: begin anew
        else:
            kept = {name: connection for name, connection in self._connections.items() if name in entries}
        for name in self._connections.keys() - kept.keys():
            task = asyncio.create_task(self._connections[name].close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._connections = kept
        self._made = {name: host for name, host in self._made.items() if name in kept}
        self._entries = dict(entries)

    def of(self, name: str) -> Host:
        """The host of that name. One that is unknown, or that cannot be reached as it is written, says so when it is asked something."""
        if name == LOCAL:
            return self._local
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    async def close(self) -> None:
        """Ends every connection."""
        connections, self._connections, self._made = list(self._connections.values()), {}, {}
        await asyncio.gather(*(connection.close() for connection in connections), *self._closing)

    def _make(self, name: str) -> Host:
        from keepwell.machine.requests_from_here import RequestsFromHere
        from keepwell.machine.runner_files import RunnerFiles

        try:
            runner = self._runner(name)
        except AskError as error:
            runner = Nowhere(str(error))
        return replace(self._local, name=name, runner=runner, files=RunnerFiles(runner), http=RequestsFromHere(name, self._local.http))

    def _runner(self, name: str) -> Runner:
        from keepwell.machine.exec_runner import KubernetesPlace, docker_exec, kubectl_exec

        entry = self._entries.get(name)
        if entry is None:
            raise AskError(f"there is no host {name}")
        local, secrets = self._local.runner, self._local.secrets
        if entry.docker is not None:
            return docker_exec(name, local, secrets, entry.docker)
        if entry.kubernetes is not None:
            its = entry.kubernetes
            place = KubernetesPlace(its.workload, its.namespace or "", its.container or "", its.context or "", its.kubeconfig or "")
            return kubectl_exec(name, local, secrets, place)
        from keepwell.machine.ssh_connection import SshConnection
        from keepwell.machine.ssh_runner import SshRunner

        self._connections[name] = connection = SshConnection(name, self._address(name, entry))
        return SshRunner(connection, secrets, sudo=entry.sudo, at_once=entry.at_once)

    def _address(self, name: str, entry: HostEntry) -> "SshAddress":
        from keepwell.machine.ssh_address import SshAddress

        if entry.ssh is None:
            raise AskError(f"the host {name} has no ssh, so nothing can be reached through it")
        user, host, port = split_ssh(entry.ssh)
        jump = self._address(entry.jump, self._entries[entry.jump]) if entry.jump is not None else None
        return SshAddress(user, host, port, entry.identity, entry.known_hosts, jump)


class Nowhere:
    """A runner that runs nothing and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def run(self, command: Command) -> Result:
        """Raises AskError."""
        raise AskError(self._why)


def where(operations: Operations, host: str, user: str) -> tuple[str, str]:
    """The place and the user of a host as an acceptance names them: another address under the same name is another place."""
    entry = operations.options("hosts").get(host) if host != LOCAL else None
    return (f"{host} ({entry.place})", entry.user(user)) if entry is not None else (host, user)


@asynccontextmanager
async def hosts_of(local: Host, entries: Mapping[str, HostEntry]) -> AsyncIterator[Hosts]:
    """The hosts of one configuration, closed at the end."""
    hosts = Hosts(local)
    hosts.configure(entries)
    try:
        yield hosts
    finally:
        await hosts.close()
