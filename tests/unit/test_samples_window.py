"""The window against a plain dictionary: whatever comes, in whatever order, sealed whenever, is answered alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import HOUR, STALE, Rows
from keepwell.rooms.samples.window import BLOCK, Window, by_series, last_of_each
from tests.samples_store import bits, ids, rows, tuples

T = 1_800_000_000_000 // HOUR * HOUR
NONE = int(np.iinfo(np.int64).min)


def seal(window: Window, before: int = 1 << 62) -> None:
    for block in window.to_seal(before):
        window.put_sealed(block, block.seal())


INSTANTS = st.builds(lambda minute, more: T + minute * 60_000 + more, st.integers(0, 20), st.integers(-1, 1))
SAMPLES = st.lists(st.tuples(st.integers(0, 5), INSTANTS, st.floats(width=32)), max_size=25)


@given(st.lists(st.tuples(SAMPLES, st.booleans()), max_size=5), st.sets(st.integers(0, 6)), st.integers(-1, 4), st.integers(0, 5))
def test_as_a_dictionary(batches: list[tuple[list[tuple[int, int, float]], bool]], wanted: set[int], first: int, blocks: int) -> None:
    window, model = Window(), dict[tuple[int, int], float]()
    for samples, sealing in batches:
        window.add(rows(*samples))
        for series, at, value in samples:
            model.setdefault((series, at), value)
        if sealing:
            seal(window)
    start, end = T + first * BLOCK // 2, T + (first + blocks) * BLOCK // 2 + 1
    expected = [(*key, bits(model[key])) for key in sorted(model) if key[0] in wanted and start <= key[1] <= end]
    found = window.rows(ids(*sorted(wanted)), start, end)
    assert [(series, at, bits(value)) for series, at, value in tuples(found)] == expected
    assert sorted(set(tuples_of_keys(window.all()))) == sorted(model)


def tuples_of_keys(found: Rows) -> list[tuple[int, int]]:
    return [(series, at) for series, at, _ in tuples(found)]


@given(st.lists(SAMPLES, max_size=4), SAMPLES)
def test_the_newest_and_what_is_known(batches: list[list[tuple[int, int, float]]], asked: list[tuple[int, int, float]]) -> None:
    window, model = Window(), dict[tuple[int, int], float]()
    for samples in batches:
        window.add(rows(*samples))
        for series, at, value in samples:
            model.setdefault((series, at), value)
    seal(window)
    at, value = window.latest(ids(0, 1, 2, 3, 4, 5, 6))
    for series in range(7):
        newest = max((key for key in model if key[0] == series), default=None)
        assert at[series] == (newest[1] if newest else NONE)
        if newest:
            assert bits(value[series]) == bits(model[newest])
    assert window.newest == max((key[1] for key in model), default=None)
    assert window.known(rows(*asked)).tolist() == [(series, at) in model for series, at, _ in asked]


def test_every_bit_of_a_value_is_kept() -> None:
    odd = np.array([STALE, np.nan, -np.nan, np.inf, -np.inf, -0.0, 5e-324], np.float64)
    window = Window()
    given = Rows(np.zeros(7, np.int32), T + np.arange(7, dtype=np.int64), odd)
    window.add(given)
    assert window.rows(ids(0), T, T + 10).value.view(np.uint64).tolist() == odd.view(np.uint64).tolist()
    seal(window)
    assert window.rows(ids(0), T, T + 10).value.view(np.uint64).tolist() == odd.view(np.uint64).tolist()


def test_rows_that_come_while_a_block_is_sealed_stay() -> None:
    window = Window()
    window.add(rows((1, T, 1.0), (0, T, 2.0)))
    block = window.to_seal(T + BLOCK)[0]
    window.add(rows((1, T + 1, 3.0)))
    window.put_sealed(block, block.seal())
    assert tuples(window.rows(ids(0, 1), T, T + 5)) == [(0, T, 2.0), (1, T, 1.0), (1, T + 1, 3.0)]
    assert len(window) == 3


def test_a_reader_keeps_what_it_began_with() -> None:
    window = Window()
    window.add(rows((1, T, 1.0)))
    before = window.to_seal(T + BLOCK)[0]
    window.add(rows(*((1, T + number, 2.0) for number in range(1, 2000))))
    assert tuples(before.rows(ids(1))) == [(1, T, 1.0)]


def test_a_few_late_rows_are_not_worth_sorting_a_block_for() -> None:
    window = Window()
    window.add(rows(*((number, T, 1.0) for number in range(1000))))
    seal(window)
    window.add(rows((5, T + 1, 2.0)))
    assert window.to_seal(T + BLOCK) == []
    assert tuples(window.rows(ids(5), T, T + 5)) == [(5, T, 1.0), (5, T + 1, 2.0)]
    window.add(rows(*((number, T + 2, 3.0) for number in range(100))))
    assert len(window.to_seal(T + BLOCK)) == 1


def test_what_is_old_goes_unless_its_hour_is_needed() -> None:
    window = Window()
    window.add(rows((0, T - HOUR, 1.0), (0, T, 2.0), (0, T + BLOCK, 3.0), (0, T + HOUR, 4.0)))
    window.drop_before(T + BLOCK, lambda hour: hour == T - HOUR)
    assert [value for _, _, value in tuples(window.rows(ids(0), 0, T * 2))] == [1.0, 3.0, 4.0]
    assert window.latest(ids(0))[1].tolist() == [4.0]


def test_memory_is_about_twelve_bytes_a_sample() -> None:
    window = Window()
    series = np.arange(1000, dtype=np.int32)
    for number in range(90):
        window.add(Rows(series, np.full(1000, T + number * 10_000, np.int64), series.astype(np.float64)))
    seal(window)
    assert len(window) == 90_000
    assert window.size / len(window) < 14


@pytest.mark.parametrize("many", [3, 70_000])
def test_by_series(many: int) -> None:
    wanted = np.arange(0, 2 * many, 2, dtype=np.int32)
    one = Rows(wanted, np.full(many, T, np.int64), np.zeros(many))
    two = Rows(wanted, np.full(many, T + 1, np.int64), np.ones(many))
    found = by_series(joined([one, two]), wanted)
    assert found.series.tolist() == np.repeat(wanted, 2).tolist()
    assert found.value.tolist() == [0.0, 1.0] * many


def test_last_of_each() -> None:
    at, value = last_of_each(rows((1, 5, 1.0), (1, 6, 2.0), (4, 5, 3.0)), ids(0, 1, 4, 9))
    assert at.tolist() == [NONE, 6, 5, NONE]
    assert value[1:3].tolist() == [2.0, 3.0]
    assert last_of_each(rows(), ids(3))[0].tolist() == [NONE]
