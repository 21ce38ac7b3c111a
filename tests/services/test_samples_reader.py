"""Questions over memory and files of every tier: whatever holds a sample, the answer is that of all samples rolled up at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from keepwell.kernel.problems import UsageError
from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.files.days import merge_day
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.raw import write_hour
from keepwell.rooms.samples.files.rolled import writing_rolled
from keepwell.rooms.samples.model import DAY, HOUR, STALE, Ids, Keep, Rolled, Rows, Tier
from keepwell.rooms.samples.tiers import Need
from keepwell.rooms.samples.work import reader as reading
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Extent, Reader, by_series, together
from keepwell.rooms.samples.work.store import SampleStore

DAY_ONE = datetime(2026, 11, 19, tzinfo=UTC)
FIRST = int(DAY_ONE.timestamp() * 1000)
NOW = FIRST + 2 * DAY + 6 * HOUR + 1_234_567
EVERY = 60_000
LABELS = ({NAME: "duration_seconds", "check": "api"}, {NAME: "requests_total", "code": "200"}, {NAME: "queue_depth"})
EVERYTHING = (Matcher(NAME, "!=", ""),)
MINUTE = 60_000


class Past:
    """Two days and some hours of three series: the first day merged, the second by hours, the newest hours in memory only."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock(datetime.fromtimestamp(NOW / 1000, UTC))
        self.layout = Layout(folder)
        self.files = KeptFiles(folder)
        self.store = SampleStore(folder, self.clock, files=self.files)
        self.keep = Keep()
        self.reader = Reader(self.store, self.files, lambda: self.keep, self.clock)
        self.ids: Ids = np.zeros(0, np.int32)
        self.all = Rows(self.ids, np.zeros(0, np.int64), np.zeros(0))

    async def begin(self) -> None:
        """Makes all of it."""
        await self.store.begin()
        self.layout.begin()
        self.ids = self.store.identify("test", LABELS)
        chance = np.random.default_rng(7)
        at = np.arange(FIRST, NOW, EVERY) + chance.integers(0, 900, len(np.arange(FIRST, NOW, EVERY)))
        counted = np.cumsum(chance.integers(0, 9, len(at))).astype(float)
        for reset in (700, 1500, 2900):
            counted[reset:] -= counted[reset]
        depth = np.round(chance.normal(5, 3, len(at)))
        depth[100:110] = np.nan
        depth[200] = STALE
        columns = (np.round(chance.lognormal(-2, 1, len(at)), 4), counted, depth)
        gone = (at >= FIRST + 5 * HOUR) & (at < FIRST + 7 * HOUR)
        rows = [Rows(np.full(len(at), one, np.int32), at, value) for one, value in zip(self.ids, columns, strict=True)]
        self.all = together([*(Rows(one.series[~gone], one.at[~gone], one.value[~gone]) for one in rows)])
        for hour in range(FIRST, FIRST + 2 * DAY + 4 * HOUR, HOUR):
            self._file_hour(hour)
        merge_day(self.layout, FIRST)
        newest = self.all.at >= FIRST + 2 * DAY + 4 * HOUR
        await self._remember(newest)

    def _file_hour(self, hour: int) -> None:
        inside = (self.all.at >= hour) & (self.all.at < hour + HOUR)
        rows = Rows(self.all.series[inside], self.all.at[inside], self.all.value[inside])
        if not len(rows):
            return
        labels = dict(zip(self.ids.tolist(), LABELS, strict=True))
        write_hour(self.layout.hour(Tier.RAW, hour), rows, labels)
        with writing_rolled(self.layout.hour(Tier.FIVE_MINUTES, hour), labels) as writer:
            writer.write(rollup.roll(rows, Tier.FIVE_MINUTES.step, self.ids[1:2]))

    async def _remember(self, which: np.ndarray) -> None:
        kept = await self.store.add("test", self.all.series[which], self.all.at[which], self.all.value[which])
        assert kept.stored == which.sum()

    async def add_late(self, at: int, value: float) -> None:
        """A late sample of the gauge, in an hour that has a file."""
        await self.store.add("test", self.ids[2:], np.array([at]), np.array([value]))
        extra = Rows(self.ids[2:], np.array([at], np.int64), np.array([value]))
        self.all = together([self.all, extra])

    def wanted(self, start: int, end: int, step: int) -> Rolled:
        """All samples of a stretch, rolled up at once."""
        inside = (self.all.at >= start) & (self.all.at < end)
        rows = Rows(self.all.series[inside], self.all.at[inside], self.all.value[inside])
        return rollup.roll(rows, step, self.ids[1:2])


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    made = Past(tmp_path / "samples")
    await made.begin()
    yield made
    await made.store.end()


