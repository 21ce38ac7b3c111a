"""Fills a data directory with the samples of ``bench.promql_load``: ``python -m bench.promql_fill DATA LAST``.

Through the store's log and its own upkeep. Prints how many were stored.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np

from bench.promql_load import DAY, Part, Source
from keepwell.machine.clock import SystemClock
from keepwell.rooms.samples.decide import There, days_to_merge
from keepwell.rooms.samples.files.days import merge_day
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import NAME
from keepwell.rooms.samples.model import Keep, Tier
from keepwell.rooms.samples.work.store import SampleStore, Settings
from keepwell.rooms.samples.work.upkeep import Upkeep

_ROWS = 200_000


async def fill(data: Path, last: int) -> int:
    """Everything; how many samples were stored."""
    clock, folder, keep = SystemClock(), data / "samples", Keep(raw=timedelta(days=40))
    files = Files(folder)
    store = SampleStore(folder, clock, Settings(keep=keep, every=0.0), files)
    upkeep = Upkeep(store, files, folder / NAME, lambda: keep, clock)
    await upkeep.begin()
    await store.begin()
    stored, day = 0, 0
    for part in Source(last).parts():
        if part.chunk.at[0] // DAY > day:
            day = part.chunk.at[0] // DAY
            await upkeep.everything()
        stored += await _bring(store, part)
    await upkeep.everything()
    for over in days_to_merge(last, There({tier: files.layout.files(tier) for tier in Tier}), {}):
        merge_day(files.layout, over)  # as upkeep does it a quarter of an hour after each day
    await upkeep.end()
    await store.end()
    return stored


async def _bring(store: SampleStore, part: Part) -> int:
    ids = store.identify("bench", part.names)
    stored, many = 0, max(1, _ROWS // len(ids))
    for begin in range(0, len(part.chunk.at), many):
        at, values = part.chunk.at[begin : begin + many], part.chunk.values[begin : begin + many]
        kept = await store.backfill("bench", np.tile(ids, len(at)), np.repeat(at, len(ids)), values.ravel())
        stored += kept.stored
    return stored


if __name__ == "__main__":
    print(asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2]))))
