"""A child process on the event loop, without a thread for it and without asyncio's transports: one process costs little more than its fork.

Its end is seen through a pidfd (pidfd_open(2), Linux 5.3); it is reaped only after the last signal to its group was sent, so that the
group's number cannot have been given to somebody else.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

UMASK = 0o022
"""Files that a command makes are writable by their owner only, however lax Keepwell itself was started."""

_CHUNK = 65536


class Child:
    """A process in a session and group of its own, with its three streams. ``start`` makes one; ``close`` must follow."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._exited = False
        self._reading: set[int] = set()
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._leader_ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(self._pidfd, self._on_exit)

    @classmethod
    def start(cls, argv: Sequence[str], environment: Mapping[str, str], directory: str | None, has_input: bool) -> "Child":
        """Starts the program. Raises OSError or ValueError where it cannot be started."""
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment,
            cwd=directory,
            start_new_session=True,
            umask=UMASK,
        )
        try:
            return cls(process)
        except BaseException:
            process.kill()
            _release(process)
            process.wait()
            raise

    def read(self, on_output: Callable[[bytes], None], on_error: Callable[[bytes], None]) -> None:
        """Hands over what the program writes, as it comes."""
        for stream, taker in ((self._process.stdout, on_output), (self._process.stderr, on_error)):
            assert stream is not None
            descriptor = stream.fileno()
            os.set_blocking(descriptor, False)
            self._reading.add(descriptor)
            self._loop.add_reader(descriptor, self._on_readable, descriptor, taker)

    def write(self, data: bytes) -> None:
        """Feeds its standard input, as fast as it reads, and closes it then. A program that stops reading is not an error."""
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        os.set_blocking(descriptor, False)
        self._feed(descriptor, memoryview(data))

    async def ended(self, seconds: float | None) -> bool:
        """Waits until the program has ended and all of its output is read; whether that came about within so many seconds."""
        return await _within(self._ended, seconds)

    async def leader_ended(self, seconds: float | None) -> bool:
        """Waits until the program itself has ended, whoever still holds its output; whether that came about."""
        return await _within(self._leader_ended, seconds)

    @property
    def is_read_out(self) -> bool:
        """Whether both outputs came to their end."""
        return not self._reading

    def signal_group(self, number: signal.Signals) -> None:
        """Sends a signal to every process of its group, unless it was reaped."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def close(self) -> int | None:
        """Stops reading and reaps. Gives the status (negative: the signal), or None where even SIGKILL has not ended it yet:

        such a process waits inside the kernel, and is reaped when it comes out.
        """
        for descriptor in list(self._reading):
            self._loop.remove_reader(descriptor)
        self._reading.clear()
        self._stop_feeding()
        _release(self._process)
        if self._exited:
            os.close(self._pidfd)
            return self._process.wait()
        self._loop.add_reader(self._pidfd, self._reap_late)
        return None

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._exited = True
        if not self._leader_ended.done():
            self._leader_ended.set_result(None)
        self._check_end()

    def _reap_late(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self._process.wait()

    def _check_end(self) -> None:
        if self._exited and not self._reading and not self._ended.done():
            self._ended.set_result(None)

    def _on_readable(self, descriptor: int, taker: Callable[[bytes], None]) -> None:
        try:
            data = os.read(descriptor, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            taker(data)
            return
        self._loop.remove_reader(descriptor)
        self._reading.discard(descriptor)
        self._check_end()

    def _feed(self, descriptor: int, left: memoryview) -> None:
        try:
            written = os.write(descriptor, left) if left else 0
        except (BlockingIOError, InterruptedError):
            written = 0
        except OSError:  # EPIPE: it does not want the rest
            written = len(left)
        left = left[written:]
        if left:
            self._loop.add_writer(descriptor, self._feed, descriptor, left)
        else:
            self._stop_feeding()

    def _stop_feeding(self) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.closed:
            self._loop.remove_writer(stdin.fileno())
            stdin.close()


async def _within(future: "asyncio.Future[None]", seconds: float | None) -> bool:
    done, _ = await asyncio.wait((future,), timeout=seconds)
    return bool(done)


def _release(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
