"""Many timers: whatever was set last counts, in the order of the instants."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.alerts.timers import Timers

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_the_next_is_the_earliest() -> None:
    timers: Timers[str] = Timers()
    assert timers.next() is None
    for key, seconds in (("b", 5), ("a", 3), ("c", 9)):
        timers.set(key, at(seconds))
    assert timers.next() == at(3)
    assert timers.due(at(5)) == ["a", "b"]
    assert timers.due(at(5)) == ["a", "b"]  # they stay until they are set anew
    timers.set("a", None)
    timers.set("b", at(20))
    assert timers.due(at(10)) == ["c"]


Step = tuple[str, int | None]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 30)), max_size=60), st.lists(st.integers(0, 30), max_size=5))
def test_as_a_list_would_do_it(steps: list[Step], looks: list[int]) -> None:
    timers: Timers[str] = Timers()
    plain: dict[str, datetime] = {}
    for number, (key, seconds) in enumerate(steps):
        timers.set(key, None if seconds is None else at(seconds))
        plain.pop(key, None)
        if seconds is not None:
            plain[key] = at(seconds)
        if looks and number % 7 == 0:
            now = at(looks[number % len(looks)])
            assert sorted(timers.due(now)) == sorted(key for key, due in plain.items() if due <= now)
        assert timers.next() == min(plain.values(), default=None)
