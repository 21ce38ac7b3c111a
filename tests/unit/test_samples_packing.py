"""What makes files small loses nothing: decimals as whole numbers, and packed bins."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as some

from keepwell.rooms.samples.bins import Bins
from keepwell.rooms.samples.files.decimals import digits_of, restored, snapped, split
from keepwell.rooms.samples.files.packed_bins import pack, unpack
from keepwell.rooms.samples.model import STALE

decimals = some.builds(lambda whole, digits: whole / 10**digits, some.integers(-(10**9), 10**9), some.integers(0, 9))
values = some.one_of(decimals, some.floats(), some.sampled_from([-0.0, math.nan, float(STALE), 2.0**53, 2.0**53 + 2, 1e300]))


@given(some.lists(some.tuples(some.integers(0, 3), values), max_size=60))
def test_every_number_comes_back_to_the_last_bit(rows: list[tuple[int, float]]) -> None:
    rows.sort(key=lambda row: row[0])
    series = np.array([number for number, _ in rows], np.int32)
    numbers = np.array([value for _, value in rows], np.float64)
    digits = digits_of(series, numbers)
    wholes, exact = split(series, numbers, digits)
    back = np.where(exact, restored(wholes, digits), numbers)
    assert np.array_equal(back.view(np.uint64), numbers.view(np.uint64))


@given(some.lists(some.integers(-(10**9), 10**9), min_size=1, max_size=40), some.sampled_from([0, 1, 2, 3, 4, 6, 9]))
def test_short_decimals_are_kept_as_whole_numbers(wholes: list[int], digits: int) -> None:
    numbers = np.array([whole / 10**digits for whole in wholes])
    series = np.zeros(len(wholes), np.int32)
    chosen = digits_of(series, numbers)
    assert chosen[0] <= digits
    assert split(series, numbers, chosen)[1].mean() >= 0.9


def test_a_series_that_is_noise_is_kept_as_it_is_and_its_neighbour_is_not() -> None:
    noise = np.random.default_rng(1).lognormal(size=100)
    numbers = np.concatenate([np.arange(100) / 1000, noise, np.arange(100.0)])
    series = np.repeat(np.arange(3, dtype=np.int32), 100)
    digits = digits_of(series, numbers)
    assert (digits[0], digits[250]) == (3, 0)
    assert split(series, numbers, digits)[1].reshape(3, 100).mean(axis=1).tolist() == [1, 0, 1]


def test_a_sum_of_decimals_is_the_decimal_that_it_ought_to_be_and_another_sum_is_left_alone() -> None:
    sums = np.array([sum([0.1] * 10), 0.123456])
    assert sums[0] != 1
    assert snapped(sums, np.array([1, 1], np.int32), np.array([1e-14, 1e-14])).tolist() == [1.0, 0.123456]


steps = some.one_of(some.integers(1, 40), some.integers(1, 150_000))
weights = some.one_of(some.integers(1, 8), some.integers(1, 1 << 40))


@given(
    some.lists(some.tuples(some.integers(-100_000, 0), some.lists(some.tuples(steps, weights), max_size=5)), max_size=12), some.booleans()
)
def test_bins_come_back_as_they_were(rows: list[tuple[int, list[tuple[int, int]]]], partly: bool) -> None:
    edges = np.cumsum([0, *(len(held) for _, held in rows)])
    numbers = [first + sum(step for step, _ in held[:place]) for first, held in rows for place in range(len(held))]
    weight = [weight for _, held in rows for _, weight in held]
    count = np.array([sum(weight for _, weight in held) + partly for _, held in rows], np.int64)
    bins = Bins(edges, np.array(numbers, np.int32), np.array(weight, np.int64))
    back = unpack(pack(bins, count), count)
    assert (back.edges.tolist(), back.bin.tolist(), back.weight.tolist()) == (edges.tolist(), numbers, weight)


def test_a_value_that_does_not_change_takes_no_byte() -> None:
    bins = Bins(np.arange(5), np.full(4, 40_123, np.int32), np.full(4, 30, np.int64))
    packed = pack(bins, np.full(4, 30, np.int64))
    assert (len(packed.bins), len(packed.wide), packed.none.any()) == (0, 0, False)
