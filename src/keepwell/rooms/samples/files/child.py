"""The child process that compacts, rolls up and merges: ``python -m keepwell.rooms.samples.files.child WORK FOLDER LOG START...``.

It works alone on the folder (a lock that ends with it), so that one which outlived its server cannot put an older file over a newer
one. What it did is one line of JSON on its output for each hour or day. It does its work at a lower priority.
"""

import fcntl
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import KeepwellError
from keepwell.rooms.samples.files.compact import compact_hour, roll_hour
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.days import merge_day
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.parquet import Point, be_frugal, nothing
from keepwell.rooms.samples.files.source import Source
from keepwell.rooms.samples.files.verifying import verify_all
from keepwell.rooms.samples.log import Log

LOCK = ".working"

_NICENESS = 10


def work(kind: str, folder: Path, log: Path, start: int, point: Point = nothing) -> dict[str, Any]:
    """Does one piece of work, alone on the folder, and gives what came of it. Raises OSError, StorageError, Damaged."""
    with _alone(folder):
        return dict(_WORKS[kind](Layout(folder), log, start, point))


def _compact(layout: Layout, log: Path, hour: int, point: Point) -> Mapping[str, Any]:
    with closing(Log.open_to_read(log)) as opened:
        return asdict(compact_hour(layout, Source(opened, hour), hour, point))


def _roll(layout: Layout, log: Path, hour: int, point: Point) -> Mapping[str, Any]:
    with closing(Log.open_to_read(log)) as opened:
        metrics = opened.metrics()
    return {"rows": roll_hour(layout, hour, metrics, point), "said": []}


def _merge(layout: Layout, _log: Path, day: int, point: Point) -> Mapping[str, Any]:
    return asdict(merge_day(layout, day, point))


def _verify(layout: Layout, _log: Path, _day: int, _point: Point) -> Mapping[str, Any]:
    return {"found": verify_all(layout), "said": []}


_WORKS: Mapping[str, Callable[[Layout, Path, int, Point], Mapping[str, Any]]] = {
    "compact": _compact,
    "roll": _roll,
    "merge": _merge,
    "verify": _verify,
}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def peak() -> int:
    """The most memory that this process had at a time, in bytes (proc(5), VmHWM: unlike getrusage it does not count what was there
    before the program was replaced)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def main(arguments: list[str]) -> int:
    """The program. Where a piece of work cannot be done, its line says why, nothing more is tried, and the exit code is 1."""
    kind, folder, log, *starts = arguments
    os.nice(_NICENESS)
    be_frugal()
    spent = 0.0
    for start in starts:
        outcome = _outcome(kind, Path(folder), Path(log), int(start))
        before, spent = spent, sum(os.times()[:2])
        sys.stdout.write(json.dumps(outcome | {"peak": peak(), "seconds": round(spent - before, 3)}) + "\n")
        sys.stdout.flush()
        if "fault" in outcome:
            return 1
    return 0


def _outcome(kind: str, folder: Path, log: Path, start: int) -> dict[str, Any]:
    try:
        return work(kind, folder, log, start)
    except OSError as error:
        return {"fault": os.strerror(error.errno) if error.errno else str(error)}  # Arrow's own text is about its own steps
    except (KeepwellError, Damaged) as error:
        return {"fault": str(error)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
