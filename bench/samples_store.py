"""The store of samples alone: 10,000 series every 10 s for an hour: what taking costs, memory, and how fast questions are answered."""

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from bench.measure import Row, process_memory, show
from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.model import Ids
from keepwell.rooms.samples.work.store import SampleStore, Settings

EVERY = 10
START = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def labels(number: int) -> dict[str, str]:
    """One of a service's series: 50 metrics of 200 instances, as exporters give them."""
    return {NAME: f"service_metric_{number % 50}_total", "instance": f"10.0.{number // 50 % 256}.7:9100", "job": "bench"}


def cpu() -> float:
    """CPU seconds of this process so far, of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def fill(store: SampleStore, clock: FakeClock, targets: list[Ids], minutes: int) -> list[float]:
    """Every scrape of every target for so long; gives the CPU seconds of each round of scrapes."""
    chance = np.random.default_rng(1)
    spent = []
    for _ in range(minutes * 60 // EVERY):
        clock.advance(EVERY)
        at = int(clock.now().timestamp() * 1000)
        values = [chance.normal(100, 5, len(ids)).round(2) for ids in targets]
        began = cpu()
        # One after another: each is a write of its own, as when targets are scraped spread over the ten seconds.
        for ids, value in zip(targets, values, strict=True):
            await store.add("bench", ids, np.full(len(ids), at), value)
        spent.append(cpu() - began)
    return spent


async def timed(act: Callable[[], Awaitable[object]], times: int) -> float:
    """Milliseconds, the median."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await act()
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


async def measure(folder: Path, series: int, minutes: int) -> list[Row]:
    """Fills a store and asks it."""
    clock = FakeClock(START)
    store = SampleStore(folder, clock, Settings(every=0))
    await store.begin(60)
    all_labels = [labels(number) for number in range(series)]
    began = cpu()
    ids = store.identify("bench", all_labels)
    new = cpu() - began
    began = cpu()
    store.identify("bench", all_labels)
    known = cpu() - began
    before = process_memory_now()
    spent = await fill(store, clock, np.array_split(ids, EVERY), minutes)
    samples = store.figures.stored
    after, held = process_memory_now(), store.figures
    now = int(clock.now().timestamp() * 1000)
    one, many = [Matcher(NAME, "=", "service_metric_7_total")], [Matcher("instance", "=", "10.0.3.7:9100")]
    alone = [*one, *many]
    rows = [
        Row(f"new series, {series:,}: CPU each", new / series * 1e6, "µs"),
        Row("known series by labels: CPU each", known / series * 1e6, "µs"),
        Row("taking, logging, sealing: CPU per 1,000 samples", sum(spent) / samples * 1e6, "ms"),
        Row(f"... of a core, at {series:,} series every {EVERY} s", sum(spent) / (minutes * 60) * 100, "%", 1.0),
        Row("memory by the store's own count, per sample", held.size / held.in_memory, "B", 14.0),
        Row(f"resident memory for {held.in_memory / 1e6:.2f} million samples", after - before, "MB"),
        Row("log on disk, per sample", (folder / "samples.sqlite").stat().st_size / samples, "B"),
        Row("one series over 1 h", await timed(lambda: store.select(alone, now - 3_600_000, now), 50), "ms"),
        Row("200 series over 1 h", await timed(lambda: store.select(one, now - 3_600_000, now), 20), "ms"),
        Row(f"latest of all {series:,}", await timed(lambda: store.latest([], now), 20), "ms"),
    ]
    await store.end()
    began_again = time.perf_counter()
    again = SampleStore(folder, clock)
    await again.begin(60)
    rows.append(Row("starting again with all of it in the log", (time.perf_counter() - began_again) * 1000, "ms"))
    await again.compacted(0, [])
    began = cpu()
    for hour, batches in again.batches().items():
        await again.compacted(hour, batches)
    rows.append(Row("forgetting it once it is in files: CPU", (cpu() - began) * 1000, "ms"))
    await again.end()
    return rows


def process_memory_now() -> float:
    """Resident memory of this process, in MB of 10^6 bytes."""
    return process_memory(os.getpid())[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=10_000)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--folder", type=Path, default=None, help="where the store is put (a new folder)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        show("Store of samples", asyncio.run(measure(folder / "samples", options.series, options.minutes)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
