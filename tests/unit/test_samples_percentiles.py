"""How long things took: exact from samples, within 1 % from roll-ups, one definition for both."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.samples.model import STALE, Rows
from keepwell.rooms.samples.questions.percentiles import of_rows, of_values, order_of, phase_of
from keepwell.rooms.samples.questions.points import as_points, points, quantile_of, quantiles_by_step, spread
from keepwell.rooms.samples.rollup import roll

VALUES = st.lists(st.floats(1e-6, 1e6) | st.sampled_from([0.0, -3.0]), min_size=1, max_size=200)
NONE = np.zeros(0, np.int32)


def rank(values: list[float], q: float) -> float:
    """The definition, word by word."""
    return sorted(values)[math.floor(q * (len(values) - 1))]


@given(VALUES, st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_value_of_its_rank(values: list[float], q: float) -> None:
    assert quantile_of(np.array([*values, np.nan]), q) == rank(values, q)


@given(VALUES)
def test_rows_give_the_same_within_a_hundredth(values: list[float]) -> None:
    at = np.arange(len(values), dtype=np.int64) * 10_000
    rows = Rows(np.zeros(len(values), np.int32), at, np.array(values))
    exact, rolled = of_values(rows.value), of_rows(roll(rows, 300_000, NONE))[0]
    assert (rolled.count, rolled.minimum, rolled.maximum) == (exact.count, exact.minimum, exact.maximum)
    assert rolled.mean == pytest.approx(exact.mean, rel=1e-9, abs=1e-9)
    for name, value in exact.percentiles.items():
        assert rolled.percentiles[name] == pytest.approx(value, rel=0.01)


@given(VALUES, st.integers(1, 60))
def test_quantiles_of_steps_are_those_of_each_step(values: list[float], seconds: int) -> None:
    at = np.arange(len(values), dtype=np.int64) * 7000
    starts, found = quantiles_by_step(at, np.array(values), 0.95, seconds * 1000)
    by_step: dict[int, list[float]] = {}
    for instant, value in zip(at.tolist(), values, strict=True):
        by_step.setdefault(instant // (seconds * 1000) * seconds * 1000, []).append(value)
    assert dict(zip(starts.tolist(), found.tolist(), strict=True)) == {start: rank(those, 0.95) for start, those in by_step.items()}


def test_staleness_markers_and_nothing() -> None:
    assert of_values(np.array([STALE, np.nan])).count == 0
    assert math.isnan(of_values(np.zeros(0)).percentiles["p95"])
    assert of_rows(roll(Rows(NONE, np.zeros(0, np.int64), np.zeros(0)), 300_000, NONE)) == {}
    assert quantiles_by_step(np.array([1], np.int64), np.array([STALE]), 0.5, 1000)[0].tolist() == []


def test_phases_in_their_order_and_steps_apart() -> None:
    names = ["duration_seconds", "login_duration_seconds", "first_byte_seconds", "dns_seconds", "used_bytes", "login_first_byte_seconds"]
    assert [phase_of(name) for name in names] == [
        ("", "duration"),
        ("login", "duration"),
        ("", "first_byte"),
        ("", "dns"),
        ("", ""),
        ("login", "first_byte"),
    ]
    assert sorted(names[:4], key=order_of) == ["dns_seconds", "first_byte_seconds", "duration_seconds", "login_duration_seconds"]


def test_points_of_rows_and_gaps_between_them() -> None:
    at = np.array([0, 10, 20, 300, 310, 900]) * 1000
    rolled = roll(Rows(np.zeros(6, np.int32), at.astype(np.int64), np.array([1.0, 2, 3, 10, 20, 5])), 300_000, NONE)
    found = {kind: points(rolled, kind, 300_000).tolist() for kind in ("avg", "min", "max", "sum", "count", "last")}
    assert found == {"avg": [2, 15, 5], "min": [1, 10, 5], "max": [3, 20, 5], "sum": [6, 30, 5], "count": [3, 2, 1], "last": [3, 20, 5]}
    grid = spread(rolled.start, points(rolled, "max", 300_000), 0, 1_200_000, 300_000)
    assert as_points(grid, 0, 300_000) == [(0.0, 3.0), (300.0, 20.0), (600.0, None), (900.0, 5.0)]


def test_increases_of_steps_add_up_and_follow_resets() -> None:
    at = np.arange(0, 1200, 10, dtype=np.int64) * 1000
    value = np.arange(120.0) * 2
    value[50:] -= value[50] - 1  # it began again, and had counted one when it was seen
    rolled = roll(Rows(np.zeros(120, np.int32), at, value), 300_000, np.zeros(1, np.int32))
    increase = points(rolled, "increase", 300_000)
    assert increase.sum() == 49 * 2 + 1 + 69 * 2
    assert points(rolled, "rate", 300_000).tolist() == (increase / 300).tolist()
    assert as_points(points(rolled, "p95", 300_000), 0, 300_000)[0] == (0.0, None)  # a counter has no quantiles
