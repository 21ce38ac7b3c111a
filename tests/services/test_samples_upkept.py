"""The store, its files and their upkeep together: through hours, days and restarts every question is answered from what there is."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import HOUR, Keep, Tier
from keepwell.rooms.samples.rollup import increase
from keepwell.rooms.samples.work.store import SampleStore, Settings
from keepwell.rooms.samples.work.upkeep import Upkeep

BEGIN = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
EVERY = 30_000
LABELS = [{NAME: "requests_total", "i": "0"}, {NAME: "temperature_celsius", "i": "1"}]


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


class Server:
    """A store with its upkeep on one folder."""

    def __init__(self, folder: Path, clock: FakeClock) -> None:
        self.files = Files(folder)
        self.store = SampleStore(folder, clock, Settings(every=0), self.files)
        self.upkeep = Upkeep(self.store, self.files, folder / "samples.sqlite", Keep, clock)

    async def begin(self) -> "Server":
        await self.upkeep.begin()
        await self.store.begin(60)
        return self

    async def end(self) -> None:
        await self.upkeep.end()
        await self.store.end()

    async def held(self) -> list[list[tuple[int, float]]]:
        """Instants and values of both series."""
        found = await self.store.select([Matcher(NAME, "!=", "")], 0, 1 << 60)
        by_number = sorted(found, key=lambda column: column.labels["i"])
        return [list(zip(column.timestamps.tolist(), column.values.tolist(), strict=True)) for column in by_number]


async def test_hours_go_by_and_nothing_changes_for_who_asks(tmp_path: Path) -> None:
    clock = FakeClock(BEGIN)
    server = await Server(tmp_path / "samples", clock).begin()
    wanted: list[list[tuple[int, float]]] = [[], []]
    for hour in range(6):
        times = [ms(clock.now()) + place * EVERY for place in range(HOUR // EVERY)]
        clock.advance(3600)
        for place, at in enumerate(times):
            number = float(hour * 120 + place)
            wanted[0].append((at, number))
            wanted[1].append((at, 20 + place % 7 / 10))
        late = [at for at in times if at % 600_000 == 0]
        prompt = [at for at in times if at % 600_000]
        await bring(server.store, wanted, prompt)
        clock.advance(400)
        await server.upkeep.look()
        await bring(server.store, wanted, late)
        clock.advance(700)
        await server.upkeep.look()
        clock.advance(-1100)
        if hour == 2:
            await server.end()
            server = await Server(tmp_path / "samples", clock).begin()
        assert await server.held() == wanted
    assert (server.upkeep.problems(), list(await server.store.used_hours())) == ([], [])
    clock.advance(24 * 3600)
    await server.upkeep.look()
    assert [file.is_hour for file in server.files.layout.files(Tier.FIVE_MINUTES)] == [False, False]
    rolled = await asyncio.to_thread(server.files.rolled, Tier.HOUR, np.array([0], np.int32), 0, 1 << 60)
    assert rolled.count.tolist() == [120] * 6
    assert increase(rolled) == 6 * 120 - 1
    assert await server.held() == wanted
    await server.end()


async def bring(store: SampleStore, wanted: list[list[tuple[int, float]]], times: list[int]) -> None:
    chosen = set(times)
    for labels, column in zip(LABELS, wanted, strict=True):
        new = [(at, value) for at, value in column if at in chosen]
        kept = await store.add("test", [labels] * len(new), np.array([at for at, _ in new]), np.array([value for _, value in new]))
        assert kept.stored == len(new)


async def test_the_log_gets_empty_and_the_files_outlive_it(tmp_path: Path) -> None:
    clock = FakeClock(BEGIN)
    folder = tmp_path / "samples"
    server = await Server(folder, clock).begin()
    times = np.arange(ms(BEGIN), ms(BEGIN) + HOUR, EVERY)
    clock.advance(3600 + 400)
    await server.store.add("test", [LABELS[0]] * len(times), times, np.arange(float(len(times))))
    await server.upkeep.look()
    wanted = await server.held()
    await server.end()
    log = Log.open(folder / "samples.sqlite")
    assert log.used_hours() == []
    log.close()
    for path in folder.glob("samples.sqlite*"):
        path.unlink()
    clock.advance(timedelta(days=1).total_seconds())
    server = await Server(folder, clock).begin()
    assert await server.held() == wanted
    await server.end()