def assert_same(found: Rolled, wanted: Rolled) -> None:
    for name in ("series", "start", "count", "first_at", "last_at"):
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name
    for name in ("sum", "minimum", "maximum", "first", "last", "increase"):
        np.testing.assert_allclose(getattr(found, name), getattr(wanted, name), rtol=1e-9, err_msg=name)


def inside(found: Rolled, start: int) -> Rolled:
    return rollup.take(found, np.flatnonzero(found.start >= start))


@pytest.mark.parametrize("step", [MINUTE, 5 * MINUTE, 7 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, DAY])
async def test_every_step_is_that_of_all_samples(past: Past, step: int) -> None:
    for first, last in ((0, 54 * HOUR), (30 * HOUR, 55 * HOUR), (53 * HOUR, 56 * HOUR), (4 * HOUR, 8 * HOUR)):
        start, end = (FIRST + first) // step * step, -(-(FIRST + last) // step) * step
        answered = past.reader.plan(start, end, step)
        assert answered.exact
        found = await past.reader.rolled_rows(Extent(past.ids, start, end), answered)
        assert_same(inside(found, start), past.wanted(start, end, answered.step))


async def test_a_late_sample_that_is_in_no_file_yet_counts(past: Past) -> None:
    at = FIRST + 20 * HOUR + 1
    await past.add_late(at, 1000.0)
    start, end = FIRST, FIRST + 2 * DAY
    for step in (5 * MINUTE, HOUR, DAY):
        found = await past.reader.rolled_rows(Extent(past.ids, start, end), past.reader.plan(start, end, step))
        assert_same(found, past.wanted(start, end, step))


async def test_an_hour_that_was_made_anew_counts_though_its_day_is_older(past: Past) -> None:
    hour = FIRST + 20 * HOUR
    extra = Rows(past.ids[:1], np.array([hour + 30_001], np.int64), np.array([99.0]))
    past.all = together([past.all, extra])
    past._file_hour(hour)
    found = await past.reader.rolled_rows(Extent(past.ids, FIRST, FIRST + DAY), past.reader.plan(FIRST, FIRST + DAY, HOUR))
    assert_same(found, past.wanted(FIRST, FIRST + DAY, HOUR))


async def test_an_increase_begins_at_the_last_sample_before(past: Past) -> None:
    for step in (MINUTE, 5 * MINUTE, HOUR):
        start, end = FIRST + 10 * HOUR, FIRST + 12 * HOUR
        counter = Extent(past.ids[1:2], start, end)
        found = await past.reader.rolled_rows(counter, past.reader.plan(start, end, step))
        assert (found.start < start).sum() == 1
        mine = past.all.series == past.ids[1]
        at, value = past.all.at[mine], past.all.value[mine]
        before = np.searchsorted(at, start) - 1
        steps = np.diff(value[before : np.searchsorted(at, end)])
        wanted = np.where(steps < 0, value[before + 1 : np.searchsorted(at, end)], steps).sum()
        assert rollup.gained(found)[found.start >= start].sum() == pytest.approx(wanted)


async def test_quantiles_of_files_are_within_a_hundredth(past: Past) -> None:
    answered = past.reader.plan(FIRST, FIRST + 2 * DAY, HOUR, Need.QUANTILE)
    assert (answered.exact, answered.why) == (False, "quantiles from bins, within 1 %")
    found = await past.reader.rolled_rows(Extent(past.ids[:1], FIRST, FIRST + 2 * DAY, bins=True), answered)
    estimated = rollup.quantile(found, 0.95)
    for start, value in zip(found.start.tolist(), estimated.tolist(), strict=True):
        mine = (past.all.series == past.ids[0]) & (past.all.at >= start) & (past.all.at < start + HOUR)
        assert value == pytest.approx(np.quantile(past.all.value[mine], 0.95, method="lower"), rel=0.01)


