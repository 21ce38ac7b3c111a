"""Runs programs on this machine."""

import errno
import os
import signal
import time
from collections.abc import Mapping

from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import Redactor
from keepwell.ports.runner import Command, Result
from keepwell.ports.secrets import Secrets

from .child import Child
from .output import Capture

_LET_THROUGH = frozenset({"PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "TMPDIR"})
_LONGEST = 200
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_HELD_OPEN = "[keepwell: reading stopped, a process that was left behind holds the output open]\n"


class LocalRunner:
    """Starts each program in a session and process group of its own, with the few variables that are let through and no descriptors.

    ``environment`` is what to let variables through from (default: that of this process): PATH, HOME, LANG, LC_*, TZ, USER, LOGNAME and
    TMPDIR. ``grace`` is how many seconds a group gets between SIGTERM and SIGKILL; ``drain`` how many a program's output is still read
    after its end, when a process that it left behind holds it open.
    """

    def __init__(
        self, secrets: Secrets | None = None, environment: Mapping[str, str] = os.environ, grace: float = 1.0, drain: float = 0.25
    ) -> None:
        self._secrets = secrets
        self._environment = allowed(environment)
        self._grace = grace
        self._drain = drain

    async def run(self, command: Command) -> Result:
        """Runs it; see ``keepwell.ports.runner.Runner``. Cancelling kills the whole group. What a program that ended by itself left
        running in the background goes on, as in a shell."""
        values = [await self._resolved(reference) for reference in command.secrets.values()]
        environment = {**self._environment, **command.environment, **dict(zip(command.secrets, values, strict=True))}
        started = time.monotonic()
        child = _started(command, environment)
        output, errors = Capture(command.output_limit), Capture(command.output_limit)
        status: int | None = None
        try:
            child.read(output.feed, errors.feed)
            if command.input is not None:
                child.write(command.input)
            timed_out = not await self._finished(child, command.timeout)
            if timed_out:
                await self._stop(child)
            held_open = not child.is_read_out
        except BaseException:
            child.signal_group(signal.SIGKILL)
            await child.leader_ended(self._grace)
            raise
        finally:
            status = child.close()
        stdout, stdout_dropped = output.text(values)
        stderr, stderr_dropped = errors.text(values)
        redactor = Redactor(values)
        return Result(
            status=status if status is not None and status >= 0 else None,
            signal=-status if status is not None and status < 0 else None,
            stdout=redactor.redact(stdout),
            stderr=redactor.redact(stderr) + (_HELD_OPEN if held_open else ""),
            seconds=time.monotonic() - started,
            timed_out=timed_out,
            dropped=(stdout_dropped, stderr_dropped),
        )

    async def _resolved(self, reference: str) -> str:
        if self._secrets is None:
            raise AskError(f"{quoted(reference)} cannot be resolved here: this runner was given no secrets")
        return await self._secrets.resolve(reference)

    async def _finished(self, child: Child, seconds: float) -> bool:
        """Whether the program ended in time. Its output may be held open by others: it is read for a moment longer."""
        if not await child.leader_ended(seconds):
            return False
        await child.ended(self._drain)
        return True

    async def _stop(self, child: Child) -> None:
        """SIGTERM, and SIGKILL to what is left. A leader that even this does not end waits in the kernel: it is left to itself."""
        child.signal_group(signal.SIGTERM)
        await child.ended(self._grace)
        child.signal_group(signal.SIGKILL)
        if await child.leader_ended(self._grace):
            await child.ended(self._drain)


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that programs get to see. PATH is the usual one where there is none."""
    through = {name: value for name, value in environment.items() if name in _LET_THROUGH or name.startswith("LC_")}
    return {"PATH": _DEFAULT_PATH, **through}


def _started(command: Command, environment: Mapping[str, str]) -> Child:
    if not command.argv or not command.argv[0]:
        raise AskError("there is no program to start")
    program = quoted(command.argv[0], _LONGEST)
    try:
        return Child.start(command.argv, environment, command.directory, command.input is not None)
    except ValueError as error:
        raise AskError(f"{program} cannot be started: an argument or a variable holds a character that none may hold") from error
    except OSError as error:
        raise AskError(_why_not(command, program, error)) from error


def _why_not(command: Command, program: str, error: OSError) -> str:
    if command.directory is not None and error.filename == command.directory:
        return f"{program} cannot be started: its directory {quoted(command.directory, _LONGEST)} cannot be entered ({error.strerror})"
    sentences = {
        errno.ENOENT: f"there is no program {program}, or the interpreter that it names is missing{command.brought_by}",
        errno.EACCES: f"{program} is not executable by this user",
        errno.ENOEXEC: f"{program} is not a program that this machine can run",
        errno.E2BIG: f"the arguments and variables of {program} are longer than this machine allows",
        errno.ENOMEM: f"this machine has no memory left to start {program}",
        errno.EAGAIN: f"this machine allows no further process, so {program} was not started",
        errno.EMFILE: f"this process has no file descriptor left to start {program}",
        errno.ENFILE: f"this machine has no file descriptor left to start {program}",
    }
    return sentences.get(error.errno or 0, f"{program} cannot be started: {error.strerror or error}")
