"""Sums, means and quantiles against exact arithmetic."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.promql.evaluate.over_time import avg_over_time, quantile_over_time, stdvar_over_time, sum_over_time
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.evaluate.sums import mean_of, row_sums, settled

NUMBERS = st.floats(min_value=-1e12, max_value=1e12, allow_nan=False)


def over(values: list[float], *pairs: tuple[int, int]) -> Windows:
    """One series' windows over these positions."""
    low, high = np.array([[low for low, _ in pairs]]), np.array([[high for _, high in pairs]])
    edges = np.zeros(len(pairs), dtype=np.int64)
    return Windows([], [], np.arange(len(values)), np.array(values, dtype=float), low, high, edges, edges, lambda numbers: None)


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.data())
def test_window_sums_lose_nothing(values: list[float], data: st.DataObject) -> None:
    low = data.draw(st.integers(0, len(values) - 1))
    high = data.draw(st.integers(low + 1, len(values)))
    found, there = sum_over_time(over(values, (low, high), (0, len(values)), (low, low)))
    assert there.tolist() == [[True, True, False]]
    for window, got in zip((values[low:high], values), found[0].tolist(), strict=False):
        assert math.isclose(got, float(sum(map(Fraction, window), Fraction(0))), rel_tol=1e-12, abs_tol=1e-15)


@given(st.lists(NUMBERS, min_size=1, max_size=30))
def test_means_and_variances(values: list[float]) -> None:
    windows = over(values, (0, len(values)))
    exact = sum(map(Fraction, values), Fraction(0)) / len(values)
    assert math.isclose(avg_over_time(windows)[0][0, 0], float(exact), rel_tol=1e-12, abs_tol=1e-15)
    spread = sum(((Fraction(value) - exact) ** 2 for value in values), Fraction(0)) / len(values)
    assert math.isclose(stdvar_over_time(windows)[0][0, 0], float(spread), rel_tol=1e-6, abs_tol=1e-6)


def test_what_is_small_beside_what_is_large_stays() -> None:
    found, _ = sum_over_time(over([1e16, 1.25, -1e16, 1.25], (0, 4), (1, 3)))
    assert found.tolist() == [[2.5, -1e16 + 1.25]]


@pytest.mark.parametrize(
    ("values", "mean"),
    [
        ([1.5e308, 1.5e308, 1.5e308], 1.5e308),
        ([1.5e308, 1.5e308, -1.5e308, -1.5e308], 0.0),
        ([math.inf, 1.0, math.inf], math.inf),
        ([math.inf, 1.0, -math.inf], math.nan),
        ([-math.inf], -math.inf),
        ([1.0, math.nan], math.nan),
    ],
)
@np.errstate(all="ignore")
def test_means_beyond_what_a_sum_can_hold(values: list[float], mean: float) -> None:
    found = avg_over_time(over(values, (0, len(values))))[0][0, 0]
    assert found == pytest.approx(mean, rel=1e-12, abs=1e295, nan_ok=True)
    if not any(map(math.isnan, values)):
        assert mean_of(values) == pytest.approx(mean, rel=1e-12, abs=1e295, nan_ok=True)


@given(st.lists(st.floats(min_value=-1e6, max_value=1e6) | st.just(math.nan), min_size=1, max_size=20))
@np.errstate(all="ignore")
def test_quantiles_count_nan_as_smallest(values: list[float]) -> None:
    wanted = np.array([0.0, 0.3, 1.0, -1.0, 2.0, math.nan])
    windows = over(values, *[(0, len(values))] * len(wanted))
    found = quantile_over_time(windows, wanted)[0][0]
    ranked = sorted(values, key=lambda value: (not math.isnan(value), value))
    for quantile, got in zip(wanted[:3], found[:3], strict=True):
        rank = quantile * (len(values) - 1)
        lower = math.floor(rank)
        weight = rank - lower
        expected = ranked[lower] * (1 - weight) + ranked[min(lower + 1, len(values) - 1)] * weight
        assert got == pytest.approx(expected, rel=1e-12, abs=1e-12, nan_ok=True)
    assert (found[3], found[4]) == (-math.inf, math.inf)
    assert math.isnan(found[5])


def test_very_large_groups_are_summed_in_lanes() -> None:
    random = np.random.default_rng(5)
    values = random.normal(0, 1e9, (5_001, 2))
    values[0] = [1e17, -1e17]
    present = random.random(values.shape) > 0.1
    groups = np.where(np.arange(5_001) % 500 == 7, 1, 0).astype(np.intp)
    found = settled(*row_sums(values, present, groups, 2))
    for group in (0, 1):
        for column in (0, 1):
            rows = (groups == group) & present[:, column]
            assert found[group, column] == pytest.approx(math.fsum(values[rows, column]), rel=1e-12)
