"""Ends a server together with the steps that it started, as a service manager does that takes all of a unit down, or a loss of power."""

import os
import signal
from pathlib import Path

from tests.runs_served import Runs


def killed_with_its_steps(runs: Runs) -> None:
    """SIGKILL to the server and to everything that minds or runs one of its steps; then another server is started."""
    runs.server.signal(signal.SIGSTOP)
    for process in _sessions(runs.data):
        os.killpg(process, signal.SIGKILL)
    runs.again(kill=True)


def _sessions(data: Path) -> list[int]:
    """The processes that mind steps of this data directory: each leads a group of its own."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended meanwhile
        if b"keepwell-minder" in arguments and any(argument.startswith(os.fsencode(data)) for argument in arguments):
            found.append(int(name))
    return found
