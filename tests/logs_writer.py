"""A program that writes numbered lines to log files, and opens them anew at SIGHUP: what rotations are tested and measured with."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import wait_until

_PROGRAM = """
import os, signal, sys, time
path, rate, prefix = sys.argv[1], float(sys.argv[2]), sys.argv[3]
hang_on = "--hang-on" in sys.argv
wanted = [False]
if "--no-handler" not in sys.argv:
    signal.signal(signal.SIGHUP, lambda *_: wanted.__setitem__(0, True))
def opened():
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
file, number, begun, ending = opened(), 0, time.monotonic(), [False]
signal.signal(signal.SIGTERM, lambda *_: ending.__setitem__(0, True))
print("ready", flush=True)
while not ending[0]:
    if wanted[0] and not hang_on:
        wanted[0] = False
        os.close(file)
        file = opened()
    due = int((time.monotonic() - begun) * rate)
    lines = []
    while number < due:
        lines.append("%s %09d ERROR the same words over and over again, so that something can be compressed\\n" % (prefix, number))
        number += 1
    if lines:
        os.write(file, "".join(lines).encode())
    time.sleep(0.002)
print(number, flush=True)
"""


class Writer:
    """One running writer. ``end`` gives how many lines it wrote."""

    def __init__(self, path: Path, rate: float, more: Sequence[str] = (), prefix: str = "line") -> None:
        argv = [sys.executable, "-c", _PROGRAM, str(path), str(rate), prefix, *more]
        self.path = path
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def wrote(self, size: int = 1) -> None:
        """Waits until the file under its own name has so many bytes."""
        wait_until(lambda: self.path.exists() and self.path.stat().st_size >= size, 20, f"{size} bytes in {self.path}")

    def end(self) -> int:
        """Stops it; how many lines it wrote."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        number = int(self.process.stdout.readline())
        self.process.wait(10)
        self.process.stdout.close()
        return number

    def kill(self) -> None:
        """Ends it at once, where it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def writing(path: Path, rate: float = 2000.0, *more: str, prefix: str = "line") -> Iterator[Writer]:
    """A writer for the length of a ``with``."""
    writer = Writer(path, rate, more, prefix)
    try:
        yield writer
    finally:
        writer.kill()


def numbers_in(folder: Path, name: str) -> list[int]:
    """The numbers of all lines in a file and what was rotated of it, the oldest file first."""
    import gzip

    def age(path: Path) -> int:
        part = path.name.removeprefix(name).removesuffix(".gz").lstrip(".")
        return -int(part) if part else 1

    found: list[int] = []
    files = [path for path in folder.rglob(f"{name}*") if path.is_file()]
    for path in sorted(files, key=age):
        content = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
        found += [int(line.split()[1]) for line in content.splitlines()]
    return found


def pause(seconds: float) -> None:
    """Lets real time pass."""
    time.sleep(seconds)
