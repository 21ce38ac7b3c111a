"""What hours are rolled up to: equal to a plain loop over the samples, and mergeable without a difference."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from keepwell.rooms.samples import rollup
from keepwell.rooms.samples.model import HOUR, STALE, Rolled, Rows

FIVE = 300_000
COUNTER, GAUGE = 3, 8
COUNTERS = np.array([COUNTER], np.int32)

_EXACT = ("series", "start", "count", "minimum", "maximum", "first", "last", "first_at", "last_at", "edges", "bin", "weight")

Sampled = tuple[int, int, float]

values = some.one_of(
    some.integers(-5, 5).map(float),
    some.floats(-1e9, 1e9),
    some.sampled_from([math.nan, float(STALE), math.inf, -math.inf, -0.0, 1e300, 5e-324]),
)
ordinary = some.integers(0, 10_000).map(float)


def rows_of(samples: Sequence[Sampled]) -> Rows:
    """Sorted columns, the first of each (series, at)."""
    once = {(series, at): value for series, at, value in reversed(samples)}
    keys = sorted(once)
    return Rows(
        np.array([series for series, _ in keys], np.int32),
        np.array([at for _, at in keys], np.int64),
        np.array([once[key] for key in keys], np.float64),
    )


def sampled(of: some.SearchStrategy[float]) -> some.SearchStrategy[list[Sampled]]:
    return some.lists(some.tuples(some.sampled_from([COUNTER, GAUGE, 9]), some.integers(0, 3 * HOUR), of), max_size=60)


def assert_same(left: Rolled, right: Rolled) -> None:
    for name in _EXACT:
        assert np.array_equal(getattr(left, name), getattr(right, name), equal_nan=True), name
    for name in ("sum", "increase"):
        assert np.allclose(getattr(left, name), getattr(right, name), rtol=1e-9, atol=1e-3, equal_nan=True), name


def gain(values: Sequence[float]) -> float:
    """A counter's increase in plain Python."""
    gained = 0.0
    for before, after in pairwise(values):
        gained += after if after < before else after - before
    return gained


@given(sampled(values))
def test_a_row_is_what_a_loop_over_its_samples_says(samples: list[Sampled]) -> None:
    rows = rows_of(samples)
    rolled = rollup.roll(rows, FIVE, COUNTERS)
    by_row: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for series, at, value in zip(rows.series.tolist(), rows.at.tolist(), rows.value.tolist(), strict=True):
        if not math.isnan(value):
            by_row.setdefault((series, at - at % FIVE), []).append((at, value))
    assert list(zip(rolled.series.tolist(), rolled.start.tolist(), strict=True)) == sorted(by_row)
    for place, key in enumerate(sorted(by_row)):
        times, numbers = zip(*by_row[key], strict=True)
        assert rolled.count[place] == len(numbers)
        assert (rolled.minimum[place], rolled.maximum[place]) == (min(numbers), max(numbers))
        assert (rolled.first[place], rolled.last[place]) == (numbers[0], numbers[-1])
        assert (rolled.first_at[place], rolled.last_at[place]) == (times[0], times[-1])
        assert np.allclose(rolled.sum[place], sum(numbers), rtol=1e-9, atol=1e-3, equal_nan=True)
        expected = gain(numbers) if key[0] == COUNTER else math.nan
        assert np.allclose(rolled.increase[place], expected, rtol=1e-9, atol=1e-3, equal_nan=True)
        held = int(rolled.weight[rolled.edges[place] : rolled.edges[place + 1]].sum())
        assert held == (0 if key[0] == COUNTER else len(numbers))


@given(sampled(values))
def test_merging_five_minutes_gives_what_rolling_up_the_hour_gives(samples: list[Sampled]) -> None:
    rows = rows_of(samples)
    assert_same(rollup.merge(rollup.roll(rows, FIVE, COUNTERS), HOUR), rollup.roll(rows, HOUR, COUNTERS))


