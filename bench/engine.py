"""The engine on time: ``python -m bench.engine [rate] [ordinary] [hanging] [detection] [stretch] [--seconds N] [--trials N]``.

rate: CPU of 1,000 HTTP checks beside blackbox_exporter in the same run. ordinary: 1,000 checks every 30 s. hanging: 300 of 1,000 hang.
detection: how long until the state change of a server that was killed is stored. stretch: 10,000 mixed checks every 10 s.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.blackbox import blackbox, cpu_per_thousand
from bench.checks import fetch, free_port
from bench.measure import KEEPWELL, Row, show
from bench.scene import Spell, free_ports, http_check, keepwell, nginx, operations, spell

HANGS = """import socket, sys
listening = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
kept = []
while True:
    kept.append(listening.accept())
"""
SETTLED = 15.0
"""Seconds until the first round, with its imports and first writes, is over."""


def rate(folder: Path, seconds: float, _trials: int) -> list[Row]:
    """The same thousand addresses, asked by both at the same rate, three times in turn; medians."""
    port, per_second = free_port(), 500
    ours, theirs, spells = [], [], []
    with nginx(folder / "nginx", port), blackbox(folder / "blackbox") as other:
        directory = operations(folder / "ops", port, [http_check(number, "2s") for number in range(1000)])
        for round_ in range(3):
            with keepwell(directory, folder / f"data{round_}") as running:
                time.sleep(SETTLED)
                spells.append(spell(running, seconds / 3))
                ours.append(spells[-1].per_thousand)
            theirs.append(cpu_per_thousand(other, port, per_second, seconds / 3))
    mine, its = statistics.median(ours), statistics.median(theirs)
    return [
        Row("Keepwell: CPU of 1,000 checks, judged and stored", mine, "s", its / 2),
        Row("blackbox_exporter: CPU of 1,000 probes", its, "s"),
        Row("Keepwell / blackbox_exporter", mine / its, "", 0.5),
        Row("checks a second that one core would make", 1000 / mine, "/s"),
        Row("lateness, 99th percentile", max(one.late_p99 for one in spells), "s", 1.0),
        Row("skipped", sum(one.skipped for one in spells), ""),
    ]


def ordinary(folder: Path, seconds: float, _trials: int) -> list[Row]:
    """What an ordinary team has."""
    port = free_port()
    with nginx(folder / "nginx", port):
        directory = operations(folder / "ops", port, [http_check(number, "30s") for number in range(1000)])
        with keepwell(directory, folder / "data") as running:
            time.sleep(SETTLED + 15)
            done = spell(running, max(30.0, seconds))
    return [Row("CPU", done.core, "% of a core", 5), Row("resident memory", done.resident, "MB", 120), *_on_time(done)]


def hanging(folder: Path, seconds: float, _trials: int) -> list[Row]:
    """300 targets take the connection and never answer."""
    port, silent = free_port(), free_port()
    process = subprocess.Popen([sys.executable, "-c", HANGS, str(silent)])
    try:
        with nginx(folder / "nginx", port):
            hung = [f'  hung-{number:03}: {{http: {{url: "http://127.0.0.1:{silent}/{number}"}}, every: 10s}}' for number in range(300)]
            directory = operations(folder / "ops", port, [*(http_check(number, "10s") for number in range(700)), *hung])
            with keepwell(directory, folder / "data") as running:
                time.sleep(SETTLED + 10)
                done = spell(running, seconds)
                counts = fetch(running.port, "/api/v1/checks")["counts"]
    finally:
        process.kill()
        process.wait()
    return [*_on_time(done), Row("ok at the end", counts["ok"], "", 700), Row("fail at the end", counts["fail"], "", 300)]


def stretch(folder: Path, seconds: float, _trials: int) -> list[Row]:
    """10,000 checks every 10 s: 70 % http, 20 % tcp, 5 % host, 5 % command."""
    port = free_port()
    with nginx(folder / "nginx", port):
        checks = [_mixed(number, port) for number in range(10_000)]
        directory = operations(folder / "ops", port, checks)
        subprocess.run([KEEPWELL, "accept", str(directory), "--yes"], check=True, stdout=subprocess.DEVNULL)
        with keepwell(directory, folder / "data") as running:
            time.sleep(2 * SETTLED)
            first = spell(running, seconds / 2)
            second = spell(running, seconds / 2)
            counts = fetch(running.port, "/api/v1/checks")["counts"]
    return [
        Row("looks a second", (first.looks + second.looks) / seconds, "/s", 1000),
        *_on_time(second),
        Row("skipped in the first half", first.skipped, ""),
        Row("CPU of Keepwell, without the commands that it starts", second.core, "% of a core"),
        Row("resident memory", second.resident, "MB", 300),
        Row("growth in the second half", second.resident - first.resident, "MB"),
        Row("ok at the end", counts["ok"], "", 10_000),
    ]


def _mixed(number: int, port: int) -> str:
    kind = number % 20
    if kind < 14:
        return http_check(number, "10s")
    if kind < 18:
        return f'  tcp-{number:05}: {{tcp: {{address: "127.0.0.1:{port}"}}, every: 10s}}'
    if kind == 18:
        return f'  host-{number:05}: {{host: {{memory: {{warn: "> 99%"}}}}, every: 10s}}'
    return f"  command-{number:05}: {{command: {{run: [/bin/true]}}, every: 10s}}"


def detection(folder: Path, _seconds: float, trials: int) -> list[Row]:
    """Ten servers, each killed at a moment of its own, again and again; the time until the API tells of the stored change."""
    ports = free_ports(10)
    checks = [f'  web-{at}: {{http: {{url: "http://127.0.0.1:{port}/"}}, every: 1s}}' for at, port in enumerate(ports)]
    directory = operations(folder / "ops", ports[0], checks)
    took: list[float] = []
    with keepwell(directory, folder / "data") as running:
        while len(took) < trials:
            with ExitStack() as servers:
                processes = [servers.enter_context(nginx(folder / f"nginx{at}", port)) for at, port in enumerate(ports)]
                _await(running.port, "ok", set(range(10)))
                killed: dict[int, float] = {}
                for at in random.sample(range(10), 10):
                    time.sleep(random.random() / 5)
                    processes[at].kill()
                    killed[at] = time.monotonic()
                    took += _told(running.port, killed)
                while killed:
                    took += _told(running.port, killed)
                    time.sleep(0.01)
    took = sorted(took[:trials])
    return [
        Row("trials", len(took), "", trials),
        Row("from the kill to the stored change, median", statistics.median(took), "s"),
        Row("99th percentile", took[int(0.99 * len(took))], "s", 1.5),
        Row("longest", took[-1], "s"),
    ]


def _states(port: int) -> dict[int, str]:
    return {int(one["name"].rpartition("-")[2]): one["state"] for one in fetch(port, "/api/v1/checks")["checks"]}


def _await(port: int, state: str, which: set[int]) -> None:
    while not all(_states(port)[at] == state for at in which):
        time.sleep(0.05)


def _told(port: int, killed: dict[int, float]) -> list[float]:
    """Of the servers that were killed those whose failure is stored now: how long that took. They are taken out."""
    states, now = _states(port), time.monotonic()
    return [now - killed.pop(at) for at in list(killed) if states[at] == "fail"]


def _on_time(done: Spell) -> list[Row]:
    return [
        Row("lateness, median", done.late_median, "s"),
        Row("lateness, 99th percentile", done.late_p99, "s", 1.0),
        Row("looks made", done.looks, ""),
        Row("looks skipped", done.skipped, ""),
        Row("observations not stored yet at the end", done.waiting, ""),
    ]


PARTS: dict[str, tuple[str, Callable[[Path, float, int], list[Row]]]] = {
    "rate": ("HTTP checks against nginx, 500 a second, a fresh connection each", rate),
    "ordinary": ("1,000 HTTP checks every 30 s", ordinary),
    "hanging": ("1,000 HTTP checks every 10 s, of which 300 hang until their deadline", hanging),
    "detection": ("A server that was killed, looked at every second", detection),
    "stretch": ("10,000 checks every 10 s: 70 % http, 20 % tcp, 5 % host, 5 % command", stretch),
}


def main() -> None:
    """Measures what was asked for (everything but the stretch by default) and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each part is measured (the stretch: 600 for its figure)")
    parser.add_argument("--trials", type=int, default=50, help="how often detection is tried (200 for its figure)")
    asked = parser.parse_args()
    for name in asked.parts or ["rate", "ordinary", "hanging", "detection"]:
        title, measure = PARTS[name]
        with tempfile.TemporaryDirectory() as folder:
            show(f"{title} ({asked.seconds:g} s)" if name != "detection" else title, measure(Path(folder), asked.seconds, asked.trials))
        print(f"  ({os.cpu_count()} cores, load average {os.getloadavg()[0]:.2f})", flush=True)


if __name__ == "__main__":
    main()
