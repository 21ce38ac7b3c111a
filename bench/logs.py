"""Logs: lines lost or counted twice while files are rotated, and what questions to large files cost.

``python -m bench.logs rotate [--seconds 60] [--rate 20000]``: a real ``keepwell up`` rotates a file by rename, SIGHUP and compression every
few seconds while a program writes to it, is killed and started again in the middle, and counts each line as it comes. Compared: what was
written, what is in the files, what was counted.
``python -m bench.logs analyse [--megabytes 400]``: six questions to one access log in one pass, in the process that answers them.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Row, process_cpu, process_memory, show
from keepwell.rooms.logs.work.analyse import FRUGAL
from tests.logs_writer import numbers_in, writing
from tests.serving import Served, keepwell, operations

_POLICY = """\
keepwell: 1
service: bench
logs:
  app:
    paths: ["{folder}/*.log"]
    rotate: {{keep: 1000, compress: after 1, create: "640", archive: archive, reopen: HUP}}
    watch: [{{name: errors, pattern: "ERROR|FATAL"}}]
"""
_BETWEEN = 3.0
_LIMIT_MB = 150.0


def rotate(seconds: float, rate: float) -> list[Row]:
    """Rotations while a program writes."""
    with tempfile.TemporaryDirectory(prefix="keepwell-bench-") as place:
        root = Path(place)
        folder = root / "log"
        folder.mkdir()
        (folder / "app.log").touch()
        directory = operations(root / "ops", _POLICY.format(folder=folder))
        server = Served(directory, root / "data").ready()
        _until_counted(server, 0)
        peak, cpu, rotations, begun = 0.0, -process_cpu(server.process.pid), 0, time.monotonic()
        with writing(folder / "app.log", rate) as writer:
            end, killed = time.monotonic() + seconds, False
            while time.monotonic() < end:
                time.sleep(_BETWEEN)
                keepwell("logs", "rotate", "app", "--data", str(server.data))
                rotations += 1
                peak = max(peak, process_memory(server.process.pid)[1])
                if not killed and time.monotonic() > end - seconds / 2:
                    cpu += process_cpu(server.process.pid)
                    server.kill()
                    server, killed = Served(directory, root / "data").ready(), True
                    cpu -= process_cpu(server.process.pid)  # what a start costs is measured elsewhere
            written = writer.end()
        counted = _until_counted(server, written)
        cpu += process_cpu(server.process.pid)
        elapsed = time.monotonic() - begun
        server.stop()
        numbers = numbers_in(folder, "app.log")
        return [
            Row("lines written", written, "lines"),
            Row("rotations, the server killed once", rotations, "times"),
            Row("lines that are in no file", written - len(set(numbers)), "lines", 0.0),
            Row("lines that are in two files", len(numbers) - len(set(numbers)), "lines", 0.0),
            Row("lines not counted, or counted twice", abs(counted - written), "lines", 0.0),
            Row("the server's peak memory", peak, "MB", _LIMIT_MB),
            Row("the server's share of a core", 100 * cpu / elapsed, "%"),
        ]


def _until_counted(server: Served, wanted: int, seconds: float = 60.0) -> int:
    """What was counted, when it is as much as wanted or does not change any more."""
    end, counted = time.monotonic() + seconds, -1
    while time.monotonic() < end:
        counted = server.get("/api/v1/logs")["logs"][0]["counted"].get("errors", -1)
        if counted >= wanted:
            break
        time.sleep(0.5)
    time.sleep(2.0)
    return int(server.get("/api/v1/logs")["logs"][0]["counted"]["errors"])


_QUESTIONS = (
    {"name": "addresses", "ask": "top", "by": "field 1"},
    {"name": "states", "ask": "top", "by": "field 9"},
    {"name": "paths", "ask": "top", "by": "field 7"},
    {"name": "times", "ask": "statistics", "figure": "rt"},
    {"name": "errors", "ask": "count", "patterns": ['" 5[0-9]{2} ']},
    {"name": "newest", "ask": "search", "patterns": ['" 404 '], "last": 20},
)


def analyse(megabytes: int) -> list[Row]:
    """Six questions to one file."""
    with tempfile.TemporaryDirectory(prefix="keepwell-bench-") as place:
        path = Path(place) / "access.log"
        lines = _access_log(path, megabytes)
        empty = {"patterns": [], "without": [], "by": "", "figure": "", "last": 0, "since": None, "path": str(path)}
        asked = [{"files": [str(path)], "missing": "", "zone": "UTC", "year": 2026, "questions": [empty | one for one in _QUESTIONS]}]
        begun = time.monotonic()
        argv = [sys.executable, "-m", "keepwell.rooms.logs.questions.child"]
        frugal = {**os.environ, **FRUGAL}
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=frugal)
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        told = json.loads(child.stdout.read())
        child.stdout.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begun
        size = path.stat().st_size / 1e6
        return [
            Row("file", size, "MB"),
            Row("lines not read", lines - told[0]["lines"], "lines", 0.0),
            Row("six questions, one pass", seconds, "s"),
            Row("of that CPU", usage.ru_utime + usage.ru_stime, "s"),
            Row("read", size / seconds, "MB/s"),
            Row("peak memory of the process", usage.ru_maxrss * 1024 / 1e6, "MB", _LIMIT_MB),
        ]


def _access_log(path: Path, megabytes: int) -> int:
    """A log as nginx writes it; how many lines."""
    chance, lines, size = random.Random(1), 0, 0
    with path.open("w") as file:
        while size < megabytes * 1_000_000:
            for line in _lines(chance, 10_000):
                size += file.write(line)
                lines += 1
    return lines


def _lines(chance: random.Random, count: int) -> Iterator[str]:
    for _ in range(count):
        address = f"10.{chance.randrange(4)}.{chance.randrange(256)}.{chance.randrange(256)}"
        state = chance.choice((200, 200, 200, 200, 304, 404, 500))
        at = f"05/Jan/2026:10:{chance.randrange(60):02}:{chance.randrange(60):02} +0000"
        yield (
            f'{address} - - [{at}] "GET /page/{chance.randrange(500)} HTTP/1.1" '
            f'{state} {chance.randrange(90_000)} "-" "Mozilla/5.0 (X11; Linux x86_64)" rt={chance.random():.3f}\n'
        )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("rotate", "analyse"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20_000.0)
    parser.add_argument("--megabytes", type=int, default=400)
    given = parser.parse_args()
    if given.what == "rotate":
        show(f"Rotation at {given.rate:,.0f} lines/s for {given.seconds:g} s", rotate(given.seconds, given.rate))
    else:
        show("Questions to an access log", analyse(given.megabytes))


if __name__ == "__main__":
    main()
