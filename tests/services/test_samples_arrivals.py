"""Whoever waits for samples of a metric hears of them as soon as they are kept, and they are kept sooner."""

from pathlib import Path

import numpy as np

from keepwell.rooms.samples.work.arrivals import Arrivals
from keepwell.rooms.samples.work.store import Settings
from tests.samples_store import ms, named, opened


def values(count: int, at: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(count, at, np.int64), np.arange(count, dtype=np.float64)


async def test_only_of_metrics_that_are_wanted(tmp_path: Path) -> None:
    told: list[list[str]] = []
    async with opened(tmp_path) as store:
        arrivals = Arrivals(store, lambda names: told.append(list(names)))
        series = [named(1, "queue"), named(2, "queue"), named(1, "heat"), named(1, "noise")]
        await store.add("test", series, *values(4, ms()))
        assert told == []
        arrivals.want({"queue", "heat", "never"})
        await store.add("test", series, *values(4, ms() + 1))
        await store.add("test", [named(1, "noise")], *values(1, ms() + 2))
        await store.add("test", [named(9, "queue")], *values(1, ms() + 2))
        assert told == [["heat", "queue"], ["queue"]]
        arrivals.want(set())
        await store.add("test", series, *values(4, ms() + 3))
        assert len(told) == 2


async def test_they_are_kept_before_the_next_round_would_begin(tmp_path: Path) -> None:
    async with opened(tmp_path, settings=Settings(every=3600)) as store:
        arrivals = Arrivals(store, lambda names: None)
        arrivals.want({"queue"})
        # The first round begins at once; without anybody who waits the second would begin an hour later.
        for at in range(3):
            await store.add("test", [named(1, "queue")], *values(1, ms() + at))
        waiting = store.add("test", [named(1, "noise")], *values(1, ms()))
        await store.add("test", [named(1, "queue")], *values(1, ms() + 3))
        assert waiting.done()
