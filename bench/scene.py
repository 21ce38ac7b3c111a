"""What the benchmarks of the engine share: a real nginx, a running Keepwell, and directories full of checks."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checks import fetch, free_port
from bench.measure import KEEPWELL, process_cpu, process_memory

ANSWER = '{"status":"healthy","services":{"audio":"operational"}}'
_NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
  access_log off; keepalive_timeout 0;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3; uwsgi_temp_path {folder}/t4;
  scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ default_type application/json; return 200 '{answer}'; }} }}
}}
"""


def free_ports(count: int) -> list[int]:
    """So many ports of loopback that were free a moment ago, no two the same."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in sockets]


@contextmanager
def nginx(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real nginx that answers every path of a port of loopback with ANSWER."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port, answer=ANSWER))
    server = subprocess.Popen([program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        await_port(port)
        if server.poll() is not None:
            raise SystemExit(f"nginx ended at once: somebody else listens on port {port}")
        yield server
    finally:
        server.terminate()
        server.wait(10)


def program(name: str) -> str:
    """The path of a program that the benchmark needs. Raises SystemExit where it is missing."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        raise SystemExit(f"{name} is not installed: make deps installs it")
    return path


def await_port(port: int, seconds: float = 10.0) -> None:
    """Waits until something listens there."""
    end = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def http_check(number: int, every: str) -> str:
    """One HTTP check of the nginx, judged by status and a value of its JSON."""
    expect = '{status: 200, "json.status": healthy}'
    return f'  http-{number:05}: {{http: {{target: api, path: "/health?n={number}", expect: {expect}}}, every: {every}}}'


def operations(folder: Path, port: int, checks: Sequence[str], more: Sequence[str] = ()) -> Path:
    """An operations directory with these checks; its target ``api`` is on that port."""
    folder.mkdir(parents=True)
    lines = ["keepwell: 1", "service: bench", "targets:", f"  api: {{url: http://127.0.0.1:{port}}}", *more, "checks:", *checks]
    (folder / "keepwell.yaml").write_text("\n".join(lines) + "\n")
    return folder


@dataclass(slots=True)
class Running:
    """A server under test: its process, its port, and the data that it writes."""

    pid: int
    port: int
    data: Path

    def engine(self) -> dict[str, Any]:
        """What it says of its engine."""
        return dict(fetch(self.port, "/api/system/performance")["engine"])

    @property
    def cpu(self) -> float:
        """CPU seconds used so far, without those of children that ended."""
        return process_cpu(self.pid)

    @property
    def resident(self) -> float:
        """Resident memory in MB."""
        return process_memory(self.pid)[0]


@contextmanager
def keepwell(directory: Path, data: Path) -> Iterator[Running]:
    """``keepwell up`` on that directory, ready; stopped at the end."""
    port = free_port()
    argv = [KEEPWELL, "up", str(directory), "--data", str(data), "--listen", f"127.0.0.1:{port}", "--log-level", "error"]
    server = subprocess.Popen([*argv_before(), *argv])
    try:
        await_port(port, 60)
        yield Running(server.pid, port, data)
    finally:
        server.terminate()
        server.wait(60)


def argv_before() -> list[str]:
    """What is written before the program, for example a profiler: the variable BENCH_UNDER."""
    return os.environ.get("BENCH_UNDER", "").split()


@dataclass(frozen=True, slots=True)
class Spell:
    """What a stretch of running cost and did."""

    seconds: float
    cpu: float
    looks: int
    skipped: int
    late_p99: float
    late_median: float
    waiting: int
    resident: float

    @property
    def per_thousand(self) -> float:
        """CPU seconds for 1,000 looks."""
        return 1000 * self.cpu / max(1, self.looks)

    @property
    def core(self) -> float:
        """Percent of a core."""
        return 100 * self.cpu / self.seconds


def spell(running: Running, seconds: float) -> Spell:
    """Lets it run for so long and says what that was."""
    before, cpu, began = running.engine(), running.cpu, time.monotonic()
    time.sleep(seconds)
    used, passed, after = running.cpu - cpu, time.monotonic() - began, running.engine()
    return Spell(
        passed,
        used,
        after["started"] - before["started"],
        after["skipped"] - before["skipped"],
        after["lateness"]["p99"] / 1000,
        after["lateness"]["median"] / 1000,
        after["waitingToBeStored"],
        running.resident,
    )
