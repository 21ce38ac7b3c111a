"""Silences as timelines: made, changed and ended without rewriting what they muted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from keepwell.rooms.alerts.model import Matcher, Silence
from keepwell.rooms.alerts.silences import changed, ended, problem_of, state_of

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SERVICE = Matcher("service", "=", "api")


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def silence(begins: float, ends: float, *matchers: Matcher, id: str = "") -> Silence:
    return Silence(id, matchers or (SERVICE,), at(begins), at(ends), START, "ops", "deploy")


@pytest.fixture
def ids() -> Iterator[str]:
    return (f"id-{number}" for number in count(1))


def test_a_silence_begins_and_ends() -> None:
    one = silence(10, 20)
    assert [state_of(one, at(minute)) for minute in (0, 9.99, 10, 19.99, 20, 30)] == [
        "pending",
        "pending",
        "active",
        "active",
        "expired",
        "expired",
    ]


def test_a_new_one_begins_now_at_the_earliest(ids: Iterator[str]) -> None:
    past = changed(None, silence(-60, 20), at(5), ids.__next__)
    assert (past.stored.id, past.stored.starts_at, past.stored.ends_at, past.ended) == ("id-1", at(5), at(20), None)
    coming = changed(None, silence(10, 20), at(5), ids.__next__)
    assert (coming.stored.id, coming.stored.starts_at) == ("id-2", at(10))
    assert past.stored.updated_at == at(5)


def test_an_active_one_may_last_longer_or_shorter_and_say_something_else(ids: Iterator[str]) -> None:
    known = replace(silence(0, 20, id="a"), starts_at=at(0) + timedelta(microseconds=867_123))
    wanted = replace(silence(0, 60, id="a"), starts_at=at(0) + timedelta(milliseconds=867), comment="longer")
    longer = changed(known, wanted, at(5), ids.__next__)
    assert longer.ended is None
    assert (longer.stored.id, longer.stored.ends_at, longer.stored.comment) == ("a", at(60), "longer")
    assert longer.stored.starts_at == known.starts_at, "clients send the start back with fewer digits"
    assert changed(known, silence(0, 6, id="a"), at(5), ids.__next__).stored.id == "a"


@pytest.mark.parametrize(
    ("wanted", "now", "state"),
    [
        (silence(0, 60, Matcher("service", "=", "web"), id="a"), 5, "expired"),
        (silence(0, 60, Matcher("service", "=~", "api"), id="a"), 5, "expired"),
        (silence(3, 60, id="a"), 5, "expired"),
        (silence(8, 60, id="a"), 5, "expired"),
        (replace(silence(0, 60, id="a"), maintenance=True), 5, "expired"),
    ],
    ids=["other value", "other operator", "start moved back", "start moved on", "maintenance"],
)
def test_a_change_of_what_was_muted_ends_the_old_one_and_makes_a_new_one(wanted: Silence, now: float, state: str) -> None:
    change = changed(silence(0, 20, id="a"), wanted, at(now), lambda: "b")
    assert change.stored.id == "b"
    assert change.stored.starts_at == max(wanted.starts_at, at(now))
    assert change.ended is not None
    assert (change.ended.id, change.ended.ends_at, state_of(change.ended, at(now))) == ("a", at(now), state)


def test_a_pending_one_may_move_but_not_into_the_past() -> None:
    known = silence(10, 20, id="a")
    assert changed(known, silence(12, 20, id="a"), at(5), lambda: "b").stored == replace(silence(12, 20, id="a"), updated_at=at(5))
    change = changed(known, silence(2, 20, id="a"), at(5), lambda: "b")
    assert (change.stored.id, change.stored.starts_at) == ("b", at(5))
    assert change.ended is not None
    assert (change.ended.starts_at, change.ended.ends_at) == (at(5), at(5)), "one that never began muted nothing"


def test_one_that_has_ended_stays_as_it_was_and_a_new_one_takes_its_place() -> None:
    known = silence(0, 20, id="a")
    change = changed(known, silence(0, 60, id="a"), at(30), lambda: "b")
    assert (change.stored.id, change.stored.starts_at, change.ended) == ("b", at(30), None)
    assert ended(known, at(30)) is known


def test_ending() -> None:
    assert ended(silence(0, 20), at(5)) == replace(silence(0, 5), updated_at=at(5))
    assert ended(silence(10, 20), at(5)) == replace(silence(5, 5), updated_at=at(5))


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (silence(0, 10), ""),
        (silence(0, 10, Matcher("a", "!=", "")), ""),
        (silence(0, 10, Matcher("a", "=", ""), SERVICE), ""),
        (replace(silence(0, 10), matchers=()), "a silence needs at least one matcher"),
        (silence(0, 10, Matcher("", "=", "x")), "matcher 0: a label has a name"),
        (silence(0, 10, SERVICE, Matcher("a", "=~", "(")), "matcher 1: "),
        (silence(0, 10, Matcher("a", "=", "")), "at least one matcher must not fit the empty value"),
        (silence(0, 10, Matcher("a", "=~", ".*"), Matcher("b", "=~", "x|")), "at least one matcher must not fit the empty value"),
        (silence(10, 10), "the start of a silence must be before its end"),
        (silence(11, 10), "the start of a silence must be before its end"),
        (silence(0, 5), "the end of a silence cannot be in the past"),
        (silence(0, 1), "the end of a silence cannot be in the past"),
    ],
)
def test_what_is_wrong_with_a_silence(wanted: Silence, sentence: str) -> None:
    found = problem_of(wanted, at(5))
    assert found.startswith(sentence)
    assert bool(found) is bool(sentence)
