"""When a notice is tried, and when its receiver counts as failing: timelines, without a database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.alerts.delivery.model import Delivered, Outcome, Refused, TryLater
from keepwell.rooms.alerts.outbox import decide
from keepwell.rooms.alerts.outbox.model import Line, Queue

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LATER = TryLater("no answer")


def tried(*outcomes: Outcome, line: Line = Line(), id: int = 1) -> Line:  # noqa: B008 (frozen)
    """The line after attempts at one notice, each as soon as it may be."""
    for number, outcome in enumerate(outcomes, 1):
        line = decide.after(line, outcome, id, number, line.until, NOW + timedelta(seconds=line.until))
    return line


def test_pauses_grow_twofold_to_a_minute() -> None:
    assert [decide.pause(failures) for failures in range(1, 9)] == [2, 4, 8, 16, 32, 60, 60, 60]
    assert decide.pause(10_000) == 60


def test_a_receiver_may_ask_for_a_longer_pause_and_not_for_a_shorter_one() -> None:
    assert tried(TryLater("busy", after=600)).until == 600
    assert tried(TryLater("busy", after=0)).until == 2


def test_it_fails_after_three_failures_since_the_third_and_until_a_delivery() -> None:
    assert not decide.is_failing(tried(LATER, LATER))
    line = tried(LATER, LATER, LATER)
    assert decide.is_failing(line)
    assert line.since == NOW + timedelta(seconds=6)
    more = tried(LATER, LATER, LATER, LATER, LATER)
    assert more.since == line.since
    assert tried(LATER, LATER, LATER, Delivered()) == Line()


def test_failures_at_several_notices_count_together() -> None:
    line = Line()
    for id in (1, 2, 3):
        line = decide.after(line, LATER, id, 1, 0, NOW)
    assert decide.is_failing(line)
    assert line.stuck == frozenset()


def test_one_notice_that_is_never_taken_is_told_of_though_others_arrive() -> None:
    line = Line()
    for number in (1, 2, 3):
        line = decide.after(line, LATER, 7, number, 0, NOW)
        line = decide.after(line, Delivered(), 8 + number, 1, 0, NOW)
    assert (line.stuck, line.failures, decide.is_failing(line)) == (frozenset({7}), 0, True)
    assert not decide.is_failing(decide.forgotten(line, 7))
    assert not decide.is_failing(decide.after(line, Delivered(), 7, 4, 0, NOW))


@pytest.mark.parametrize("before", [(), (LATER, LATER, LATER)])
def test_what_is_lost_is_told_of_at_once_and_the_next_may_go_at_once(before: tuple[Outcome, ...]) -> None:
    line = tried(*before, Refused("too large"))
    assert (decide.is_failing(line), line.lost, line.until) == (True, "too large", 0)
    assert not decide.is_failing(tried(Delivered(), line=line, id=2))


def test_four_at_once_one_while_it_fails_none_in_its_pause_and_the_first_in_any_case() -> None:
    assert decide.room(Line(), 0, 0, 0) == 4
    assert decide.room(Line(), 3, 10, 0) == 1
    assert decide.room(Line(), 0, 31, 0) == 1
    assert decide.room(Line(), 1, 32, 0) == 0
    assert decide.room(Line(), 0, 500, 0) == 1
    failed = tried(LATER)
    assert decide.room(failed, 0, 0, 1.9) == 0
    assert decide.room(failed, 0, 0, 2.0) == 1
    assert decide.room(failed, 1, 1, 2.0) == 0


def test_the_next_look_is_when_a_pause_ends_and_within_a_minute_while_anything_waits() -> None:
    queues = [Queue("a", 1, NOW), Queue("b", 1, NOW)]
    lines = {"a": Line(until=30.0), "b": Line(until=10.0)}
    assert decide.next_look([], lines, (), 0.0) is None
    assert decide.next_look(queues, lines, (), 0.0) == 10.0
    assert decide.next_look(queues, lines, ("b",), 0.0) == 30.0
    assert decide.next_look(queues, {}, (), 0.0) == 60.0  # not configured any more: only their end is waited for
    assert decide.next_look(queues, {"a": Line(until=900.0)}, (), 0.0) == 60.0


OUTCOMES = st.one_of(
    st.just(Delivered()),
    st.builds(TryLater, st.just("no"), st.one_of(st.none(), st.floats(0, 3600))),
    st.just(Refused("never")),
)


@given(st.lists(st.tuples(OUTCOMES, st.integers(1, 4)), max_size=40))
def test_whatever_happens_a_pause_ends_within_an_hour_and_a_delivery_ends_failures(course: list[tuple[Outcome, int]]) -> None:
    line, now, tries = Line(), 0.0, dict.fromkeys(range(1, 5), 0)
    for outcome, id in course:
        tries[id] += 1
        line = decide.after(line, outcome, id, tries[id], now, NOW + timedelta(seconds=now))
        assert line.until - now <= 3600
        assert (line.since is not None) == decide.is_failing(line)
        if isinstance(outcome, Delivered):
            assert (line.failures, line.lost, line.until) == (0, "", 0.0)
            assert id not in line.stuck
        now = max(now, line.until)
