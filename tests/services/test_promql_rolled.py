"""Long windows from roll-ups: the same as from samples, wherever they are taken for exact."""

import math
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepwell.ports.fakes import FakeClock
from keepwell.ports.samples import NAME, Column, Matcher, RolledUp
from keepwell.rooms.promql.evaluate.rolled import ANSWERED
from keepwell.rooms.promql.model import InstantVector, Limits, Matrix, Result
from keepwell.rooms.promql.sources import Both
from keepwell.rooms.promql.work import query_instant, query_range
from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.files.days import merge_day
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.raw import write_hour
from keepwell.rooms.samples.files.rolled import writing_rolled
from keepwell.rooms.samples.model import DAY, HOUR, STALE, Keep, Rows, Tier
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.reader import Reader, together
from keepwell.rooms.samples.work.rolled_asked import RolledAsked
from keepwell.rooms.samples.work.store import SampleStore

DAY_ONE = datetime(2026, 11, 19, tzinfo=UTC)
FIRST = int(DAY_ONE.timestamp() * 1000)
LAST = FIRST + 2 * DAY + 3 * HOUR
FIVE = 300_000


@dataclass
class Watched:
    """Counts how often roll-ups and samples were given."""

    inner: RolledAsked
    given: list[RolledUp] = field(default_factory=list)

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int, unit: int) -> RolledUp | None:
        found = await self.inner(matchers, start, end, unit)
        self.given += [found] if found is not None else []
        return found


class Past:
    """Two days and three hours of a few series: the first day merged, then by hours, the newest hour in memory only."""

    def __init__(self, folder: Path, keep: Keep) -> None:
        clock = FakeClock(datetime.fromtimestamp(LAST / 1000, UTC))
        self.layout = Layout(folder)
        files = KeptFiles(folder)
        self.store = SampleStore(folder, clock, files=files)
        reader = Reader(self.store, files, lambda: keep, clock)
        self.rolled = Watched(RolledAsked(reader, self.store, lambda: keep))
        self.sampled = 0
        self.both = Both(self._select, self.rolled)

    async def _select(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Column]:
        self.sampled += 1
        return await self.store.select(matchers, start, end)

    async def fill(self, series: list[tuple[list[int], list[float]]], metric: str = "x") -> None:
        """Files and memory of these series (instants, values)."""
        await self.store.begin()
        self.layout.begin()
        names = [{NAME: metric, "i": str(number)} for number in range(len(series))]
        ids = self.store.identify("test", names)
        labels = dict(zip(ids.tolist(), names, strict=True))
        rows = together(
            [
                Rows(np.full(len(at), one, np.int32), np.array(at, np.int64), np.array(value))
                for one, (at, value) in zip(ids, series, strict=True)
            ]
        )
        newest = rows.at >= LAST - HOUR
        for hour in range(FIRST, LAST - HOUR, HOUR):
            inside = (rows.at >= hour) & (rows.at < hour + HOUR)
            if not inside.any():
                continue
            part = Rows(rows.series[inside], rows.at[inside], rows.value[inside])
            write_hour(self.layout.hour(Tier.RAW, hour), part, labels)
            with writing_rolled(self.layout.hour(Tier.FIVE_MINUTES, hour), labels, nans=rollup.with_nan(part)) as writer:
                writer.write(rollup.roll(part, FIVE, ids if rollup.is_counter(metric, "") else ids[:0]))
        merge_day(self.layout, FIRST)
        kept = await self.store.add("test", rows.series[newest], rows.at[newest], rows.value[newest])
        assert kept.stored == newest.sum()


def points(result: Result) -> dict[tuple[object, ...], float]:
    """The numbers of an answer by series and instant."""
    value = result.value
    assert isinstance(value, Matrix)
    return {
        (tuple(sorted(one.labels.items())), int(at)): float(number)
        for one in value.series
        for at, number in zip(one.at.tolist(), one.values.tolist(), strict=True)
    }


def same(ours: dict[tuple[object, ...], float], theirs: dict[tuple[object, ...], float]) -> bool:
    """Whether both are the same but for the last digits."""
    return ours.keys() == theirs.keys() and all(
        math.isclose(value, theirs[key], rel_tol=1e-9, abs_tol=1e-6) or (math.isnan(value) and math.isnan(theirs[key]))
        for key, value in ours.items()
    )


ODD = st.sampled_from([0.0, 1.5, -7.25, 1e12, math.nan, float(STALE), math.inf])


