"""The child that works on files of samples, killed in the middle of writing: for a test of who started it."""

import os
import signal
import sys
from pathlib import Path

from keepwell.rooms.samples.files.child import work


def die(step: str) -> None:
    """The point at which it is killed."""
    if step == "raw: flush":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    kind, folder, log, start = sys.argv[1:]
    work(kind, Path(folder), Path(log), int(start), die)
