"""One connection to a host by SSH: made when it is first needed, shared, and made anew after it was lost.

Host keys are verified against a file in OpenSSH's format (known_hosts, sshd(8)); a key that it does not hold is refused, never learned.
``~/.ssh/config`` is not read: what a check runs on stands in keepwell.yaml alone.
"""

import asyncio
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import AskError, Unreachable
from keepwell.kernel.quoting import quoted

from .ssh_address import SshAddress
from .ssh_errors import sentence_for

if TYPE_CHECKING:
    import asyncssh

CONNECT_WITHIN = 10.0
"""Seconds in which a connection must stand."""

RETRY_AFTER = 5.0
"""Seconds after a failure in which the next questions get the same sentence at once, so that a dead host is not asked by each of them."""

_KEEPALIVE = 15.0
_MISSING = "running checks on another host needs asyncssh, which is not installed: pip install 'keepwell[ssh]'"


class SshConnection:
    """The shared connection to one host."""

    def __init__(self, name: str, address: SshAddress) -> None:
        self.name = name
        self.address = address
        self._connection: Any = None
        self._jump = SshConnection(name, address.jump) if address.jump is not None else None
        self._connecting: asyncio.Task[Any] | None = None
        self._failure: tuple[float, str] | None = None

    async def get(self, seconds: float) -> "asyncssh.SSHClientConnection":
        """The connection, made where there is none; all who wait for it share one attempt.

        Raises Unreachable where there is none within so many seconds, AskError where asyncssh is not installed.
        """
        if self._connection is not None and not self._connection.is_closed():
            return self._connection  # type: ignore[no-any-return]
        if self._failure is not None and time.monotonic() - self._failure[0] < RETRY_AFTER:
            raise Unreachable(self._failure[1])
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        done, _ = await asyncio.wait((self._connecting,), timeout=seconds)
        if not done:
            raise Unreachable(f"the host {self.name} ({self.address.text}) cannot be reached: no answer within {seconds:.3g} s")
        task = done.pop()
        if task.cancelled():
            raise Unreachable(f"the host {self.name} ({self.address.text}) cannot be reached: its connection was ended while it was made")
        return task.result()  # type: ignore[no-any-return]

    def drop(self) -> None:
        """Forgets the connection, so that the next question makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    async def close(self) -> None:
        """Ends it, and the one that it goes through."""
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait((self._connecting,))
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            try:
                async with asyncio.timeout(1.0):
                    await connection.wait_closed()
            except TimeoutError:
                connection.abort()
        if self._jump is not None:
            await self._jump.close()

    def _connected(self, task: "asyncio.Task[Any]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._connection, self._failure = task.result(), None
        elif not task.cancelled() and isinstance(task.exception(), Unreachable):
            self._failure = (time.monotonic(), str(task.exception()))

    async def _connect(self) -> Any:
        # In a thread: importing it takes half a second of processor time, and no other check shall wait for that.
        await asyncio.to_thread(_load_library)
        import asyncssh

        from .ssh_host_keys import HostKeys

        keys = await HostKeys.read(self.address)
        tunnel = await self._jump.get(CONNECT_WITHIN) if self._jump is not None else None
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                return await asyncssh.connect(
                    self.address.host,
                    self.address.port,
                    tunnel=tunnel or (),
                    config=None,
                    username=self.address.user,
                    client_keys=list(self.address.keys) or (),  # a tuple would be taken for a key and its certificate
                    agent_path=() if self.address.identity is None else None,
                    known_hosts=keys.known,
                    client_factory=keys.client,
                    preferred_auth="publickey",
                    x11_forwarding=False,
                    keepalive_interval=_KEEPALIVE,
                    login_timeout=CONNECT_WITHIN,
                )
        except (OSError, asyncssh.Error, TimeoutError, ValueError) as error:
            why = keys.refusal or sentence_for(error, self.address, CONNECT_WITHIN)
            raise Unreachable(f"the host {self.name} ({quoted(self.address.text, 200)[1:-1]}) cannot be reached: {why}") from error


def _load_library() -> None:
    try:
        import_module("keepwell.machine.ssh_host_keys")
    except ModuleNotFoundError as error:
        if error.name != "asyncssh":
            raise
        raise AskError(_MISSING) from None
