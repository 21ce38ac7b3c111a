"""Hours and days of samples as real files: what goes in comes out, through every step, as often as it is repeated."""

import asyncio
import fcntl
import os
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from keepwell.ports.fakes import FakeClock
from keepwell.rooms.samples.files import compact, days
from keepwell.rooms.samples.files.facts import labels_in
from keepwell.rooms.samples.files.raw import open_hour, read_rows, write_hour
from keepwell.rooms.samples.model import DAY, HOUR, Keep, Tier
from keepwell.rooms.samples.work import upkeep as upkeeping
from keepwell.rooms.samples.work.child import Done, work_in_child
from keepwell.rooms.samples.work.upkeep import EVERY, Upkeep
from tests.sampled_hours import LABELS, MIDNIGHT, Folder, an_hour, bits, rolled_list, rows_of, sorted_rows

DEFAULT = Keep()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "samples")
    made.begin()
    return made


def assert_whole(folder: Folder, *tiers: Tier) -> None:
    assert bits(folder.stored()) == bits(folder.expected())
    for tier in tiers:
        assert rolled_list(folder.rolled(tier)) == rolled_list(folder.expected_rolled(tier)), tier


def test_an_hour_comes_back_bit_by_bit(folder: Folder) -> None:
    rows = sorted_rows(an_hour(MIDNIGHT))
    file = folder.files.layout.hour(Tier.RAW, MIDNIGHT)
    write_hour(file, rows, LABELS)
    opened = open_hour(file)
    assert bits(read_rows(opened, None, 0, 2**60)) == bits(rows)
    assert labels_in(opened) == LABELS
    inside = (rows.at >= MIDNIGHT + 600_000) & (rows.at <= MIDNIGHT + 1_200_000) & np.isin(rows.series, [1, 3])
    found = read_rows(opened, np.array([1, 3, 77], np.int32), MIDNIGHT + 600_000, MIDNIGHT + 1_200_000)
    assert len(found) == 122
    assert bits(found) == bits(type(rows)(rows.series[inside], rows.at[inside], rows.value[inside]))
    assert len(read_rows(opened, np.array([9], np.int32), 0, 2**60)) == 0


def test_other_programs_read_a_file(folder: Folder) -> None:
    rows = sorted_rows(an_hour(MIDNIGHT))
    file = folder.files.layout.hour(Tier.RAW, MIDNIGHT)
    write_hour(file, rows, LABELS)
    table = pq.read_table(file.path).to_pylist()
    values = [row["value_whole"] / 10 ** row["digits"] if row["value"] is None else row["value"] for row in table]
    assert np.array_equal(np.array(values), rows.value, equal_nan=True)
    assert table[0]["at"] == datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("most", [50, 400, 1_000_000])
