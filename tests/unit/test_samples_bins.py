"""Quantile bins: within 1 % of the exact quantile, whatever the values, and the same after adding up in any order."""

import math
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from keepwell.rooms.samples import bins
from keepwell.rooms.samples.model import Values

_TINY = 2.3e-308
numbers = some.one_of(
    some.floats(_TINY, 1.7e308),
    some.floats(-1.7e308, -_TINY),
    some.floats(0.001, 10),
    some.sampled_from([0.0, -0.0, math.inf, -math.inf, 1.0, 5e-324, 1.7976931348623157e308]),
)
quantiles = some.one_of(some.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]), some.floats(0, 1))


def counted(values: list[float], rows: int = 1) -> bins.Bins:
    array = np.array(values, np.float64)
    return bins.count(np.zeros(len(array), np.int64), bins.bin_of(array), rows)


@given(some.lists(numbers, min_size=1, max_size=80), quantiles)
def test_a_quantile_is_within_one_percent_of_the_exact_one(values: list[float], q: float) -> None:
    exact = sorted(values)[math.floor(q * (len(values) - 1))]
    found = float(bins.quantile(counted(values), q)[0])
    if math.isinf(exact) or abs(exact) < _TINY:
        assert found == (exact if math.isinf(exact) else 0.0)
    else:
        assert abs(found - exact) <= bins.ERROR * abs(exact) * (1 + 1e-9)


@given(some.lists(numbers, max_size=80))
def test_bins_ascend_with_their_values(values: list[float]) -> None:
    found = bins.bin_of(np.array(sorted(values), np.float64))
    assert all(before <= after for before, after in pairwise(found.tolist()))
    middles = bins.value_of(np.unique(found))
    assert all(before < after for before, after in pairwise(middles.tolist()))


def same(left: bins.Bins, right: bins.Bins) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in ("edges", "bin", "weight"))


@given(some.lists(some.tuples(some.integers(0, 4), numbers), max_size=80), some.randoms())
def test_adding_up_parts_in_any_order_is_counting_at_once(samples: list[tuple[int, float]], chance: object) -> None:
    samples.sort(key=lambda one: one[0])
    row = np.array([row for row, _ in samples], np.int64)
    number = bins.bin_of(np.array([value for _, value in samples], np.float64))
    whole = bins.count(row, number, 5)
    order = np.random.default_rng(len(samples)).permutation(len(samples))
    assert same(bins.gather(row[order], number[order], np.ones(len(samples), np.int64), 5), whole)
    again = bins.gather(np.repeat(np.arange(5), np.diff(whole.edges)), whole.bin, whole.weight, 5)
    assert same(again, whole)


def test_weights_too_large_to_be_sorted_along_are_added_up_as_well() -> None:
    row, number = np.array([1, 0, 1]), np.array([7, 7, 7], np.int32)
    summed = bins.gather(row, number, np.array([1 << 40, 2, 3]), 2)
    assert (summed.edges.tolist(), summed.bin.tolist(), summed.weight.tolist()) == ([0, 1, 2], [7, 7], [2, (1 << 40) + 3])


def test_rows_without_bins_have_no_quantile() -> None:
    held = bins.count(np.array([1, 1]), bins.bin_of(np.array([2.0, 2.0])), 3)
    found: Values = bins.quantile(held, 0.5)
    assert np.isnan(found[[0, 2]]).all()
    assert abs(found[1] - 2) <= 0.02
    assert bins.weights(held).tolist() == [0, 2, 0]
    assert len(bins.quantile(counted([], 0), 0.5)) == 0
