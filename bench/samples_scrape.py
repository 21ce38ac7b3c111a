"""CPU of scraping a page of 10,000 series, in all: HTTP, gzip, reading, relabelling, the store's log. ``python -m bench.samples_scrape``.

The page is served by another process; half of its values stay, a quarter are counters, a quarter noise (``samples_load.py``).
The figures are of this process alone, per scrape, after the first ones, in which every series is new.
"""

import argparse
import asyncio
import gzip
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from bench.measure import Row, show
from bench.samples_load import Load, exposition, labels
from keepwell.engine import Engine
from keepwell.machine.clock import SystemClock
from keepwell.machine.http_client import HttpClient
from keepwell.ports.fakes import FakeSecrets
from keepwell.rooms.samples.scraping.intake import Intake
from keepwell.rooms.samples.scraping.listing import listing
from keepwell.rooms.samples.scraping.options import ScrapeOptions
from keepwell.rooms.samples.scraping.targets import targets_of
from keepwell.rooms.samples.scraping.work import Scraping
from keepwell.rooms.samples.work.store import SampleStore

SERIES = 10_000
PAGES = 8
INTERVAL = 10.0
"""Seconds: the interval for which a share of a core is stated."""

KINDS = {"text": "text/plain; version=0.0.4; charset=utf-8", "openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8"}


def made(count: int, kind: str) -> list[bytes]:
    """Pages that follow each other."""
    load, names = Load(count), labels(count)
    pages = [exposition(names, load.chunk(number, 1).values[0]) for number in range(PAGES)]
    if kind == "text":
        return pages
    return [page.replace(b"_total counter", b" counter") + b"# EOF\n" for page in pages]


def serve(told: Connection, pages: Sequence[bytes], kind: str) -> None:
    """The other process: serves one page after the other, packed, until it is ended."""
    answers = []
    for page in pages:
        body = gzip.compress(page)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {KINDS[kind]}\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        answers.append(head.encode() + body)
    served = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[served % len(answers)])
        served += 1
        await writer.drain()
        writer.close()

    async def forever() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def cpu() -> float:
    """Seconds of CPU of this process, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def reading(pages: Sequence[bytes], kind: str) -> tuple[float, float]:
    """Seconds of CPU of a page's reading by the library, and of one that is known."""
    (target,) = targets_of("bench", ScrapeOptions(targets=("127.0.0.1:1",))).targets
    intake = Intake(target)
    started = time.process_time()
    intake.digest(pages[0], KINDS[kind], 1.0)
    first = time.process_time() - started
    unknown = list(intake.unknown(1.0))
    intake.know(unknown, np.arange(len(unknown), dtype=np.int32))
    started = time.process_time()
    for number in range(3 * PAGES):
        intake.rows(intake.digest(pages[number % PAGES], KINDS[kind], 2.0 + number))
    return first, (time.process_time() - started) / (3 * PAGES)


async def scraping(port: int, count: int, folder: Path) -> float:
    """Seconds of CPU of one scrape, in all, with a store; measured over ``count`` scrapes a second apart."""
    clock = SystemClock()
    async with HttpClient(FakeSecrets({})) as http:
        store = SampleStore(folder, clock)
        await store.begin()
        scrapes = Scraping(http, clock, store)
        engine = Engine([scrapes], clock)
        scrapes.configure({"bench": ScrapeOptions.model_validate_json(json.dumps({"targets": [f"127.0.0.1:{port}"], "every": "1s"}))})
        running = asyncio.create_task(engine.run())
        await asyncio.sleep(6)
        began, before = time.monotonic(), cpu()
        await asyncio.sleep(count)
        used, seconds = cpu() - before, time.monotonic() - began
        (target,) = listing(scrapes)["targets"]
        assert target["health"] == "up", target
        assert target["series"] == SERIES, target
        await engine.stop(1)
        await running
        await scrapes.end()
        await store.end()
    return used / seconds  # one scrape a second


def rows(kind: str, count: int) -> list[Row]:
    """The figures of one format."""
    pages = made(SERIES, kind)
    ours, theirs = multiprocessing.Pipe()
    other = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, pages, kind), daemon=True)
    other.start()
    try:
        first, known = reading(pages, kind)
        with tempfile.TemporaryDirectory() as folder:
            whole = asyncio.run(scraping(ours.recv(), count, Path(folder)))
    finally:
        other.terminate()
        other.join()
    return [
        Row(f"{kind}: {len(pages[0]) / 1e6:.2f} MB, first reading (prometheus_client)", first * 1000, "ms CPU"),
        Row(f"{kind}: reading a page whose series are known", known * 1000, "ms CPU", 15),
        Row(f"{kind}: one scrape in all, with the store", whole * 1000, "ms CPU"),
        Row(f"{kind}: share of a core, a scrape every {INTERVAL:g} s", whole / INTERVAL * 100, "%", 2),
    ]


def main() -> None:
    """Both formats."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrapes", type=int, default=20, help="how many scrapes are measured")
    arguments = parser.parse_args()
    show(f"scraping a page of {SERIES} series", [row for kind in KINDS for row in rows(kind, arguments.scrapes)])


if __name__ == "__main__":
    main()