def test_an_hour_is_compacted_by_ranges_of_series(folder: Folder, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(compact, "MOST_ROWS", most)
    samples = an_hour(MIDNIGHT)
    random.Random(1).shuffle(samples)
    folder.append(samples)
    folder.append([(series, at, value + 1) for series, at, value in samples[:200]])
    done = folder.compact(MIDNIGHT)
    assert (done["rows"], done["taken"], done["added"], done["said"]) == (1440, 1640, 1440, [])
    assert_whole(folder, Tier.FIVE_MINUTES)
    assert folder.files.labels() == LABELS


def test_late_samples_are_merged_into_their_hour_as_often_as_they_come(folder: Folder) -> None:
    samples = an_hour(MIDNIGHT)
    folder.append(samples[::3])
    folder.compact(MIDNIGHT)
    folder.append(samples[1::3])
    folder.append([(series, at, -1.0) for series, at, _ in samples[:30]])
    done = folder.compact(MIDNIGHT)
    assert (done["taken"], done["added"]) == (510, 490)
    assert_whole(folder, Tier.FIVE_MINUTES)
    files = {path: path.read_bytes() for path in folder.path.glob("*/*.parquet")}
    folder.append(samples[::3])
    assert folder.compact(MIDNIGHT)["added"] == 0
    assert {path: path.read_bytes() for path in files} == files, "doing it again changes no byte"
    assert folder.compact(MIDNIGHT)["batches"] == []


@pytest.mark.parametrize("most", [20, 1_000_000])
def test_a_day_is_merged_and_merged_again_for_late_hours(folder: Folder, monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(days, "MOST_ROWS", most)
    hours = [MIDNIGHT + number * HOUR for number in (0, 1, 5, 23)]
    for hour in hours:
        folder.append(an_hour(hour, 20_000))
        folder.compact(hour)
    folder.merge(MIDNIGHT)
    assert [path.name for path in (folder.path / "5m").iterdir()] == ["20261122.parquet"]
    assert_whole(folder, Tier.FIVE_MINUTES, Tier.HOUR)
    for hour in (hours[1], MIDNIGHT + 7 * HOUR):
        folder.append(an_hour(hour, 20_000, first=10_000))
        folder.compact(hour)
    assert len(list((folder.path / "5m").iterdir())) == 3
    assert_whole(folder, Tier.FIVE_MINUTES)
    for _ in range(2):
        folder.merge(MIDNIGHT)
        assert_whole(folder, Tier.FIVE_MINUTES, Tier.HOUR)
    assert len(list((folder.path / "5m").iterdir())) == 1


def test_a_damaged_batch_is_named_and_passed_over(folder: Folder) -> None:
    folder.append(an_hour(MIDNIGHT)[:300], batch=100)
    log = folder.log()
    log._using().execute("UPDATE batch SET value = zeroblob(800) WHERE id = 2")
    log.close()
    done = folder.compact(MIDNIGHT)
    assert (done["batches"], done["damaged"], done["rows"]) == ([1, 3], [2], 200)
    assert done["said"] == ["a batch of samples of 2026-11-22 00:00 UTC in the log is damaged and left out"]


# --- the activity -------------------------------------------------------------------------------------------------------------


class Store:
    """What the upkeep asks of the store, over a real log."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    async def used_hours(self) -> Sequence[int]:
        log = self.folder.log()
        found = log.used_hours()
        log.close()
        return found

    async def compacted(self, hour: int, batches: Sequence[int], damaged: Sequence[int] = ()) -> None:
        log = self.folder.log()
        log.forget([*batches, *damaged])
        log.close()


def upkeep_of(folder: Folder, clock: FakeClock, keep: Keep = DEFAULT, **more: Any) -> Upkeep:
    return Upkeep(Store(folder), folder.files, folder.log_path, lambda: keep, clock, **more)


def at(milliseconds: int) -> FakeClock:
    return FakeClock(datetime.fromtimestamp(milliseconds / 1000, UTC))


async def test_the_upkeep_compacts_merges_and_drops_when_it_is_time(folder: Folder) -> None:
    for number in (0, 1):
        folder.append(an_hour(MIDNIGHT + number * HOUR, 60_000))
    clock = at(MIDNIGHT + HOUR + 200_000)
    upkeep = upkeep_of(folder, clock, Keep(raw=timedelta(hours=12)))
    await upkeep.begin()
    await upkeep.look()
    assert upkeep.figures.compacted == 0
    clock.advance(HOUR / 1000 + 100)
    await upkeep.look()
    assert (upkeep.figures.compacted, upkeep.figures.rows) == (2, 480)
    assert upkeep.figures.peak > 1_000_000
    assert_whole(folder, Tier.FIVE_MINUTES)
    clock.advance(DAY / 1000)
    await upkeep.look()
    assert (upkeep.figures.merged, upkeep.figures.dropped) == (1, 2)
    assert sorted(str(path.relative_to(folder.path)) for path in folder.path.glob("*/*.parquet")) == [
        "1h/20261122.parquet",
        "5m/20261122.parquet",
    ]
    assert rolled_list(folder.rolled(Tier.HOUR)) == rolled_list(folder.expected_rolled(Tier.HOUR))
    assert upkeep.problems() == []


async def test_a_look_is_due_each_minute_and_never_doubled(folder: Folder) -> None:
    clock = at(MIDNIGHT)
    upkeep = upkeep_of(folder, clock)
    (job,) = upkeep.take_due(clock.monotonic())
    assert upkeep.next_due() == EVERY
    async with upkeep._busy:
        assert upkeep.take_due(EVERY) == ()
    await job.run()
    assert upkeep.next_due() == 2 * EVERY
    assert len(upkeep.take_due(2 * EVERY)) == 1


async def test_everything_is_compacted_at_once_for_an_import(folder: Folder) -> None:
    for number in (0, 1, 5):
        folder.append(an_hour(MIDNIGHT + number * HOUR, 60_000))
    folder.append(an_hour(MIDNIGHT, 60_000)[:10])
    upkeep = upkeep_of(folder, at(MIDNIGHT + 5 * HOUR + 1))
    taken = await upkeep.everything()
    assert (taken.hours, taken.rows, taken.duplicates) == (2, 490, 10)
    assert_whole(folder)


async def test_a_missing_roll_up_is_made_again_and_a_missing_hour_is_named(folder: Folder) -> None:
    for number in range(3):
        folder.append(an_hour(MIDNIGHT + number * HOUR, 60_000))
        folder.compact(MIDNIGHT + number * HOUR)
    layout = folder.files.layout
    layout.hour(Tier.FIVE_MINUTES, MIDNIGHT).path.unlink()
    layout.hour(Tier.RAW, MIDNIGHT + HOUR).path.unlink()
    upkeep = upkeep_of(folder, at(MIDNIGHT + 4 * HOUR))
    await upkeep.look()
    assert upkeep.problems() == ["samples/raw/20261122T01.parquet is missing; its roll-ups are served"]
    assert rolled_list(folder.rolled(Tier.FIVE_MINUTES)) == rolled_list(folder.expected_rolled(Tier.FIVE_MINUTES))


async def test_work_that_fails_is_said_once_and_tried_again_later(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.append(an_hour(MIDNIGHT, 60_000))
    fails = True

    async def work(kind: str, place: Path, log: Path, starts: Sequence[int]) -> Done:
        return Done((), "No space left on device") if fails else await work_in_child(kind, place, log, starts)

    clock = at(MIDNIGHT + 2 * HOUR)
    upkeep = upkeep_of(folder, clock, work=work)
    sentence = "compacting samples does not work (No space left on device); nothing is lost, it is tried again later"
    for _ in range(3):
        await upkeep.look()
        clock.advance(600)
    assert upkeep.problems() == [sentence]
    assert [record.message for record in caplog.records].count(sentence) == 1
    fails = False
    await upkeep.look()
    assert upkeep.problems() == []
    assert_whole(folder, Tier.FIVE_MINUTES)


async def test_a_child_that_dies_or_cannot_read_the_log_is_said(folder: Folder) -> None:
    done = await work_in_child("compact", folder.path, folder.path / "nowhere" / "samples.sqlite", [MIDNIGHT])
    assert (done.outcomes, "samples.sqlite" in done.fault) == ([], True)
    done = await work_in_child("dance", folder.path, folder.log_path, [MIDNIGHT])
    assert (done.outcomes, done.fault) == ([], "its process ended with status 1: KeyError: 'dance'")


async def test_one_child_does_many_hours_and_a_failing_one_takes_no_other_with_it(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = [MIDNIGHT + number * HOUR for number in range(5)]
    for hour in hours:
        folder.append(an_hour(hour, 600_000))
    (folder.path / "5m" / "20261122T03.parquet").mkdir()
    for size in (2, 5):
        upkeep = upkeep_of(folder, at(MIDNIGHT + 8 * HOUR))
        monkeypatch.setattr(upkeeping, "TOGETHER", size)
        await upkeep.look()
        assert await Store(folder).used_hours() == hours[3:]
        assert [problem.partition(";")[0] for problem in upkeep.problems()] == [
            "compacting samples does not work (Is a directory)",
            "samples/5m/20261122T03.parquet cannot be read (Is a directory)",
        ]
    (folder.path / "5m" / "20261122T03.parquet").rmdir()
    taken = await upkeep.everything()
    assert (taken.hours, taken.rows) == (2, 48)
    assert_whole(folder, Tier.FIVE_MINUTES)


async def test_the_end_of_the_server_ends_the_child(folder: Folder) -> None:
    folder.append(an_hour(MIDNIGHT))
    lock = os.open(folder.path / ".working", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)  # another child works: ours waits
    upkeep = upkeep_of(folder, at(MIDNIGHT + 2 * HOUR))
    looking = asyncio.create_task(upkeep.look())
    await asyncio.sleep(1)
    assert not looking.done()
    await upkeep.end()
    assert looking.cancelled()
    os.close(lock)
    assert_whole(folder)


async def test_a_child_says_what_it_did(folder: Folder) -> None:
    folder.append([(2, MIDNIGHT + 5, 0.25)])
    done = await work_in_child("compact", folder.path, folder.log_path, [MIDNIGHT])
    assert [outcome["rows"] for outcome in done.outcomes] == [1]
    assert bits(folder.files.rows(None, 0, 2**60)) == bits(rows_of([(2, MIDNIGHT + 5, 0.25)]))
