"""The store on a real SQLite file and real hours' files: what is acknowledged is there, after a restart too, and nothing counts twice."""

import asyncio
import math
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from keepwell.kernel.problems import Refused, StorageError
from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Matcher, Sample
from keepwell.rooms.samples.admission import DUPLICATE, FUTURE, LABELS, LIMIT, OLD, Kept, Limits
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import HOUR, STALE, Ids, Keep, Metric, Rows
from keepwell.rooms.samples.work import apart, kept, recall, restart, trimming
from keepwell.rooms.samples.work import store as stores
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.store import OWN, SampleStore, Settings
from tests.samples_store import NOW, QUICK, Model, bits, columns, compact, first_wins, held, ids, ms, named, opened, tuples

M = [Matcher(NAME, "=", "m")]


async def test_what_is_brought_is_there(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        kept = await store.add("job", *columns(("a", ms() - 10_000, 1.0), ("a", ms(), 2.0), ("b", ms(), -0.0)))
        assert kept == Kept(3, {})
        assert await held(store) == first_wins({}, [("a", ms() - 10_000, 1.0), ("a", ms(), 2.0), ("b", ms(), -0.0)])
        assert await store.latest(M, ms()) == [(named("a"), ms(), 2.0), (named("b"), ms(), 0.0)]
        assert store.newest == ms()
        assert (store.figures.series, store.figures.stored, store.figures.in_memory, store.figures.fault) == (2, 3, 3, "")


async def test_the_port_takes_samples_and_never_waits(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        await store.append([Sample("up", 1.0, NOW, {"check": "a"}), Sample("up", 0.0, NOW, {"check": "b"}), Sample("", 1.0, NOW)])
        await store.append([])
        await store.append([Sample("up", 0.5, NOW + timedelta(microseconds=1_600), {"check": "a"})])
        await store.add("x", *columns(("flush", ms(), 0.0)))
        found = await store.select([Matcher("check", "=~", "a|b")], ms(), ms() + 10)
        assert [(column.labels, column.timestamps.tolist(), column.values.tolist()) for column in found] == [
            ({NAME: "up", "check": "a"}, [ms(), ms() + 2], [1.0, 0.5]),
            ({NAME: "up", "check": "b"}, [ms()], [0.0]),
        ]
        assert store.figures.refused == {LABELS: 1}
        assert store._state.index.source(0) == OWN


async def test_duplicates_count_once_and_the_first_wins(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        given = [("a", ms(), 1.0), ("a", ms(), 9.0), ("b", ms(), 1.0)]
        assert await store.add("job", *columns(*given)) == Kept(2, {DUPLICATE: 1})
        assert await store.add("job", *columns(*given, ("a", ms() + 1, 3.0))) == Kept(1, {DUPLICATE: 3})
        together = await asyncio.gather(*(store.add("job", *columns(("c", ms(), float(n)))) for n in range(3)))
        assert [kept.stored for kept in together] == [1, 0, 0]
        assert await held(store) == first_wins({}, [*given, ("a", ms() + 1, 3.0), ("c", ms(), 0.0)])
        assert store.figures.refused == {DUPLICATE: 6}


async def test_out_of_order_is_taken_the_far_past_and_future_are_not(tmp_path: Path) -> None:
    async with opened(tmp_path / "samples") as store:
        await store.add("job", *columns(("a", ms(), 1.0)))
        old, future = ms() - 15 * 86_400_000, ms() + 600_000
        given = [
            ("a", ms() - 1, 2.0),
            ("a", ms() - 5 * HOUR, 3.0),
            ("a", old, 4.0),
            ("a", old - 1, 5.0),
            ("a", future, 6.0),
            ("a", future + 1, 7.0),
        ]
        assert await store.add("job", *columns(*given)) == Kept(4, {OLD: 1, FUTURE: 1})
        found = (await held(store))["a"]
        assert sorted(found) == [old, ms() - 5 * HOUR, ms() - 1, ms(), future]


async def test_every_bit_survives_a_restart(tmp_path: Path) -> None:
    odd = [float(STALE), math.nan, -math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308]
    given = [("a", ms() + number, value) for number, value in enumerate(odd)]
    async with opened(tmp_path / "samples") as store:
        await store.add("job", *columns(*given))
        assert (await held(store))["a"] == {at: bits(value) for _, at, value in given}
    async with opened(tmp_path / "samples") as store:
        assert (await held(store))["a"] == {at: bits(value) for _, at, value in given}


async def test_a_series_that_ended_is_not_among_the_latest(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    async with opened(tmp_path / "samples", clock) as store:
        await store.add("job", *columns(("a", ms() - 1, 1.0), ("b", ms() - 1, 1.0), ("b", ms(), float(STALE)), ("c", ms(), math.nan)))
        assert [labels["i"] for labels, _, _ in await store.latest(M, ms())] == ["a", "c"]
        assert [labels["i"] for labels, _, _ in await store.latest(M, ms() + 299_999)] == ["c"], "older than five minutes"
        assert [labels["i"] for labels, _, _ in await store.latest(M, ms() - 1)] == ["a", "b"], "as it was known then"
        assert await store.latest(M, ms() - 2) == []
        assert await store.latest([Matcher(NAME, "=", "other")], ms()) == []


async def test_a_restart_brings_everything_back(tmp_path: Path) -> None:
    given = [(number % 7, ms() - 60_000 * (number // 7), float(number)) for number in range(700)]
    async with opened(tmp_path / "samples") as store:
        for first in range(0, 700, 100):
            await store.add("job", *columns(*given[first : first + 100]))
        await store.describe({"m": Metric("gauge", "help", "seconds")})
        before, numbers = await held(store), store.identify("job", [named(number) for number in range(7)])
    assert before == first_wins({}, given)
    async with opened(tmp_path / "samples") as store:
        assert await held(store) == before
        assert store.identify("job", [named(number) for number in range(7)]).tolist() == numbers.tolist()
        assert store.metric("m") == Metric("gauge", "help", "seconds")
        assert store.metric("other") == Metric()
        assert await store.add("job", *columns(*given)) == Kept(0, {DUPLICATE: 700})
        assert await store.used_hours() == sorted({at // HOUR * HOUR for _, at, _ in given})


async def test_a_batch_that_crosses_hours_is_a_row_of_each(tmp_path: Path) -> None:
    hour = ms() // HOUR * HOUR
    async with opened(tmp_path / "samples") as store:
        await store.add("job", *columns(("a", hour - 1, 1.0), ("a", hour, 2.0), ("b", hour - 1, 3.0)))
        assert await store.used_hours() == [hour - HOUR, hour]
    log = Log.open_to_read(tmp_path / "samples" / "samples.sqlite")
    assert [tuples(log.rows_of_hour(each)[0]) for each in log.used_hours()] == [
        [(0, hour - 1, 1.0), (1, hour - 1, 3.0)],
        [(0, hour, 2.0)],
    ]
    log.close()


async def test_memory_and_files_answer_as_one_and_nothing_twice(tmp_path: Path) -> None:
    """Ten hours, compacted as they end, with late samples and duplicates of what is in files; asked at every step, and after a restart."""
    folder, model = tmp_path / "samples", Model()
    clock = FakeClock(NOW)
    files = Files(folder)
    store = SampleStore(folder, clock, QUICK, files)
    await store.begin(60)
    chance = np.random.default_rng(3)
    for step in range(20):
        now = ms(clock.now())
        late = [
            (int(s), now - int(back) * 60_000, float(step))
            for s, back in zip(chance.integers(0, 4, 30), chance.integers(0, 400, 30), strict=True)
        ]
        await store.add("job", *columns(*late))
        first_wins(model, late)
        if step % 3 == 2:
            for hour in await store.used_hours():
                if hour + HOUR + 300_000 <= now:
                    await compact(store, hour)
        assert await held(store) == model
        some = await held(store, now - 3 * HOUR, now - HOUR // 2)
        assert some == {
            series: inside
            for series, all_of in model.items()
            if (inside := {at: v for at, v in all_of.items() if now - 3 * HOUR <= at <= now - HOUR // 2})
        }
        clock.advance(1800)
    assert len(files.hours()) > 5
    assert store.figures.in_memory < sum(map(len, model.values())), "what is in files has left memory"
    await store.end()
    again = SampleStore(folder, clock, QUICK, files)
    await again.begin(60)
    assert await held(again) == model
    assert (await again.latest(M, ms(clock.now()), 2 * HOUR)) != []
    await again.end()


async def test_compacting_the_same_hour_again_is_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    hour = ms() // HOUR * HOUR - 3 * HOUR
    store = SampleStore(folder, FakeClock(NOW), QUICK, Files(folder))
    await store.begin(60)
    await store.add("job", *columns(("a", hour, 1.0), ("a", hour + 1, 2.0)))
    await compact(store, hour)
    assert await store.used_hours() == []
    await store.add("job", *columns(("a", hour, 9.0), ("a", hour + 2, 3.0)))
    assert await held(store) == first_wins({}, [("a", hour, 1.0), ("a", hour + 1, 2.0), ("a", hour + 2, 3.0)])
    await compact(store, hour)
    await store.compacted(hour, [1, 2, 3, 99])
    assert await held(store) == first_wins({}, [("a", hour, 1.0), ("a", hour + 1, 2.0), ("a", hour + 2, 3.0)])
    await store.end()


async def test_old_samples_of_an_import_are_seen_once_they_are_in_files(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    day = ms() // HOUR * HOUR - 24 * HOUR
    store = SampleStore(folder, FakeClock(NOW), QUICK, Files(folder))
    await store.begin(60)
    given = [("a", day + minute * 60_000, float(minute)) for minute in range(180)]
    assert await store.backfill("import", *columns(*given, ("a", ms(), 7.0))) == Kept(181, {})
    assert await held(store) == {"a": {ms(): bits(7.0)}}, "what lies in the window is seen at once"
    assert store.figures.in_memory == 1
    assert await store.used_hours() == [day, day + HOUR, day + 2 * HOUR, ms() // HOUR * HOUR]
    for hour in [day, day + HOUR, day + 2 * HOUR]:
        await compact(store, hour)
    assert await held(store) == first_wins({}, [*given, ("a", ms(), 7.0)])
    await store.end()


async def test_blocks_are_sealed_as_time_goes_on(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    model = Model()
    async with opened(tmp_path / "samples", clock) as store:
        for step in range(90):
            given = [(series, ms(clock.now()), float(step)) for series in range(50)]
            await store.add("job", *columns(*given))
            first_wins(model, given)
            clock.advance(10)
        assert await held(store) == model
        assert not store._state.window.to_seal(ms(clock.now()) - 60_000)


async def test_limits_refuse_new_series_and_say_it_once_for_each_source(tmp_path: Path) -> None:
    settings = Settings(limits=Limits(series=8, per_source=5), every=0)
    async with opened(tmp_path / "samples", settings=settings) as store:
        assert await store.add("loud", *columns(*((number, ms(), 1.0) for number in range(20)))) == Kept(5, {LIMIT: 15})
        assert await store.add("quiet", *columns(*((f"q{number}", ms(), 1.0) for number in range(5)))) == Kept(3, {LIMIT: 2})
        assert await store.add("loud", *columns(*((number, ms() + 1, 1.0) for number in range(20)))) == Kept(5, {LIMIT: 15})
        assert store.figures.refused == {LIMIT: 32}
        assert len(store.problems()) == 2
        store.configure(Settings(limits=Limits(series=100, per_source=50), every=0))
        assert await store.add("loud", *columns(*((number, ms() + 2, 1.0) for number in range(20)))) == Kept(20, {})


async def test_monstrous_labels_are_refused_and_counted(tmp_path: Path) -> None:
    monsters = [
        {NAME: "m"} | {f"l{number}": "x" for number in range(10_000)},
        {NAME: "m", "big": "x" * 1_000_000},
        {NAME: "m", "bad": "\udc80"},
        {"no": "name"},
        {NAME: "m", "fine": "yes"},
    ]
    async with opened(tmp_path / "samples") as store:
        numbers = store.identify("job", monsters)
        assert numbers.tolist() == [-2, -2, -2, -2, 0]
        at, value = np.array([ms()] * 5, np.int64), np.ones(5)
        assert await store.add("job", numbers, at, value) == Kept(1, {LABELS: 4})
        assert await store.add("job", ids(7, -1, -9), at[:3], value[:3]) == Kept(0, {LIMIT: 2, LABELS: 1})


async def test_a_clock_that_jumps_an_hour(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    model = Model()

    async def bring(store: SampleStore, value: float) -> None:
        given = [("a", ms(clock.now()), value)]
        await store.add("job", *columns(*given))
        first_wins(model, given)

    async with opened(tmp_path / "samples", clock) as store:
        await bring(store, 1.0)
        clock.set(NOW + timedelta(hours=1))
        await bring(store, 2.0)
        clock.set(NOW + timedelta(seconds=10))
        await bring(store, 3.0)
        assert await store.latest(M, ms(clock.now())) == [(named("a"), ms(clock.now()), 3.0)], "not the one that is an hour ahead"
        clock.set(NOW - timedelta(hours=1))
        await bring(store, 4.0)
        assert await held(store) == model
        assert await store.latest(M, ms(clock.now())) == [(named("a"), ms(clock.now()), 4.0)]
    async with opened(tmp_path / "samples", clock) as store:
        assert await held(store) == model


async def test_a_question_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "samples"
    store = SampleStore(folder, FakeClock(NOW), QUICK, Files(folder))
    await store.begin(60)
    hour = ms() // HOUR * HOUR - 5 * HOUR
    await store.add("job", *columns(*(("a", hour + number, 1.0) for number in range(60))))
    await compact(store, hour)
    await store.add("job", *columns(*(("a", ms() - number, 1.0) for number in range(60))))
    monkeypatch.setattr(recall, "MOST_AT_ONCE", 100)
    with pytest.raises(Refused, match="more than 100 samples"):
        await store.select(M, 0, ms())
    monkeypatch.setattr(recall, "MOST_AT_ONCE", 120)
    assert len((await store.select(M, 0, ms()))[0].timestamps) == 120
    await store.end()


async def test_series_that_no_file_can_have_any_more_are_forgotten(tmp_path: Path) -> None:
    clock = FakeClock(NOW)
    day = timedelta(days=1)
    settings = Settings(Keep(raw=2 * day, five_minutes=3 * day, hour=4 * day), every=0)
    async with opened(tmp_path / "samples", clock, settings) as store:
        await store.add("job", *columns(("gone", ms(), 1.0), ("stays", ms(), 1.0)))
        for _ in range(12):
            clock.advance(43_200)
            await store.add("job", *columns(("stays", ms(clock.now()), 1.0)))
            for hour, batches in store.batches().items():
                await store.compacted(hour, batches)
        assert [labels["i"] for labels in map(store.labels, store.ids([]).tolist())] == ["stays"]
        assert (await store.add("job", *columns(("gone", ms(clock.now()), 1.0)))).stored == 1
        numbers = store.ids([]).tolist()
    async with opened(tmp_path / "samples", clock, settings) as store:
        assert store.ids([]).tolist() == numbers == [1, 2]


async def test_memory_is_bounded_whatever_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "MOST_IN_MEMORY", 1000)
    monkeypatch.setattr(restart, "MOST_IN_MEMORY", 1000)
    clock = FakeClock(NOW)
    folder, model = tmp_path / "samples", Model()
    store = SampleStore(folder, clock, QUICK, Files(folder))
    await store.begin(60)
    for _ in range(12):
        given = [(series, ms(clock.now()), 1.0) for series in range(200)]
        await store.add("job", *columns(*given))
        first_wins(model, given)
        assert store.figures.in_memory <= 1000
        clock.advance(600)
    assert sum(map(len, (await held(store)).values())) == 1000
    assert "samples came within the window of memory" in store.problems()[0]
    await store.end()
    store = SampleStore(folder, clock, QUICK, Files(folder))
    await store.begin(60)
    assert store.figures.in_memory < 2400
    for hour in await store.used_hours():
        await compact(store, hour)
    assert await held(store) == model, "what is in files is seen"
    clock.advance(7200)
    await store.add("job", *columns(("a", ms(clock.now()), 1.0)))
    assert store.problems() == []
    await store.end()


class Counted(KeptFiles):
    """Files that count how often they are read in this process."""

    reads = 0

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """Counts, and reads."""
        self.reads += 1
        return KeptFiles.rows(self, ids, start, end)


async def lived(store: SampleStore, clock: FakeClock, reach: int, hours: int) -> Model:
    """So many hours: each ten minutes two samples, a question that reaches so far back, and what is due compacted. All that was given."""
    model = Model()
    for _ in range(6 * hours):
        given = [("a", ms(clock.now()), float(ms(clock.now()) % 1000)), ("b", ms(clock.now()), 1.0)]
        await store.add("job", *columns(*given))
        first_wins(model, given)
        if reach:
            assert set(await held(store, ms(clock.now()) - reach)) == {"a", "b"}
        for hour in await store.used_hours():
            if hour + HOUR + 300_000 <= ms(clock.now()):
                await compact(store, hour)
        clock.advance(600)
    return model


async def test_what_questions_reach_for_again_and_again_stays_in_memory(tmp_path: Path) -> None:
    """A rule over a day must not bring Arrow into memory."""
    folder, clock = tmp_path / "samples", FakeClock(NOW)
    files = Counted(folder)
    store = SampleStore(folder, clock, QUICK, files)
    await store.begin(60)
    model = await lived(store, clock, 24 * HOUR, 30)
    assert files.reads == 0, "memory had all of it"
    assert len(list((folder / "raw").glob("*.parquet"))) >= 28, "hours have their files all the same"
    assert 2 * 6 * 24 <= store.figures.in_memory <= 2 * 6 * 26, "what is older than a day and an hour leaves"
    assert await held(store) == model
    assert files.reads > 0
    await lived(store, clock, 0, 4)
    assert store.figures.in_memory <= 2 * 6 * 3, "nobody asks so far back any more"
    await store.end()


async def test_after_a_restart_memory_has_the_day_again(tmp_path: Path) -> None:
    folder, clock = tmp_path / "samples", FakeClock(NOW)
    store = SampleStore(folder, clock, QUICK, KeptFiles(folder))
    await store.begin(60)
    model = await lived(store, clock, 24 * HOUR, 30)
    await store.end()
    files = Counted(folder)
    store = SampleStore(folder, clock, QUICK, files)
    await store.begin(60)
    day = ms(clock.now()) - 24 * HOUR
    wanted = {series: {at: value for at, value in samples.items() if at >= day} for series, samples in model.items()}
    assert await held(store, day) == wanted
    assert files.reads == 0, "a process of its own has read them"
    first_wins(model, await _continued(store, clock))
    assert await held(store) == model
    await store.end()


async def _continued(store: SampleStore, clock: FakeClock) -> list[tuple[int | str, int, float]]:
    clock.advance(600)
    given: list[tuple[int | str, int, float]] = [("a", ms(clock.now()), 5.0), ("new", ms(clock.now()), 6.0)]
    await store.add("job", *columns(*given))
    return given


@pytest.mark.parametrize("what", ["much", "cannot", "garbage"])
async def test_what_cannot_be_read_apart_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    folder, clock = tmp_path / "samples", FakeClock(NOW)
    store = SampleStore(folder, clock, QUICK, KeptFiles(folder))
    await store.begin(60)
    model = await lived(store, clock, 24 * HOUR, 5)
    await store.end()
    if what == "much":
        monkeypatch.setattr(kept, "APART_BYTES", 10)
    else:
        monkeypatch.setattr(apart, "_PROGRAM", "keepwell.no.such.program" if what == "cannot" else "keepwell.cli.program")
    files = Counted(folder)
    store = SampleStore(folder, clock, QUICK, files)
    await store.begin(60)
    assert files.reads > 0
    assert await held(store) == model
    await store.end()


async def test_much_leaves_memory_though_questions_reach_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trimming, "AMPLE", 0)
    folder, clock = tmp_path / "samples", FakeClock(NOW)
    files = Counted(folder)
    store = SampleStore(folder, clock, QUICK, files)
    await store.begin(60)
    model = await lived(store, clock, 24 * HOUR, 5)
    assert files.reads > 0
    assert store.figures.in_memory <= 2 * 6 * 3
    assert await held(store) == model
    await store.end()


async def test_an_import_below_what_memory_has_is_seen_once_it_is_in_files(tmp_path: Path) -> None:
    folder, clock = tmp_path / "samples", FakeClock(NOW)
    store = SampleStore(folder, clock, QUICK, Files(folder))
    await store.begin(60)
    model = await lived(store, clock, 24 * HOUR, 6)
    old = [("c", ms(clock.now()) - 3 * HOUR, 5.0), ("c", ms(clock.now()) - 20 * HOUR, 6.0), ("c", ms(clock.now()), 7.0)]
    await store.backfill("import", *columns(*old))
    for hour in (await store.used_hours())[:-1]:
        await compact(store, hour)
    assert await held(store) == first_wins(model, old)
    await store.end()


async def test_the_log_becomes_small_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "samples" / "samples.sqlite"

    def size() -> int:
        return path.stat().st_size + path.with_name("samples.sqlite-wal").stat().st_size

    async with opened(tmp_path / "samples") as store:
        for number in range(20):
            await store.add("job", *columns(*((series, ms() - number, 1.0) for series in range(10_000))))
        full = size()
        [(hour, batches)] = store.batches().items()
        monkeypatch.setattr(stores, "MUCH_FREE", 1_000_000)
        await store.compacted(hour, batches[:-1])
        assert await store.add("job", *columns(("a", ms() + 1, 1.0))) == Kept(1, {})
        assert sum(map(len, (await held(store)).values())) == 200_001
    assert path.stat().st_size < full / 4
    async with opened(tmp_path / "samples") as store:
        assert sum(map(len, (await held(store)).values())) == 10_001


async def test_what_comes_before_the_store_is_open_waits_and_after_its_end_nothing_is_taken(tmp_path: Path) -> None:
    store = SampleStore(tmp_path / "samples", FakeClock(NOW), QUICK)
    outcome = store.add("job", *columns(("a", ms(), 1.0), ("a", 0, 1.0)))
    await store.append([Sample("m", 2.0, NOW, {"i": "b"})])
    assert await store.select([], 0, 1 << 60) == []
    await store.begin(60)
    assert await outcome == Kept(1, {OLD: 1})
    assert await held(store) == first_wins({}, [("a", ms(), 1.0), ("b", ms(), 2.0)])
    await store.end()
    with pytest.raises(StorageError, match="not open"):
        await store.add("job", *columns(("a", ms() + 1, 1.0)))
    assert store.figures.shed == 1
