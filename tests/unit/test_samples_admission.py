"""What is taken: instants that can be meant, labels that are not monstrous, each key once."""

from datetime import timedelta

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.admission import FUTURE, OLD, first_of_each, labels_fault, order, timely
from keepwell.rooms.samples.window import picked
from tests.samples_store import rows, tuples

NOW = 1_800_000_000_000
DAY = 86_400_000


def test_instants_of_the_far_future_and_past_are_refused_and_counted() -> None:
    at = np.array([NOW, NOW + 600_000, NOW + 600_001, NOW - DAY, NOW - DAY - 1, 2**62, -(2**62), 0], np.int64)
    taken, refused = timely(at, NOW, timedelta(days=1))
    assert taken.tolist() == [True, True, False, True, False, False, False, False]
    assert refused == {FUTURE: 2, OLD: 3}


def test_only_those_that_are_looked_at_are_counted() -> None:
    at = np.array([NOW, NOW + DAY, NOW], np.int64)
    taken, refused = timely(at, NOW, timedelta(days=1), np.array([True, False, False]))
    assert taken.tolist() == [True, False, False]
    assert refused == {}


def test_all_is_well() -> None:
    taken, refused = timely(np.array([NOW]), NOW, timedelta(days=1))
    assert taken.all()
    assert refused == {}


def test_what_is_wrong_with_labels_is_said() -> None:
    assert labels_fault({NAME: "m", "x": "y"}) == ""
    assert "65 labels" in labels_fault({NAME: "m"} | {str(number): "x" for number in range(64)})
    assert "5000 bytes" in labels_fault({NAME: "m", "x": "y" * 5000})
    assert "UTF-8" in labels_fault({NAME: "m", "x": "\ud800"})


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.floats(allow_nan=False)), max_size=30))
def test_of_one_key_the_first_is_kept(samples: list[tuple[int, int, float]]) -> None:
    first: dict[tuple[int, int], float] = {}
    for series, at, value in samples:
        first.setdefault((series, at), value)
    ordered = picked(rows(*samples), order(rows(*samples)))
    kept = tuples(picked(ordered, first_of_each(ordered)))
    assert kept == [(*key, first[key]) for key in sorted(first)]
