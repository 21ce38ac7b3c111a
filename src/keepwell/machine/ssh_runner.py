"""Runs programs on another host by SSH."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from keepwell.kernel.problems import AskError, Unreachable
from keepwell.kernel.redaction import Redactor
from keepwell.ports.runner import Command, Result
from keepwell.ports.secrets import Secrets

from .output import Capture
from .remote_shell import Written, why_not_started, written
from .ssh_connection import SshConnection

if TYPE_CHECKING:
    import asyncssh

AT_ONCE = 8
"""Programs that run at once on one host; sshd's own limit of sessions is usually 10 (MaxSessions, sshd_config(5))."""

_GRACE = 0.15
_STDERR = 1  # SSH_EXTENDED_DATA_STDERR: RFC 4254, section 5.2


class SshRunner:
    """Starts each program in a session of its own on one shared connection."""

    def __init__(self, connection: SshConnection, secrets: Secrets, *, sudo: bool = False, at_once: int = AT_ONCE) -> None:
        self._connection = connection
        self._secrets = secrets
        self._sudo = sudo
        self._room = asyncio.Semaphore(at_once)

    async def run(self, command: Command) -> Result:
        """Runs it; see ``keepwell.ports.runner.Runner``. Waiting for a connection or for room counts as part of its time.

        Raises Unreachable where there is no connection, or it was lost meanwhile; AskError where the program cannot be started.
        """
        started = time.monotonic()
        values = [await self._secrets.resolve(reference) for reference in command.secrets.values()]
        text = written(command, values, sudo=self._sudo)
        async with self._within(command.timeout):
            connection = await self._connection.get(command.timeout)
            run = await self._begin(connection, text, command)
            try:
                left = command.timeout - (time.monotonic() - started)
                timed_out = not await run.ended_within(left)
                if timed_out:
                    await run.stop()
            finally:
                run.abort()
        if run.lost and not timed_out:
            self._connection.drop()
            raise Unreachable(f"the connection to the host {self._connection.name} was lost while {command.argv[0][:100]} ran")
        result = run.result(values, time.monotonic() - started, timed_out)
        why = "" if timed_out else why_not_started(command, result)
        if why:
            raise AskError(f"on the host {self._connection.name}: {why}")
        return result

    @contextlib.asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
        except TimeoutError:
            why = f"on the host {self._connection.name} so much runs already that this found no room within {seconds:.3g} s"
            raise AskError(why) from None
        try:
            yield
        finally:
            self._room.release()

    async def _begin(self, connection: "asyncssh.SSHClientConnection", text: Written, command: Command) -> "_Run":
        """Opens the session; where the connection turns out to be dead, one new one is made."""
        import asyncssh

        for attempt in (1, 2):
            run = _Run(command.output_limit)
            try:
                async with asyncio.timeout(command.timeout):
                    channel, _ = await connection.create_session(lambda run=run: run, text.text, encoding=None)  # type: ignore[misc]
            except (TimeoutError, OSError, asyncssh.Error) as error:
                self._connection.drop()
                if attempt == 2 or isinstance(error, TimeoutError):
                    why = "it does not answer any more" if isinstance(error, TimeoutError) else f"it opens no session ({error})"
                    raise Unreachable(f"the host {self._connection.name} cannot be reached: {why}") from error
                connection = await self._connection.get(command.timeout)
                continue
            channel.write(text.stdin)
            channel.write_eof()
            return run
        raise AssertionError("the second attempt returns or raises")


class _Run:
    """One session: what asyncssh tells of it (``asyncssh.SSHClientSession``), kept."""

    def __init__(self, limit: int) -> None:
        self._output, self._errors = Capture(limit), Capture(limit)
        self._status: int | None = None
        self._signal: str | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._channel: Any = None

    @property
    def lost(self) -> bool:
        """Whether it ended without a word about how."""
        return self._status is None and self._signal is None

    async def ended_within(self, seconds: float) -> bool:
        """Waits for its end; whether that came about."""
        done, _ = await asyncio.wait((self._ended,), timeout=max(0.0, seconds))
        return bool(done)

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL to what is left: the server sends both to the whole process group (sshd since 7.9)."""
        for name in ("TERM", "KILL"):
            with contextlib.suppress(OSError):
                self._channel.send_signal(name)
            if await self.ended_within(_GRACE):
                return

    def abort(self) -> None:
        """Closes the session where it is still open."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.abort()

    def result(self, secrets: list[str], seconds: float, timed_out: bool) -> Result:
        """How it ended."""
        stdout, stdout_dropped = self._output.text(secrets)
        stderr, stderr_dropped = self._errors.text(secrets)
        redactor = Redactor(secrets)
        number = _number(self._signal)
        return Result(
            status=self._status if number is None else None,
            signal=number,
            stdout=redactor.redact(stdout),
            stderr=redactor.redact(stderr),
            seconds=seconds,
            timed_out=timed_out,
            dropped=(stdout_dropped, stderr_dropped),
        )

    # --- called by asyncssh ------------------------------------------------------------------------------------------------

    def connection_made(self, channel: Any) -> None:
        self._channel = channel

    def session_started(self) -> None:
        pass

    def data_received(self, data: bytes, kind: int | None) -> None:
        (self._errors if kind == _STDERR else self._output).feed(data)

    def eof_received(self) -> bool:
        return True  # the output ended; the session stays open until the status is known

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, message: str, language: str) -> None:
        self._signal = signal

    def xon_xoff_requested(self, client_can_do: bool) -> None:
        pass

    def pause_writing(self) -> None:
        pass

    def resume_writing(self) -> None:
        pass

    def connection_lost(self, error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)


def _number(name: str | None) -> int | None:
    """The number of a signal that the server names (RFC 4254, section 6.10: without SIG); 0 for one that this machine does not know."""
    import signal

    if name is None:
        return None
    found = getattr(signal.Signals, f"SIG{name}", None)
    return int(found) if found is not None else 0
