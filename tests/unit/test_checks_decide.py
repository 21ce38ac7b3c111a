"""When a check's state changes, and when it is due."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.states import State, worst
from keepwell.rooms.checks.decide import first_due, grain, judge, next_due, on_grid, spread, worst_first
from keepwell.rooms.checks.model import Change, CheckOptions, Observation, Standing

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WORDS = {"o": State.OK, "w": State.WARN, "f": State.FAIL, "u": State.UNKNOWN}


def play(seen: str, fail_after: int = 1, recover_after: int = 1) -> tuple[str, list[Change]]:
    """Plays observations a minute apart; the state after each as letters, and the changes."""
    options = CheckOptions(fail_after=fail_after, recover_after=recover_after)
    standing: Standing | None = None
    states, changes = "", []
    for minute, letter in enumerate(seen):
        observation = Observation(WORDS[letter], f"look {minute}")
        standing, change = judge(standing, observation, options, START + timedelta(minutes=minute))
        states += standing.state.value[0]
        if change is not None:
            changes.append(change)
    return states, changes


@pytest.mark.parametrize(
    ("seen", "fail_after", "recover_after", "states"),
    [
        ("oofo", 1, 1, "oofo"),
        ("offoo", 2, 2, "ooffo"),
        ("ofofof", 2, 1, "oooooo"),  # flapping never reaches two in a row
        ("offof", 3, 1, "ooooo"),
        ("owff", 3, 1, "ooof"),  # warn and fail are both worse than ok: one streak, the newest result decides
        ("fffooo", 1, 3, "fffffo"),
        ("ffwww", 1, 2, "fffww"),  # getting better to warn is confirmed like recovery
        ("offuff", 3, 1, "ooouuu"),  # unknown is shown at once and never counts as a failure
        ("ouo", 1, 1, "ouo"),
        ("ouoo", 1, 2, "ouuo"),
        ("fff", 3, 1, "uuf"),  # a first failure that is not confirmed yet is nobody's state
        ("o", 5, 5, "o"),  # a first ok is believed
        ("u", 5, 5, "u"),
    ],
)
def test_states_follow_confirmation(seen: str, fail_after: int, recover_after: int, states: str) -> None:
    assert play(seen, fail_after, recover_after)[0] == states


def test_a_change_names_both_states_and_the_sentence_that_decided() -> None:
    _, changes = play("offo", fail_after=2)
    assert changes == [
        Change(START, None, State.OK, "look 0"),
        Change(START + timedelta(minutes=2), State.OK, State.FAIL, "look 2"),
        Change(START + timedelta(minutes=3), State.FAIL, State.OK, "look 3"),
    ]


def test_since_stays_while_the_state_stays() -> None:
    options = CheckOptions()
    standing, _ = judge(None, Observation(State.OK, "first"), options, START)
    standing, change = judge(standing, Observation(State.OK, "second"), options, START + timedelta(minutes=1))
    assert change is None
    assert (standing.since, standing.last_at, standing.sentence) == (START, START + timedelta(minutes=1), "second")


def test_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        judge(None, Observation(State.OK, "x"), CheckOptions(), datetime(2026, 3, 1))  # noqa: DTZ001 - the point of the test


@given(st.text("owfu", min_size=1, max_size=40), st.integers(1, 4), st.integers(1, 4))
def test_changes_alone_tell_the_state(seen: str, fail_after: int, recover_after: int) -> None:
    """The state after every observation is the newest change's, changes chain, and none repeats a state."""
    states, changes = play(seen, fail_after, recover_after)
    assert changes[0].before is None
    assert all(later.before is earlier.after for earlier, later in pairwise(changes))
    assert all(change.before is not change.after for change in changes)
    assert states[-1] == changes[-1].after.value[0]


@given(st.text("owf", min_size=1, max_size=40), st.integers(2, 4))
def test_fewer_failures_in_a_row_than_asked_never_fail(seen: str, fail_after: int) -> None:
    calm = seen.replace("w", "o")
    while "f" * fail_after in calm:
        calm = calm.replace("f" * fail_after, "f" * (fail_after - 1) + "o")
    assert "f" not in play("o" + calm, fail_after)[0]


def test_worst_and_order() -> None:
    assert worst([State.OK, State.UNKNOWN, State.WARN]) is State.WARN
    assert worst([]) is State.OK
    rows = [("b", State.OK), ("a", State.OK), ("z", State.FAIL), ("y", State.UNKNOWN), ("x", State.WARN)]
    assert worst_first(rows) == ["z", "x", "y", "a", "b"]


def test_a_check_that_was_seen_lately_goes_on_and_another_is_seen_within_seconds() -> None:
    assert first_due("a", 60, 1000.0, 20.0) == 1040.0
    assert 1000.0 <= first_due("a", 3600, 1000.0, None) <= 1010.0
    assert 1000.0 <= first_due("a", 3600, 1000.0, 99_999.0) <= 1010.0
    assert 1000.0 <= first_due("a", 60, 1000.0, -5.0) <= 1010.0  # a clock that was set back


def test_names_are_spread_evenly() -> None:
    places = sorted(spread(f"check-{number}") for number in range(1000))
    tenths = [sum(1 for place in places if tenth / 10 <= place < (tenth + 1) / 10) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140


@given(st.floats(0, 1e6), st.floats(1, 1e5), st.floats(0, 1e6))
def test_the_next_time_is_on_the_grid_and_to_come(due: float, every: float, later: float) -> None:
    following = next_due(due, every, due + later)
    assert following.due > due + later - 1e-6 * every
    assert following.due - every <= due + later + every * 1e-6
    assert following.skipped == int(later // every) or abs(later / every - round(later / every)) < 1e-6


@pytest.mark.parametrize(
    ("count", "every", "size"), [(1, 60, 1 / 4), (1000, 30, 1 / 4), (1000, 10, 1 / 8), (1000, 2, 1 / 32), (10_000, 1, 1 / 128)]
)
def test_about_sixteen_looks_begin_together(count: int, every: float, size: float) -> None:
    assert grain([every] * count) == size
    due = on_grid(1000.3, size)
    assert 0 <= due - 1000.3 < size
    assert on_grid(due + every, size) == due + every  # the interval keeps it there


def test_without_checks_there_is_a_grid_too() -> None:
    assert grain([]) == 1 / 4
