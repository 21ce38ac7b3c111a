"""What the rooms of operations cost after five weeks: start-up, memory, idle processor time, each page and each command that lists.

``python -m bench.operations [--manual FILE] [--idle SECONDS] [--keep FOLDER]``. The data (``operations_data``) are made in a temporary
folder.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import operations_data as data
from bench.checks import free_port
from bench.measure import KEEPWELL, Row, process_cpu, process_memory, show, timed
from bench.operations_data import OFTEN, Place
from bench.scene import Running, argv_before, await_port

TIMES = 9
PAGE, COMMAND = 200.0, 500.0
"""Wanted: milliseconds of a page and of a command at most."""
_SETTLE = 20.0
"""Seconds after start-up that are not idle: first looks, first imports."""

_ANSWERS = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
BODY = (b'{"status":"healthy","services":{"audio":"operational","devices":"operational","network":"operational"},'
        b'"metrics":{"memoryUsage":41943040,"responseTime":2.5,"activeConnections":1}}')
class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)
    do_POST = do_GET
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answers).serve_forever()
"""

PAGES = (
    ("checks", "/"),
    ("tasks with the calendar", "/tasks"),
    ("one task", f"/tasks/{OFTEN}"),
    ("occasions of tasks, 50 from the middle on", "/api/v1/task-runs?before={middle}"),
    ("runs", "/runs"),
    ("one run", "/runs/25000"),
    ("runbooks", "/runbooks"),
    ("one runbook", f"/runbooks/{data.RUNBOOK}"),
    ("logs", "/logs"),
    ("one log", "/logs/app"),
    ("backups", "/backups"),
    ("one backup", "/backups/settings"),
    ("incidents", "/incidents?state=all"),
    ("one incident", "/incidents/100"),
    ("audits", "/audits"),
    ("one audit", "/audits/permissions"),
    ("reports", "/reports"),
    ("a report that was made", "/reports/1"),
    ("the weekly report as it is now", "/reports/now/weekly"),
    ("alerts", "/alerts"),
    ("history of alerts", "/alerts/history"),
    ("manual", "/manual"),
    ("manual as one file", "/api/v1/manual?format=html"),
    ("Keepwell itself", "/keepwell"),
)
COMMANDS = (
    "tasks list",
    "tasks history",
    f"tasks show {OFTEN}",
    "runs list",
    "runs runbooks",
    "incidents list",
    "incidents show 100",
    "backups list",
    "audit list",
    "audit findings",
    "logs list",
    "manual export --output {folder}/living.html",
    "report weekly",
    "report capacity",
    "journal list",
    "journal head",
)
_SAY_NO = ("audit list", "audit findings")
"""There are findings: these end with 1."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manual", type=Path, default=data.MANUAL, help="the manual that is imported")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds for which the idle server is watched")
    parser.add_argument("--keep", type=Path, help="a folder for what is made, which stays (a new one, or of an earlier run)")
    given = parser.parse_args()
    with contextlib.ExitStack() as held:
        place = Place(given.keep or Path(held.enter_context(tempfile.TemporaryDirectory())))
        target = _target(place)
        rows = [*_made(place, given.manual, target)]
        server = held.enter_context(_up(place, target, rows))
        _reports(place)
        show(f"Pages after five weeks (95th percentile of {TIMES} over HTTP)", [_page(server, name, path) for name, path in PAGES])
        commands = [_command(place, words) for words in COMMANDS]
        show(f"Commands after five weeks (median of {TIMES})", commands)
        rows += _idle(server, given.idle)
        show("The server after five weeks", rows)
        print(f"  ({os.cpu_count()} cores, load average {os.getloadavg()[0]:.2g})")


def _target(place: Place) -> int:
    """The port of the service that is looked at; of data that were kept, the one that their configuration names."""
    place.folder.mkdir(parents=True, exist_ok=True)
    file = place.folder / "port"
    if not file.exists():
        file.write_text(f"{free_port()}")
    return int(file.read_text())


def _made(place: Place, manual: Path, port: int) -> Iterator[Row]:
    if not place.data.exists():
        began = time.monotonic()
        data.prepare(place, manual, port)
        data.fill(place, datetime.now(UTC).replace(second=0, microsecond=0))
        yield Row("the data are made in", time.monotonic() - began, "s", 60)
    size = sum(file.stat().st_size for file in place.data.rglob("*") if file.is_file())
    yield Row("the data directory", size / 1e6, "MB")


@contextmanager
def _up(place: Place, port: int, rows: list[Row]) -> Iterator[Running]:
    """The server on these data, and the service that its checks look at; adds what start-up took."""
    target = subprocess.Popen([sys.executable, "-c", _ANSWERS, str(port)])
    listen = free_port()
    argv = [KEEPWELL, "up", str(place.operations), "--data", str(place.data), "--listen", f"127.0.0.1:{listen}", "--log-level", "error"]
    server = None
    try:
        await_port(port)
        began = time.monotonic()
        server = subprocess.Popen([*argv_before(), *argv])
        _await_health(server, listen)
        rows += [
            Row("start-up until /health answers", time.monotonic() - began, "s"),
            Row("CPU of start-up", process_cpu(server.pid), "CPU s"),
            Row("resident memory at start-up", process_memory(server.pid)[0], "MB"),
        ]
        time.sleep(_SETTLE)
        yield Running(server.pid, listen, place.data)
    finally:
        for process in (server, target):
            if process is not None:
                process.terminate()
                process.wait(60)


def _await_health(server: subprocess.Popen[bytes], port: int) -> None:
    """Waits for the first answer, at most a minute. Raises SystemExit where the server ended, TimeoutError where it does not answer."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if server.poll() is not None:
            raise SystemExit(f"keepwell up ended with {server.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
            return
        time.sleep(0.01)
    raise TimeoutError("keepwell up did not answer within a minute")


def _reports(place: Place) -> None:
    """Makes a backup and proves it, and five reports, by the commands that people have."""
    data.run(place, "backups", "run", "settings")
    data.run(place, "backups", "prove", "settings")
    for _ in range(5):
        data.run(place, "report", "weekly", "--to", "team")


def _page(server: Running, name: str, path: str) -> Row:
    """How long from the request to the last byte, and how much it is."""
    middle = datetime.fromtimestamp(time.time() - data.DAYS * 43200, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    sizes: list[int] = []

    def ask() -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path.format(middle=middle)}", timeout=60) as answer:
            sizes.append(len(answer.read()))

    median, slow = timed(ask, TIMES)
    return Row(name, slow, f"ms, median {median:.3g}, {sizes[-1] / 1000:.3g} kB", PAGE)


def _command(place: Place, words: str) -> Row:
    """How long from its start to its end, and its CPU. Raises SystemExit where it ends as it should not: one that breaks off is quick."""
    argv = [KEEPWELL, *words.format(folder=place.folder).split(), "--data", str(place.data)]
    fine = 1 if words in _SAY_NO else 0
    spent: list[float] = []

    def ask() -> None:
        child = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode != fine:
            raise SystemExit(f"keepwell {words} ended with {child.returncode}")
        spent.append(usage.ru_utime + usage.ru_stime)

    median, slow = timed(ask, TIMES)
    name = words.partition(" --output")[0]
    return Row(f"keepwell {name}", median, f"ms, 95th percentile {slow:.3g}, its CPU {statistics.median(spent):.2g} s", COMMAND)


def _idle(server: Running, seconds: float) -> Iterator[Row]:
    """What the server takes while a task runs each minute and nobody looks, without what it started; and its memory after all that."""
    cpu, began = server.cpu, time.monotonic()
    time.sleep(seconds)
    yield Row(f"CPU over {seconds:g} idle s, a task each minute", 100 * (server.cpu - cpu) / (time.monotonic() - began), "% of a core", 3)
    resident, peak = process_memory(server.pid)
    yield Row("resident memory at the end", resident, "MB", 150)
    yield Row("resident memory, peak", peak, "MB")


if __name__ == "__main__":
    main()
