"""PromQL beside Debian's prometheus and victoria-metrics: ``python -m bench.promql [--only WORDS]``.

The same generated samples go to all three (``bench.promql_load``), and the same questions are put to each over HTTP, the answers read to
their end. How many answers have the same numbers is counted too.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from bench.measure import Row, process_memory, show, timed
from bench.promql_load import BUCKET, DAY, DAYS, DEPTH, DONE, HOUR, HOURS, MINUTE, QUEUES, SERIES, Source
from bench.samples_load import LATENCY, REQUESTS, write_requests
from bench.samples_rivals import prometheus, victoria_metrics
from bench.scene import keepwell

TIMES = 11
"""How often each question is put, after one that does not count."""

WANTED = 5.0
"""So many times as long as prometheus at most; over a long range no longer than it."""

STEP = 120
"""Seconds between the points of a day's range."""

EXPRESSIONS: Mapping[str, str] = {
    "rate": f"rate({REQUESTS}[5m])",
    "quantile_over_time": f"quantile_over_time(0.95, {LATENCY}[5m])",
    "histogram_quantile": f"histogram_quantile(0.95, sum by (le) (rate({BUCKET}[5m])))",
    "sum by endpoint": f"sum by (endpoint) (rate({REQUESTS}[5m]))",
    "subquery": f"max_over_time(sum by (status) (rate({REQUESTS}[5m]))[1h:1m])",
}

BESIDE = 7
"""Seconds before the end of the samples at which is asked: whole minutes are the edges of a subquery's window, which Prometheus 2.42 counts
in and Prometheus 3 does not."""

Found = dict[tuple[tuple[str, str], ...], dict[int, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: in words, as a path below ``/api/v1``, and how many times as long as prometheus it may take."""

    what: str
    path: str
    times: float = WANTED


@dataclass(frozen=True, slots=True)
class Store:
    """A store that is asked: where, its process, and whether its figures are judged."""

    name: str
    address: str
    pid: int


def questions(last: int) -> Iterator[Asked]:
    """The questions about samples that end at ``last`` (milliseconds since 1970)."""
    end = last // 1000 - BESIDE
    for name, expression in EXPRESSIONS.items():
        yield Asked(f"instant {name}", "query?" + urlencode({"query": expression, "time": end}))
    for name, expression in EXPRESSIONS.items():
        span = {"query": expression, "start": end - 86_400, "end": end, "step": STEP}
        yield Asked(f"24 h {name}", "query_range?" + urlencode(span))
    hour = end // 3600 * 3600  # whole hours, as whoever draws by the hour asks
    month = {"start": hour - (DAYS * DAY - 2 * HOUR) // 1000, "end": hour, "step": 3600}
    for what, expression in (("average", f"avg_over_time({DEPTH}[1h])"), ("rate", f"rate({DONE}[1h])")):
        asked = {"query": expression, **month}
        yield Asked(f"{DAYS} d {what} by hour of {QUEUES} series", "query_range?" + urlencode(asked), 1.0)


def get(address: str) -> bytes:
    """An answer, read to its end."""
    with urllib.request.urlopen(address, timeout=300) as answer:
        return bytes(answer.read())


def answer(body: bytes) -> Found:
    """The numbers of an answer by series and milliseconds."""
    result = json.loads(body)["data"]["result"]
    return {
        tuple(sorted(one["metric"].items())): {round(at * 1000): float(value) for at, value in one.get("values") or [one["value"]]}
        for one in result
    }


def is_same(ours: Found, theirs: Found) -> bool:
    """Whether both have the same series with the same numbers at the same moments, but for rounding."""
    if not ours or ours.keys() != theirs.keys():
        return False
    for labels, points in ours.items():
        others = theirs[labels]
        if points.keys() != others.keys():
            return False
        if not all(math.isclose(value, others[at], rel_tol=1e-9, abs_tol=1e-9) for at, value in points.items()):
            return False
    return True


def compare(stores: list[Store], asked_of: list[Asked]) -> list[Row]:
    """Each question to each store."""
    ours, theirs, third = stores
    rows: list[Row] = []
    differing: dict[str, list[str]] = {theirs.name: [], third.name: []}
    for asked in asked_of:
        addresses = {store.name: f"{store.address}/api/v1/{asked.path}" for store in stores}
        bodies, first = {}, {}
        for name, address in addresses.items():
            began = time.perf_counter()
            bodies[name] = get(address)
            first[name] = 1000 * (time.perf_counter() - began)
        found = {name: answer(body) for name, body in bodies.items()}
        for name, others in differing.items():
            others += [] if is_same(found[ours.name], found[name]) else [asked.what]
        times = {name: timed(lambda address=address: get(address), TIMES) for name, address in addresses.items()}  # type: ignore[misc]
        for place, figure in enumerate(("median", "95th percentile", "the first time")):
            spent = {store.name: (*times[store.name], first[store.name])[place] for store in stores}
            rows.append(Row(f"{asked.what}: {figure}", spent[ours.name], "ms", asked.times * spent[theirs.name]))
            rows += [Row(f"  {store.name}", spent[store.name], "ms") for store in (theirs, third)]
    for name, others in differing.items():
        rows.append(Row(f"answers that are the same as in {name}", len(asked_of) - len(others), f"all but {others}" if others else ""))
    return rows


def bench(folder: Path, only: str) -> list[Row]:
    """The figures of the questions that have these words."""
    last = int(time.time() * 1000) // MINUTE * MINUTE
    fill = [sys.executable, "-m", "bench.promql_fill", str(folder / "data"), str(last)]
    stored = int(subprocess.run(fill, stdout=subprocess.PIPE, check=True, text=True).stdout)
    operations = folder / "ops"
    operations.mkdir()
    (operations / "keepwell.yaml").write_text("keepwell: 1\nservice: bench\nsamples: {keep: {raw: 40d}}\n")
    with ExitStack() as stack:
        rivals = [stack.enter_context(make(folder / make.__name__)) for make in (prometheus, victoria_metrics)]
        for part in Source(last).parts():
            for body in write_requests(part.names, part.chunk):
                for rival in rivals:
                    rival.feed(body)
        running = stack.enter_context(keepwell(operations, folder / "data"))
        time.sleep(15)  # what victoria-metrics has just taken is not searched at once
        stores = [Store("Keepwell", f"http://127.0.0.1:{running.port}/prometheus", running.pid)]
        stores += [Store(rival.name, f"http://127.0.0.1:{rival.port}", rival.pid) for rival in rivals]
        before = {store.name: process_memory(store.pid)[0] for store in stores}
        rows = [Row("samples in each store", stored, ""), *compare(stores, [asked for asked in questions(last) if only in asked.what])]
        for store in stores:
            rows.append(Row(f"{store.name}: resident memory before the questions", before[store.name], "MB"))
            rows.append(Row(f"{store.name}: its peak", process_memory(store.pid)[1], "MB"))
        return rows


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="WORDS", help="only the questions whose description has these words")
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        rows = bench(Path(folder), only)
    show(f"PromQL over HTTP: {SERIES} series of each sort every 10 s for {HOURS} h; wanted: {WANTED:g} times prometheus", rows)


if __name__ == "__main__":
    main()
