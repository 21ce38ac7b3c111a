"""What tests of the store of samples share: a store on a folder with a clock that stands, and a plain model of what it should hold."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.admission import first_of_each, order
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.raw import write_hour
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import Log, Point, joined, nothing
from keepwell.rooms.samples.model import HOUR, Ids, Instants, Labels, Rows, Tier, Values
from keepwell.rooms.samples.window import picked
from keepwell.rooms.samples.work.store import SampleStore, Settings

NOW = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
QUICK = Settings(every=0)

Bits = int
Model = dict[str, dict[int, Bits]]
"""What a store should hold: by series (its ``i`` label) and instant, the value's bits."""


def ms(at: datetime = NOW) -> int:
    """An instant as the store has it."""
    return round(at.timestamp() * 1000)


def named(number: int | str, name: str = "m") -> Labels:
    """The labels of a series."""
    return {NAME: name, "i": str(number)}


def rows(*samples: tuple[int, int, float]) -> Rows:
    """Rows of (series, at, value)."""
    series, at, value = zip(*samples, strict=True) if samples else ((), (), ())
    return Rows(np.array(series, np.int32), np.array(at, np.int64), np.array(value, np.float64))


def tuples(found: Rows) -> list[tuple[int, int, float]]:
    """Rows as (series, at, value)."""
    return list(zip(found.series.tolist(), found.at.tolist(), found.value.tolist(), strict=True))


def ids(*numbers: int) -> Ids:
    """Numbers of series."""
    return np.array(numbers, np.int32)


def bits(value: float) -> Bits:
    """All 64 of them: NaNs are told apart."""
    return int(np.float64(value).view(np.uint64))


def columns(*samples: tuple[int | str, int, float]) -> tuple[list[Labels], Instants, Values]:
    """Arguments of ``SampleStore.add`` for samples (series, at, value)."""
    return (
        [named(series) for series, _, _ in samples],
        np.array([at for _, at, _ in samples], np.int64),
        np.array([value for _, _, value in samples], np.float64),
    )


async def held(store: SampleStore, start: int = 0, end: int = 1 << 60) -> Model:
    """Everything that a store answers."""
    found = await store.select([Matcher(NAME, "=", "m")], start, end)
    return {
        column.labels["i"]: dict(zip(column.timestamps.tolist(), column.values.view(np.uint64).tolist(), strict=True)) for column in found
    }


def first_wins(model: Model, samples: Iterable[tuple[int | str, int, float]]) -> Model:
    """Adds samples to the model as the store should take them."""
    for series, at, value in samples:
        model.setdefault(str(series), {}).setdefault(at, bits(value))
    return model


async def compact(store: SampleStore, hour: int, point: Point = nothing) -> None:
    """What the compaction of an hour does, in few words: file over log, first wins, then the log forgets."""
    log = Log.open_to_read(store.folder / "samples.sqlite")
    found, batches, damaged = log.rows_of_hour(hour)
    log.close()
    layout = Layout(store.folder)
    layout.begin()
    together = joined([Files(store.folder).rows(None, hour, hour + HOUR - 1), found])
    together = picked(together, order(together))
    labels = {number: store.labels(number) for number in set(together.series.tolist())}
    write_hour(layout.hour(Tier.RAW, hour), picked(together, first_of_each(together)), labels, point)
    await store.compacted(hour, batches, damaged)


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock | None = None, settings: Settings = QUICK) -> AsyncIterator[SampleStore]:
    """A store in use."""
    store = SampleStore(folder, clock or FakeClock(NOW), settings)
    await store.begin(60)
    try:
        yield store
    finally:
        await store.end()