@st.composite
def series(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    """Samples every ten minutes or so, some on the edges of windows, some odd."""
    shift = draw(st.sampled_from([1, 3_217, 299_999]))
    at = list(range(FIRST + shift, LAST, 700_000))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    value = np.round(random.normal(0, 50, len(at)), 2).tolist()
    for place in draw(st.lists(st.integers(0, len(at) - 1), max_size=2)):
        value[place] = draw(ODD)
    if draw(st.booleans()):
        value = np.abs(np.nancumsum(np.abs(value))).tolist()  # as counters grow
        value[len(at) // 3 :] = [one - value[len(at) // 3] for one in value[len(at) // 3 :]]
    for hour in draw(st.lists(st.integers(0, 50), max_size=1)):
        found = sorted({*zip(at, value, strict=True), (FIRST + hour * HOUR + draw(st.sampled_from([0, FIVE, 1])), 1000.0)})
        at, value = [one for one, _ in found], [one for _, one in found]
    return at, value


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(series(), min_size=1, max_size=2),
    st.sampled_from(["x", "x_total"]),
    st.sampled_from([HOUR, 2 * HOUR, 3 * FIVE]),
    st.sampled_from([HOUR, 3 * FIVE]),
)
async def test_roll_ups_answer_as_samples_do(
    tmp_path_factory: pytest.TempPathFactory, made: list[tuple[list[int], list[float]]], metric: str, reach: int, step: int
) -> None:
    past = Past(tmp_path_factory.mktemp("past") / "samples", Keep())
    await past.fill(made, metric)
    for name in sorted(ANSWERED):
        text = f"{name}({metric}[{reach // 1000}s])"
        span = (FIRST + 3 * HOUR, LAST, step)
        ours = await query_range(text, *span, past.both, Limits())
        theirs = await query_range(text, *span, past.store.select, Limits())
        assert same(points(ours), points(theirs)), text
        assert (ours.warnings, ours.infos) == (theirs.warnings, theirs.infos)
    assert past.rolled.given
    await past.store.end()


@pytest.fixture
async def month(tmp_path: Path) -> AsyncIterator[Past]:
    past = Past(tmp_path / "samples", Keep())
    at = list(range(FIRST + 3_217, LAST, 60_000))
    await past.fill([(at, [float(place % 97) for place in range(len(at))])])
    yield past
    await past.store.end()


async def test_samples_are_not_read_where_roll_ups_do(month: Past) -> None:
    found = await query_range("avg_over_time(x[1h]) + max_over_time(x[1h] offset 1h)", FIRST + 3 * HOUR, LAST, HOUR, month.both, Limits())
    assert len(points(found)) == 49
    assert month.sampled == 0
    assert {given.step for given in month.rolled.given} == {HOUR}


@pytest.mark.parametrize(
    "text", ["avg_over_time(x[61m30s])", "irate(x[1h])", "max_over_time(avg_over_time(x[1h])[1d:1h])", "avg_over_time(x[1h] offset 7s)"]
)
async def test_other_windows_read_samples(month: Past, text: str) -> None:
    await query_range(text, FIRST + 3 * HOUR, LAST, HOUR, month.both, Limits())
    assert month.sampled == 1
    assert month.rolled.given == []


@dataclass(frozen=True)
class Counted:
    """A counter of two days that grows by 7.5 a minute and begins again once, within an hour."""

    at: list[int]
    values: list[float]

    @classmethod
    def made(cls) -> "Counted":
        at = list(range(FIRST + 3_217, LAST, 60_000))
        return cls(at, [7.5 * place + 0.1 if place < 1_530 else 7.5 * (place - 1_530) for place in range(len(at))])


@pytest.mark.parametrize("reach", ["1h", "2h", "1d"])
async def test_counters_are_answered_from_roll_ups_with_the_extrapolation_of_samples(tmp_path: Path, reach: str) -> None:
    past = Past(tmp_path / "samples", Keep())
    counted = Counted.made()
    await past.fill([(counted.at, counted.values)], "x_total")
    for text in (f"rate(x_total[{reach}])", f"sum(increase(x_total[{reach}]))", f"delta(x_total[{reach}] offset 1h)"):
        span = (FIRST + 2 * HOUR, LAST, HOUR)
        past.sampled = 0
        ours = await query_range(text, *span, past.both, Limits())
        assert past.sampled == 0, text
        theirs = await query_range(text, *span, past.store.select, Limits())
        assert same(points(ours), points(theirs)), text
        assert len(points(ours)) == 50
    await past.store.end()


async def test_a_counter_without_its_mark_is_answered_from_samples(month: Past) -> None:
    found = await query_range("increase(x[1h])", FIRST + 3 * HOUR, LAST, HOUR, month.both, Limits())
    assert month.sampled == 1
    assert found.infos
    assert not found.warnings


async def test_growth_that_is_older_than_samples_is_answered_of_counters_only(tmp_path: Path) -> None:
    past = Past(tmp_path / "samples", Keep(raw=timedelta(hours=6)))
    counted = Counted.made()
    await past.fill([(counted.at, counted.values)], "x_total")
    found = await query_instant("increase(x_total[1h])", FIRST + 10 * HOUR, past.both, Limits())
    assert isinstance(found.value, InstantVector)
    assert [point.value for point in found.value.points] == [pytest.approx(450)]
    assert (found.warnings, past.sampled) == ((), 0)
    beside = await query_instant("increase(x_total[1000s])", FIRST + 10 * HOUR, past.both, Limits())
    assert isinstance(beside.value, InstantVector)
    assert [point.value for point in beside.value.points] == [pytest.approx(125, rel=0.1)]
    assert "edges of windows that are approximate" in beside.warnings[0]
    await past.store.end()


async def test_a_late_sample_is_in_the_answer(month: Past) -> None:
    at = FIRST + 30 * HOUR + 12_345
    ids = month.store.ids((Matcher(NAME, "=", "x"),))
    await month.store.add("test", ids, np.array([at]), np.array([9_999.0]))
    found = points(await query_range("max_over_time(x[1h])", FIRST + 3 * HOUR, LAST, HOUR, month.both, Limits()))
    assert [key[1] for key, value in found.items() if value == 9_999.0] == [FIRST + 31 * HOUR]
    assert month.sampled == 0


async def test_what_is_older_than_samples_is_answered_with_a_warning_where_it_is_not_exact(tmp_path: Path) -> None:
    past = Past(tmp_path / "samples", Keep(raw=timedelta(hours=6)))
    at = list(range(FIRST, LAST, 60_000))  # every edge has a sample
    await past.fill([(at, [1.0] * len(at))])
    found = await query_instant("count_over_time(x[1h])", FIRST + 20 * HOUR, past.both, Limits())
    assert isinstance(found.value, InstantVector)
    assert [point.value for point in found.value.points] == [60.0]
    assert found.warnings == (
        "PromQL warning: from roll-ups, with edges of windows that are approximate and without NaN (older than 6h: by the hour)",
    )
    await past.store.end()
