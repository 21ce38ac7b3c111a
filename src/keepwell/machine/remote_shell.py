"""A command as the text of a POSIX shell on another machine, where there is no way to start a program by its arguments.

Every word is quoted. Values of secrets do not stand in the text, where everybody on that machine could read them (``ps``): they come
first on standard input. ``timeout`` of coreutils ends the whole process group in time, by itself: a signal from here would not always
arrive (sshd passes none on to a session of root's), and none at all where the connection is gone.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.runner import Command, Result

KILL_AFTER = 0.2
"""Seconds between SIGTERM and SIGKILL there."""

_LATE = (124, 137)  # of timeout: it sent SIGTERM; it sent SIGKILL
_LATE_SIGNALS = (9, 15)
_SHARE, _LONGEST_SHARE = 0.2, 1.5

_SYSTEM_PLACES = "/usr/local/sbin:/usr/sbin:/sbin"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NOT_STARTED = re.compile(r"(?:timeout|env): .*?: (No such file or directory|Permission denied|Exec format error)$", re.MULTILINE)
_NO_TIMEOUT = re.compile(r"timeout: (?:command )?not found|not found: timeout", re.IGNORECASE)
_LONGEST = 200
_CANNOT_START = (126, 127)


@dataclass(frozen=True, slots=True)
class Written:
    """The text for ``sh -c``, and what standard input must hold."""

    text: str
    stdin: bytes


def limit_there(seconds: float) -> float:
    """How long a program may run there, of so many seconds here: a little less, so that its end is still heard of in time."""
    return max(seconds - min(_LONGEST_SHARE, seconds * _SHARE), 0.05)


def ended_late(result: Result, limit: float) -> bool:
    """Whether a program that ran for ``result.seconds`` was ended by the limit there."""
    return result.seconds >= limit and (result.status in _LATE or result.signal in _LATE_SIGNALS)


def written(command: Command, secrets: Sequence[str], limit: float, *, sudo: bool = False) -> Written:
    """The command as a text. ``secrets`` are the values of ``command.secrets``, in its order; ``limit`` is how many seconds it may run.

    Raises AskError where no shell can say it.
    """
    if not command.argv or not command.argv[0]:
        raise AskError("there is no program to start")
    words = (*command.argv, *command.environment.values(), command.directory or "")
    if any("\0" in word for word in words) or not all(map(_VARIABLE.fullmatch, (*command.environment, *command.secrets))):
        raise AskError(f"{quoted(command.argv[0], _LONGEST)} cannot be started: an argument or a variable is one that no shell can write")
    hidden = dict(zip(command.secrets, (value.encode("utf-8", "surrogateescape") for value in secrets), strict=True))
    lines = [f'PATH="$PATH:{_SYSTEM_PLACES}"', "export PATH"]
    lines += [_from_input(name, len(value)) for name, value in hidden.items()]
    if command.directory is not None:
        lines.append(f"cd -- {shlex.quote(command.directory)} || exit 126")
    limited = f"timeout -k {KILL_AFTER:g} {max(limit, 0.05):.3f}"
    program = f"{_before(command.environment, tuple(command.secrets), limited, sudo)} {shlex.join(command.argv)}"
    return Written("; ".join([*lines, f"exec {program}"]), b"".join(hidden.values()) + (command.input or b""))


def why_not_started(command: Command, result: Result) -> str:
    """Why a program did not start at all, from what the shell, sudo or ``timeout`` say of it; empty where it did."""
    if result.status == 1 and result.stderr.startswith("sudo: "):
        return f"sudo refused: {quoted(result.stderr.strip().splitlines()[0], _LONGEST)}"
    if result.status not in _CANNOT_START:
        return ""
    program = quoted(command.argv[0], _LONGEST)
    if _NO_TIMEOUT.search(result.stderr):
        return "there is no program timeout (of coreutils), without which nothing is run there"
    match = _NOT_STARTED.search(result.stderr)
    if match is None:
        return ""
    missing = match[1].startswith("No such")
    return f"there is no program {program}{command.brought_by}" if missing else f"{program} cannot be started ({match[1]})"


def _from_input(name: str, length: int) -> str:
    # dd reads exactly so many bytes and leaves the rest to the program; the x keeps line ends, which $() cuts off.
    return f"{name}=$(dd bs=1 count={length} 2>/dev/null; printf x); {name}=${{{name}%x}}; export {name}"


def _before(environment: Mapping[str, str], secrets: tuple[str, ...], limited: str, sudo: bool) -> str:
    assigned = [shlex.join(["env", *(f"{name}={value}" for name, value in environment.items())])] if environment else []
    kept = f" --preserve-env={','.join(secrets)}" if secrets else ""
    return " ".join([*([f"sudo -n{kept} --"] if sudo else []), *assigned, limited])
