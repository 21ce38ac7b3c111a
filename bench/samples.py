"""Samples beside Debian's prometheus and victoria-metrics: ``python -m bench.samples [live] [day] [--series N] [--hours N] [--seconds N]``.

day: the same generated samples go to all three (a day of N series, six more days of some): bytes a sample on disk, what compaction costs,
and how quickly three questions are answered over HTTP. live: all three scrape one exporter of N series every ten seconds; CPU and memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

from bench.checks import free_port
from bench.measure import Row, process_cpu, process_memory, show, timed
from bench.samples_fill import FEW, Source, hours
from bench.samples_load import LATENCY, REQUESTS, STEP, labels, write_requests
from bench.samples_rivals import Rival, prometheus, victoria_metrics
from bench.scene import await_port, keepwell

TIMES = 11
"""How often each question is put."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: in words, to Keepwell (a path), and to the others (path and parameters of Prometheus' HTTP API)."""

    what: str
    ours: str
    path: str
    theirs: dict[str, object]


def questions(series: int, last: int) -> list[Asked]:
    """The three questions of the table, about what ``samples_fill`` made up to ``last`` (milliseconds since 1970)."""
    one = next(its for its in labels(series)[series * 3 // 4 :: series // FEW] if its["__name__"] == LATENCY)
    selector = f'{LATENCY}{{endpoint="{one["endpoint"]}",instance="{one["instance"]}"}}'
    end, week = last / 1000, (last - 7 * 86_400_000) / 1000
    span = {"start": week + 3600, "end": end, "step": 3600}
    failed, share = f'{REQUESTS}{{status="500"}}', "sum by (endpoint)(increase({}[24h]))"
    return [
        Asked(
            "p95 by hour of one series over 7 days",
            "/api/v1/samples/range?" + urlencode({"match": selector, "start": week, "end": end, "step": "1h", "of": "p95"}),
            "query_range",
            {"query": f"quantile_over_time(0.95, {selector}[1h])", **span},
        ),
        Asked(
            f"latest of all {series}",
            "/api/v1/metrics/current?" + urlencode({"within": "12h"}),
            "query",
            {"query": '{__name__=~"node_setting|http_requests_total|http_request_seconds"}', "time": end - 1},
        ),
        Asked(
            "error share by endpoint over 24 h",
            "/api/v1/samples/errors?" + urlencode({"failed": failed, "all": REQUESTS, "by": "endpoint", "start": end - 86400, "end": end}),
            "query",
            {"query": f"{share.format(failed)} / {share.format(REQUESTS)}", "time": end - 1},
        ),
    ]


def get(port: int, path: str) -> object:
    """A JSON answer of Keepwell."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as answer:
            return json.load(answer)
    except HTTPError as error:
        raise SystemExit(f"{path} was answered {error.code}: {error.read().decode()}") from None


def feed(rival: Rival, series: int, last: int, full: int) -> float:
    """Gives a rival the samples that Keepwell has; the seconds that took."""
    source, began = Source(series), time.monotonic()
    for start, count in hours(series, last, full):
        for places, chunk in source.chunks(start, count):
            for body in write_requests([source.names[place] for place in places], chunk):
                rival.feed(body)
    return time.monotonic() - began


def prometheus_bytes(rival: Rival) -> float:
    """Bytes a sample in the blocks that prometheus has written by now (chunks and index; what is still in its head is left out)."""
    deadline = time.monotonic() + 240
    while True:
        blocks = [path.parent for path in rival.folder.glob("*/meta.json")]
        count = sum(json.loads((block / "meta.json").read_text())["stats"]["numSamples"] for block in blocks)
        size = sum(file.stat().st_size for block in blocks for file in block.rglob("*") if file.is_file())
        written = sorted(json.loads((block / "meta.json").read_text())["maxTime"] for block in blocks)
        if time.monotonic() > deadline or (written and written[-1] >= time.time() * 1000 - 6 * 3_600_000):
            return float(size / count)
        time.sleep(5)


def day(folder: Path, series: int, full: int, _seconds: float) -> list[Row]:
    """The same samples in three stores."""
    argv = [sys.executable, "-m", "bench.samples_fill", str(folder / "data"), str(series), str(full)]
    filled = json.loads(subprocess.run(argv, stdout=subprocess.PIPE, check=True, text=True).stdout)
    last, many = int(filled["last"]), series * full * 3_600_000 // STEP
    rest = FEW * (7 * 24 - full) * 3_600_000 // STEP
    rows = [
        Row("samples in each store", many + rest, ""),
        Row("Keepwell: taking them, of a core", 100 * filled["adding"] * series * 1000 / STEP, "%"),
        Row("Keepwell: compaction and roll-up of an hour", filled["compacting"], "CPU s"),
        Row("Keepwell: merging a day", filled["merging"] / max(1, filled["merged"]), "CPU s"),
        Row("the same, of a core", 100 * (filled["compacting"] / 3600 + filled["merging"] / max(1, filled["merged"]) / 86400), "%"),
        Row("Keepwell: peak memory of compaction", filled["peak"] / 1e6, "MB"),
    ]
    sizes = {tier: sum(file.stat().st_size for file in (folder / "data/samples" / tier).iterdir()) for tier in ("raw", "5m", "1h")}
    operations = _operations(folder / "ops", None)
    with ExitStack() as stack:
        rivals = [stack.enter_context(make(folder / make.__name__)) for make in (prometheus, victoria_metrics)]
        rows += [Row(f"{rival.name}: time to take them over HTTP", feed(rival, series, last, full), "s") for rival in rivals]
        theirs = prometheus_bytes(rivals[0])
        rows += [
            Row("Keepwell: raw, a sample", sizes["raw"] / (many + rest), "bytes", 1.5 * theirs),
            Row("Keepwell: with roll-ups, a sample", sum(sizes.values()) / (many + rest), "bytes", 1.5 * theirs),
            Row("prometheus: blocks, a sample", theirs, "bytes"),
            Row("victoria-metrics: all its files, a sample", rivals[1].bytes_on_disk() / (many + rest), "bytes"),
        ]
        running = stack.enter_context(keepwell(operations, folder / "data"))
        time.sleep(10)
        rows.append(Row("Keepwell: resident memory with the newest hour", process_memory(running.pid)[0], "MB", 250))
        for asked in questions(series, last):
            rows += _beside(asked, running.port, rivals)
        rows.append(Row("Keepwell: resident memory after the questions", process_memory(running.pid)[0], "MB", 250))
    return rows


def _beside(asked: Asked, port: int, rivals: Sequence[Rival]) -> list[Row]:
    asks: dict[str, Callable[[], object]] = {"Keepwell": lambda: get(port, asked.ours)}
    asks |= {rival.name: lambda rival=rival: rival.ask(asked.path, **asked.theirs) for rival in rivals}  # type: ignore[misc]
    rows = []
    for name, ask in asks.items():
        median, p95 = timed(ask, TIMES)
        rows += [Row(f"{asked.what}: {name}, median", median, "ms"), Row("  95th percentile", p95, "ms")]
    return rows


def _operations(folder: Path, target: int | None) -> Path:
    folder.mkdir(parents=True)
    scrape = f"scrape:\n  bench: {{targets: ['127.0.0.1:{target}'], every: 10s}}\n" if target else ""
    (folder / "keepwell.yaml").write_text(f"keepwell: 1\nservice: bench\nsamples: {{series: 100000, series_per_source: 40000}}\n{scrape}")
    return folder


def live(folder: Path, series: int, _full: int, seconds: float) -> list[Row]:
    """Three stores scrape the same page."""
    port = free_port()
    scrape = f"scrape_configs:\n- {{job_name: bench, scrape_interval: 10s, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
    exporter = subprocess.Popen([sys.executable, "-m", "bench.samples_exporter", str(port), str(series)])
    try:
        await_port(port)
        with ExitStack() as stack:
            rivals = [stack.enter_context(make(folder / f"live-{make.__name__}", scrape)) for make in (prometheus, victoria_metrics)]
            running = stack.enter_context(keepwell(_operations(folder / "live-ops", port), folder / "live-data"))
            processes = {"Keepwell": running.pid} | {rival.name: rival.pid for rival in rivals}
            time.sleep(45)  # the first pages make the series
            before, began = {name: process_cpu(pid) for name, pid in processes.items()}, time.monotonic()
            time.sleep(seconds)
            passed = time.monotonic() - began
            used = {name: 100 * (process_cpu(pid) - before[name]) / passed for name, pid in processes.items()}
            rows = [
                Row(f"{name}: CPU of scraping and storing", spent, "% of a core", 3 if name == "Keepwell" else None)
                for name, spent in used.items()
            ]
            rows += [
                Row(f"{name}: resident memory", process_memory(pid)[0], "MB", 250 if name == "Keepwell" else None)
                for name, pid in processes.items()
            ]
            stored = get(running.port, "/api/v1/samples/series?limit=1&match=" + "%7Bjob%3D%22bench%22%7D")
            assert isinstance(stored, dict)
            return [*rows, Row("series in Keepwell", float(stored["total"]), "", series + 5)]
    finally:
        exporter.terminate()
        exporter.wait(10)


PARTS: dict[str, tuple[str, Callable[[Path, int, int, float], list[Row]]]] = {
    "live": ("An exporter of {series} series scraped every 10 s ({seconds:g} s)", live),
    "day": ("{hours} hours of {series} series every 10 s, and {few} of them over seven days", day),
}


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=300.0)
    given = parser.parse_args()
    for name in given.parts or PARTS:
        title, part = PARTS[name]
        with tempfile.TemporaryDirectory() as folder:
            rows = part(Path(folder), given.series, given.hours, given.seconds)
        show(title.format(series=given.series, hours=given.hours, seconds=given.seconds, few=FEW), rows)


if __name__ == "__main__":
    main()
