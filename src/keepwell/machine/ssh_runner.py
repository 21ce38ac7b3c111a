"""Runs programs on another host by SSH."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from keepwell.kernel.problems import AskError, Unreachable
from keepwell.kernel.redaction import Redactor
from keepwell.ports.runner import Command, Result
from keepwell.ports.secrets import Secrets

from .output import Capture
from .remote_shell import ended_late, limit_there, why_not_started, written
from .ssh_connection import SshConnection

AT_ONCE = 8
"""Programs that run at once on one host; sshd's own limit of sessions is usually 10 (MaxSessions, sshd_config(5))."""

_GRACE = 0.35
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
        ends = started + command.timeout
        values = [await self._secrets.resolve(reference) for reference in command.secrets.values()]
        async with self._within(command.timeout):
            run, limit = await self._begin(command, values, ends)
            try:
                await run.ended_within(ends + _GRACE - time.monotonic())
            finally:
                run.abort()
        if run.is_over_without_a_word or (not run.is_over and not run.is_heard):
            self._connection.drop()
            how = "was lost" if run.is_over else "fell silent"
            raise Unreachable(f"the connection to the host {self._connection.name} {how} while {command.argv[0][:100]} ran")
        result = run.result(values, not run.is_over)
        if ended_late(result, limit):
            result = replace(result, status=None, timed_out=True)
        why = "" if result.timed_out else why_not_started(command, result)
        if why:
            raise AskError(f"on the host {self._connection.name}: {why}")
        return replace(result, seconds=time.monotonic() - started)

    @contextlib.asynccontextmanager
    async def _within(self, seconds: float) -> AsyncIterator[None]:
        # Half of the time at most: who begins with a moment left would take a busy host for one that does not answer.
        wait = seconds / 2
        try:
            async with asyncio.timeout(wait):
                await self._room.acquire()
        except TimeoutError:
            why = f"on the host {self._connection.name} so much runs already that this found no room within {wait:.3g} s"
            raise AskError(why) from None
        try:
            yield
        finally:
            self._room.release()

    async def _begin(self, command: Command, secrets: list[str], ends: float) -> "tuple[_Run, float]":
        """Opens the session; where the connection turns out to be dead, one new one is made. Gives the seconds that it may run, too."""
        for attempt in (1, 2):
            connection = await self._connection.get(ends - time.monotonic())
            import asyncssh  # there is a connection, so it is there, and loaded

            limit = limit_there(ends - time.monotonic())
            text = written(command, secrets, limit, sudo=self._sudo)
            run = _Run(command.output_limit)
            try:
                async with asyncio.timeout(ends - time.monotonic()):
                    channel, _ = await connection.create_session(lambda run=run: run, text.text, encoding=None)  # type: ignore[misc]
            except (TimeoutError, OSError, asyncssh.Error) as error:
                self._connection.drop()
                if attempt == 2 or isinstance(error, TimeoutError):
                    why = "it does not answer any more" if isinstance(error, TimeoutError) else f"it opens no session ({error})"
                    raise Unreachable(f"the host {self._connection.name} cannot be reached: {why}") from error
                continue
            channel.write(text.stdin)
            channel.write_eof()
            return run, limit
        raise AssertionError("the second attempt returns or raises")


class _Run:
    """One session: what asyncssh tells of it (``asyncssh.SSHClientSession``), kept."""

    def __init__(self, limit: int) -> None:
        self._output, self._errors = Capture(limit), Capture(limit)
        self._status: int | None = None
        self._signal: str | None = None
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._channel: Any = None
        self._started = self._heard = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._ended.done()

    @property
    def is_over_without_a_word(self) -> bool:
        """Whether it has ended, and nothing was said about how."""
        return self.is_over and self._status is None and self._signal is None

    @property
    def is_heard(self) -> bool:
        """Whether something came from the host a moment ago."""
        return time.monotonic() - self._heard < _GRACE

    async def ended_within(self, seconds: float) -> None:
        """Waits for its end, so many seconds at most."""
        await asyncio.wait((self._ended,), timeout=max(0.0, seconds))

    def abort(self) -> None:
        """Closes the session where it is still open."""
        if self._channel is not None and not self._channel.is_closing():
            self._channel.abort()

    def result(self, secrets: list[str], timed_out: bool) -> Result:
        """How it ended, and how long it ran."""
        stdout, stdout_dropped = self._output.text(secrets)
        stderr, stderr_dropped = self._errors.text(secrets)
        redactor = Redactor(secrets)
        number = _number(self._signal)
        return Result(
            status=self._status if number is None else None,
            signal=number,
            stdout=redactor.redact(stdout),
            stderr=redactor.redact(stderr),
            seconds=time.monotonic() - self._started,
            timed_out=timed_out,
            dropped=(stdout_dropped, stderr_dropped),
        )

    # --- called by asyncssh ------------------------------------------------------------------------------------------------

    def connection_made(self, channel: Any) -> None:
        self._channel = channel

    def session_started(self) -> None:
        pass

    def data_received(self, data: bytes, kind: int | None) -> None:
        self._heard = time.monotonic()
        (self._errors if kind == _STDERR else self._output).feed(data)

    def eof_received(self) -> bool:
        return True  # the output ended; the session stays open until the status is known

    def exit_status_received(self, status: int) -> None:
        self._heard = time.monotonic()
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, message: str, language: str) -> None:
        self._heard = time.monotonic()
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
