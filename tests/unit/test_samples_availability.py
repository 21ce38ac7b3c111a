"""The availability of a check: against a plain model that goes through time second by second."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.samples.model import Rolled, Rows
from keepwell.rooms.samples.questions.availability import DOWN, Looks, looks_of, looks_of_rows, measure, replace
from keepwell.rooms.samples.rollup import roll

OK, WARN, FAIL, UNKNOWN = 0.0, 1.0, 2.0, 3.0
EVERY = 10_000
HOLD = 5 * EVERY


def looks(*seen: tuple[int, float]) -> Looks:
    """Looks by (second, state)."""
    return looks_of(np.array([at * 1000 for at, _ in seen], np.int64), np.array([state for _, state in seen]))


@dataclass
class Plain:
    """What the model counts, in seconds."""

    up: int = 0
    down: int = 0
    unknown: int = 0
    no_data: int = 0
    maintenance: int = 0
    outages: int = 0


def plain(seen: list[tuple[int, float]], start: int, end: int, windows: list[tuple[int, int]]) -> Plain:
    """Goes through every second."""
    found = Plain()
    was_down = False
    outside = False
    for second in range(start, end):
        newest = max((look for look in seen if look[0] <= second), key=lambda look: look[0], default=None)
        state = newest[1] if newest is not None and second < newest[0] + HOLD // 1000 else None
        closed = any(first <= second < last for first, last in windows)
        down = state == FAIL
        outside = (outside and was_down and down) or False
        if down and not closed and not outside:
            found.outages += 1
            outside = True
        was_down = down
        word = {None: "no_data", OK: "up", WARN: "up", FAIL: "down", UNKNOWN: "unknown"}[state]
        name = "maintenance" if closed else word
        setattr(found, name, getattr(found, name) + 1)
    return found


SEEN = st.lists(st.tuples(st.integers(0, 400), st.sampled_from([OK, WARN, FAIL, UNKNOWN])), max_size=30, unique_by=lambda look: look[0])
WINDOWS = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)).map(lambda w: (w[0], w[0] + w[1])), max_size=4)


@given(SEEN, st.integers(0, 300), st.integers(1, 200), WINDOWS)
def test_as_second_by_second(seen: list[tuple[int, float]], start: int, length: int, windows: list[tuple[int, int]]) -> None:
    seen = sorted(seen)
    wanted = plain(seen, start, start + length, windows)
    closed = [(first * 1000, last * 1000) for first, last in windows]
    found = measure(looks(*seen), start * 1000, (start + length) * 1000, HOLD, closed)
    parts = (found.up, found.down, found.unknown, found.no_data, found.maintenance, len(found.outages))
    assert parts == pytest.approx((wanted.up, wanted.down, wanted.unknown, wanted.no_data, wanted.maintenance, wanted.outages))
    assert found.estimated == 0
    assert found.ratio == (pytest.approx(wanted.up / (wanted.up + wanted.down)) if wanted.up + wanted.down else None)
    assert sum(outage.seconds for outage in found.outages) == pytest.approx(wanted.down)


def test_a_look_holds_until_the_next_and_at_most_five_intervals() -> None:
    found = measure(looks((0, OK), (10, FAIL), (20, OK)), 0, 200_000, HOLD)
    assert (found.up, found.down, found.no_data) == (60.0, 10.0, 130.0)
    assert found.ratio == pytest.approx(6 / 7)


def test_the_look_before_the_stretch_holds_into_it() -> None:
    found = measure(looks((0, FAIL)), 30_000, 60_000, HOLD)
    assert (found.down, found.no_data) == (20.0, 10.0)
    assert found.outages[0].start == 30_000


def test_an_outage_that_still_is() -> None:
    found = measure(looks((0, OK), (10, FAIL)), 0, 30_000, HOLD)
    (outage,) = found.outages
    assert (outage.start, outage.end, outage.seconds, outage.ongoing) == (10_000, 30_000, 20.0, True)


def test_maintenance_is_apart_and_an_outage_that_reaches_out_of_it_counts_with_the_rest() -> None:
    failing = looks(*((at, FAIL) for at in range(0, 100, 10)))
    found = measure(failing, 0, 100_000, HOLD, [(0, 30_000), (20_000, 60_000)])
    assert (found.maintenance, found.down_in_maintenance, found.down) == (60.0, 60.0, 40.0)
    (outage,) = found.outages
    assert (outage.start, outage.seconds) == (0, 40.0)
    inside = measure(failing, 0, 100_000, HOLD, [(0, 100_000)])
    assert (inside.ratio, inside.outages) == (None, ())


def test_nothing_at_all() -> None:
    found = measure(looks(), 0, 60_000, HOLD)
    assert (found.ratio, found.no_data, found.longest) == (None, 60.0, 0.0)


# --- from roll-ups ----------------------------------------------------------------------------------------------------------------


def rolled(seen: list[tuple[int, float]]) -> tuple[Rolled, Rolled]:
    """The rows of check_state and check_up, by 100 seconds."""
    at = np.array([second * 1000 for second, _ in seen], np.int64)
    states = np.array([state for _, state in seen])
    none = np.zeros(0, np.int32)
    made = states < UNKNOWN

    def rows(which: np.ndarray, values: np.ndarray) -> Rolled:
        return roll(Rows(np.zeros(which.sum(), np.int32), at[which], values[which]), 100_000, none)

    return rows(np.ones(len(at), bool), states), rows(made, (states < FAIL).astype(float))


REGULAR = st.lists(st.sampled_from([OK, OK, OK, WARN, FAIL, UNKNOWN]), min_size=1, max_size=60).map(
    lambda states: [(number * 10, state) for number, state in enumerate(states)]
)


@given(REGULAR, st.lists(st.booleans(), min_size=60, max_size=60))
def test_rows_and_the_looks_of_those_that_say_less_are_as_good_as_all_looks(seen: list[tuple[int, float]], kept: list[bool]) -> None:
    seen = [look for look, keep in zip(seen, kept, strict=False) if keep]
    if not seen:
        return
    fewer, unsure = looks_of_rows(*rolled(seen), HOLD, EVERY)
    mended = replace(fewer, unsure, looks(*seen))
    whole, end = measure(looks(*seen), 0, 700_000, HOLD), measure(mended, 0, 700_000, HOLD)
    assert (end.up, end.down, end.unknown, end.no_data) == pytest.approx((whole.up, whole.down, whole.unknown, whole.no_data))
    assert [(one.start, one.end) for one in end.outages] == [(one.start, one.end) for one in whole.outages]
    assert end.estimated == 0


@given(REGULAR)
def test_rows_alone_divide_mixed_stretches_by_their_looks(seen: list[tuple[int, float]]) -> None:
    fewer, _ = looks_of_rows(*rolled(seen), HOLD, EVERY)
    found, whole = measure(fewer, 0, 700_000, HOLD), measure(looks(*seen), 0, 700_000, HOLD)
    assert found.no_data == pytest.approx(whole.no_data)
    assert found.up + found.down + found.unknown == pytest.approx(whole.up + whole.down + whole.unknown)
    mixed = len({(at // 100, state) for at, state in seen}) > len({at // 100 for at, _ in seen})
    assert bool(found.estimated) <= mixed
    assert abs(found.down - whole.down) <= 60.0 * (seen[-1][0] // 100 + 1)


def test_a_row_in_which_looks_may_have_been_missing_for_long_is_not_sure() -> None:
    states, ups = rolled([(0, OK), (90, OK), (100, OK), (110, OK)])
    fewer, unsure = looks_of_rows(states, ups, HOLD, EVERY)
    assert unsure.tolist() == [True, False]
    assert fewer.share[:, DOWN].tolist() == [0.0, 0.0]


def test_a_row_of_unknown_and_failing_looks_knows_how_many_were_which() -> None:
    states, ups = rolled([(0, FAIL), (10, UNKNOWN), (20, OK), (30, UNKNOWN)])
    fewer, unsure = looks_of_rows(states, ups, HOLD, EVERY)
    assert fewer.share[0].tolist() == [0.25, 0.25, 0.5]
    assert unsure.tolist() == [True]
