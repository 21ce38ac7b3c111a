"""Fills a data directory with a day of samples and six more days of a few: ``python -m bench.samples_fill DATA SERIES HOURS``.

The hours go through the store's log and are compacted by its own upkeep, one after the other; days are merged. Prints as JSON what
that took.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.samples_load import STEP, Chunk, Load, labels
from keepwell.machine.clock import SystemClock
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import NAME
from keepwell.rooms.samples.model import DAY, HOUR, Keep
from keepwell.rooms.samples.work.store import SampleStore, Settings
from keepwell.rooms.samples.work.upkeep import Upkeep

FEW = 400
"""Series that have all seven days."""

STEPS = 36
"""Instants in one chunk: six minutes."""


def hours(series: int, last: int, full: int) -> Iterator[tuple[int, int]]:
    """The hours to fill, oldest first: each with how many series it has. ``last`` is the end of the newest (milliseconds since 1970)."""
    first = last - 7 * DAY
    return ((start, series if start >= last - full * HOUR else FEW) for start in range(first, last, HOUR))


class Source:
    """Samples of an hour, chunk by chunk; the few series are those whose numbers are multiples."""

    def __init__(self, series: int) -> None:
        self.names = labels(series)
        self.few = np.arange(0, series, series // FEW)
        self._load, self._thin = Load(series), Load(FEW, seed=2)

    def chunks(self, start: int, count: int) -> Iterator[tuple[np.ndarray, Chunk]]:
        """The places of the series and their samples."""
        load, places = (self._thin, self.few) if count == FEW else (self._load, np.arange(count))
        for begin in range(start, start + HOUR, STEPS * STEP):
            yield places, load.chunk(begin, STEPS)


def cpu(who: int) -> float:
    """CPU seconds of this process or of its children that ended."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def fill(data: Path, series: int, full: int) -> dict[str, float]:
    """Everything; what it took."""
    clock, folder, source = SystemClock(), data / "samples", Source(series)
    files = Files(folder)
    store = SampleStore(folder, clock, Settings(every=0.0, limits=Limits(4 * series, 4 * series)), files)
    keep = Keep()
    upkeep = Upkeep(store, files, folder / NAME, lambda: keep, clock)
    await upkeep.begin()
    await store.begin()
    ids = store.identify("bench", source.names)
    last = int(time.time() * 1000) // HOUR * HOUR
    taken = adding = stored = 0.0
    for start, count in hours(series, last, full):
        for places, chunk in source.chunks(start, count):
            for begin in range(0, len(places), 5_000):
                some = places[begin : begin + 5_000]
                columns = ids[np.tile(some, len(chunk.at))], np.repeat(chunk.at, len(some)), chunk.values[:, begin : begin + 5_000].ravel()
                began = cpu(resource.RUSAGE_SELF)
                stored += (await store.backfill("bench", *columns)).stored
                adding += (cpu(resource.RUSAGE_SELF) - began) * (count == series)
                taken += len(columns[0]) * (count == series)
        before = upkeep.figures.seconds
        await upkeep.everything()
        compacting = upkeep.figures.seconds - before
    merging = upkeep.figures.seconds
    await upkeep.look()
    figures, shown = upkeep.figures, store.figures
    await upkeep.end()
    await store.end()
    return {
        "stored": stored,
        "adding": adding / max(1.0, taken),
        "compacting": compacting,
        "merging": figures.seconds - merging,
        "merged": figures.merged,
        "peak": figures.peak,
        "refused": float(sum(shown.refused.values())),
        "last": last,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