@given(some.lists(ordinary, max_size=60), some.integers(1, 90_000))
def test_the_increase_over_all_rows_is_that_of_a_loop_with_resets(numbers: list[float], every: int) -> None:
    rows = rows_of([(COUNTER, place * every, value) for place, value in enumerate(numbers)])
    for step in (FIVE, HOUR):
        assert rollup.increase(rollup.roll(rows, step, COUNTERS)) == gain(numbers)


@given(sampled(ordinary), sampled(ordinary))
def test_joined_parts_are_sorted_and_the_earlier_part_wins(left: list[Sampled], right: list[Sampled]) -> None:
    one, other = (rollup.roll(rows_of(samples), FIVE, COUNTERS) for samples in (left, right))
    joined = rollup.join([one, other])
    rows = [{key: place for place, key in enumerate(zip(part.series.tolist(), part.start.tolist(), strict=True))} for part in (one, other)]
    keys = list(zip(joined.series.tolist(), joined.start.tolist(), strict=True))
    assert keys == sorted(rows[0].keys() | rows[1].keys())
    for place, key in enumerate(keys):
        part, source = (one, rows[0][key]) if key in rows[0] else (other, rows[1][key])
        assert_same(rollup.take(joined, np.array([place])), rollup.take(part, np.array([source])))


def test_only_numbers_are_rolled_up() -> None:
    rows = rows_of([(GAUGE, 0, math.nan), (GAUGE, 1, float(STALE)), (COUNTER, 5, math.nan)])
    assert len(rollup.roll(rows, FIVE, COUNTERS)) == 0
    rolled = rollup.roll(rows_of([(GAUGE, 0, math.nan), (GAUGE, 1, math.inf), (GAUGE, 2, 4.0)]), FIVE, COUNTERS)
    assert (rolled.count[0], rolled.minimum[0], rolled.maximum[0], rolled.first_at[0]) == (2, 4.0, math.inf, 1)


def test_a_counter_that_begins_again_at_every_scrape() -> None:
    rows = rows_of([(COUNTER, place * 10_000, float(1000 - place)) for place in range(90)])
    rolled = rollup.roll(rows, FIVE, COUNTERS)
    assert rollup.increase(rolled) == sum(1000 - place for place in range(1, 90))
    assert rollup.gained(rolled).tolist() == [sum(1000 - place for place in range(max(1, 30 * row), 30 * row + 30)) for row in range(3)]


def test_the_increase_of_what_is_no_counter_is_not_known() -> None:
    assert math.isnan(rollup.increase(rollup.roll(rows_of([(GAUGE, 0, 1.0), (GAUGE, 1, 2.0)]), FIVE, COUNTERS)))
    assert rollup.increase(rollup.nothing_rolled()) == 0


def test_a_quantile_over_rows_of_which_one_was_a_counter_is_not_known() -> None:
    as_gauge = rollup.roll(rows_of([(COUNTER, 0, 1.0)]), FIVE, np.empty(0, np.int32))
    as_counter = rollup.roll(rows_of([(COUNTER, FIVE, 2.0)]), FIVE, COUNTERS)
    assert rollup.quantile(as_gauge, 0.5).tolist() == [1.0]
    assert np.isnan(rollup.quantile(rollup.merge(rollup.join([as_gauge, as_counter]), HOUR), 0.5)).all()


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("http_requests_total", "unknown", True),
        ("rpc_duration_seconds_bucket", "histogram", True),
        ("rpc_duration_seconds_sum", "summary", True),
        ("rpc_duration_seconds", "summary", False),
        ("requests", "counter", True),
        ("worker_count", "gauge", False),
        ("worker_count", "unknown", True),
        ("temperature_celsius", "unknown", False),
    ],
)
def test_what_counts_as_a_counter(name: str, kind: str, expected: bool) -> None:
    assert rollup.is_counter(name, kind) is expected