async def test_samples_of_files_and_memory(past: Past) -> None:
    start, end = FIRST + DAY - HOUR, FIRST + 2 * DAY + 5 * HOUR
    rows = await past.reader.rows(Extent(past.ids, start, end))
    mine = (past.all.at >= start) & (past.all.at < end)
    assert rows.series.tolist() == past.all.series[mine].tolist()
    assert rows.at.tolist() == past.all.at[mine].tolist()
    assert rows.value.view(np.int64).tolist() == past.all.value[mine].view(np.int64).tolist()  # a staleness marker stays one
    (column,) = await past.reader.columns((Matcher(NAME, "=", "queue_depth"),), start, end)
    assert len(column.timestamps) == int((past.all.series[mine] == past.ids[2]).sum())


async def test_what_is_not_kept_raw_any_more_is_answered_by_roll_ups(past: Past) -> None:
    for hour in range(FIRST, FIRST + 2 * DAY, HOUR):
        past.layout.hour(Tier.RAW, hour).path.unlink(missing_ok=True)
    past.keep = Keep(raw=timedelta(hours=7))
    series, answered = await past.reader.rolled(EVERYTHING, FIRST, FIRST + 2 * DAY, MINUTE)
    assert (answered.tier, answered.step, answered.exact, answered.why) == (
        Tier.FIVE_MINUTES,
        5 * MINUTE,
        False,
        "older than 7h: by 5 minutes",
    )
    assert [labels[NAME] for labels, _ in series] == ["duration_seconds", "requests_total", "queue_depth"]
    wanted = dict(by_series(past.wanted(FIRST, FIRST + 2 * DAY, 5 * MINUTE)))
    for labels, rolled in series:
        assert_same(rolled, wanted[past.store.ids([Matcher(NAME, "=", labels[NAME])])[0]])


async def test_a_damaged_file_is_named_and_the_rest_is_served(past: Past) -> None:
    day = past.layout.day(Tier.HOUR, FIRST).path
    content = bytearray(day.read_bytes())
    content[len(content) // 3] ^= 0xFF
    day.write_bytes(content)
    found = await past.reader.rolled_rows(Extent(past.ids, FIRST, FIRST + DAY), past.reader.plan(FIRST, FIRST + DAY, HOUR))
    assert_same(found, past.wanted(FIRST, FIRST + DAY, HOUR))  # the five minutes answer in its place
    assert len(past.files.files.damages.sentences()) == 1
    hour = past.layout.hour(Tier.FIVE_MINUTES, FIRST + 30 * HOUR).path
    hour.write_bytes(hour.read_bytes()[:-20])
    start, end = FIRST + 28 * HOUR, FIRST + 33 * HOUR
    found = await past.reader.rolled_rows(Extent(past.ids, start, end), past.reader.plan(start, end, 5 * MINUTE))
    assert_same(inside(found, start), past.wanted(start, end, 5 * MINUTE))  # and the samples in place of those
    past.layout.hour(Tier.RAW, FIRST + 30 * HOUR).path.unlink()
    found = await past.reader.rolled_rows(Extent(past.ids, start, end), past.reader.plan(start, end, HOUR))
    assert FIRST + 30 * HOUR not in found.start.tolist()
    assert FIRST + 29 * HOUR in found.start.tolist()


async def test_a_question_that_would_read_too_much_is_refused(past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PIECES", 100)
    with pytest.raises(UsageError, match="too much for one question"):
        await past.reader.rolled(EVERYTHING, FIRST, FIRST + 2 * DAY, MINUTE)
    series, _ = await past.reader.rolled(EVERYTHING, FIRST, FIRST + 2 * DAY, DAY)
    assert len(series) == 3


async def test_nothing_fits(past: Past) -> None:
    series, answered = await past.reader.rolled((Matcher(NAME, "=", "never"),), FIRST, NOW, HOUR)
    assert (series, answered.exact) == ([], True)
    assert await past.reader.columns((Matcher(NAME, "=", "never"),), FIRST, NOW) == []


async def test_a_series_that_is_forgotten_meanwhile_is_no_fault(past: Past) -> None:
    ids = np.append(past.ids, np.int32(999))
    start, end = FIRST + 53 * HOUR, FIRST + 54 * HOUR
    found = await past.reader.rolled_rows(Extent(ids, start, end), past.reader.plan(start, end, HOUR))
    assert_same(inside(found, start), past.wanted(start, end, HOUR))
    assert past.reader.labels(999) == {NAME: ""}
