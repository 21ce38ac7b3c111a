"""Which occasion begins, waits or is missed; which alerts follow; the calendar: all of it without a clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.kernel.cadences import instants, last_instant, parse_cadence
from keepwell.kernel.windows import parse_window
from keepwell.ports.work import Recurring, Work
from keepwell.rooms.tasks.calendar import often, weeks
from keepwell.rooms.tasks.context import headline
from keepwell.rooms.tasks.decide import Around, decide
from keepwell.rooms.tasks.model import Run, Standing, State, Tally, Task
from keepwell.rooms.tasks.offer import task_of
from keepwell.rooms.tasks.options import TaskOptions
from keepwell.rooms.tasks.telling import alerts_of, next_change

NOW = datetime(2026, 10, 24, 12, tzinfo=UTC)  # on Sunday the 25th clocks are put back in Berlin
SPRING = datetime(2026, 3, 28, 12, tzinfo=UTC)
ALIVE = Around(datetime(2026, 1, 1, tzinfo=UTC), {})
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def task(every: str = "hourly", zone: str = "UTC", **more: object) -> Task:
    return Task("it", parse_cadence(every, zone), **{"work": Work("runbook", "it.md"), **more})  # type: ignore[arg-type]


def begun(task: Task, since: datetime, until: datetime) -> list[datetime]:
    """The occasions that begin where somebody decides whenever that is wanted, and each ends at once."""
    found, now, decided = [], since, since
    while now <= until:
        decision = decide(task, Standing(decided), ALIVE, now)
        assert decision.missed == ()
        if decision.start is not None:
            found.append(decision.start)
            decided = decision.start
        assert decision.again_at is not None
        assert decision.again_at > now
        now = decision.again_at
    return found


def test_an_hour_that_comes_twice_is_one_occasion_and_one_that_does_not_come_is_at_the_end_of_the_gap() -> None:
    berlin = task("daily 02:30", "Europe/Berlin")
    assert [f"{at:%d %H:%M}" for at in begun(berlin, NOW, NOW + 3 * DAY)] == ["25 00:30", "26 01:30", "27 01:30"]
    assert [f"{at:%d %H:%M}" for at in begun(berlin, SPRING, SPRING + 3 * DAY)] == ["29 01:00", "30 00:30", "31 00:30"]
    every_hour = begun(task("0 * * * *", "Europe/Berlin"), NOW, NOW + DAY)
    assert len(every_hour) == 24  # real hours: both passes of the one that comes twice
    assert len(begun(task("2h", "Europe/Berlin"), SPRING, SPRING + DAY)) == 12


def test_a_clock_that_is_set_back_asks_for_nothing_twice_and_one_set_forward_for_the_newest_only() -> None:
    standing = Standing(NOW + 5 * HOUR)
    decision = decide(task(), standing, ALIVE, NOW + timedelta(minutes=30))
    assert (decision.start, decision.missed) == (None, ())
    forward = decide(task(late=2 * HOUR), Standing(NOW), ALIVE, NOW + 10 * DAY + MINUTE)
    assert forward.start == NOW + 10 * DAY
    (missed,) = forward.missed
    assert (missed.first, missed.last, missed.count) == (NOW + HOUR, NOW + 10 * DAY - HOUR, 239)


def test_a_time_that_never_comes_is_never_decided_again() -> None:
    decision = decide(task("0 0 30 2 *"), Standing(NOW), ALIVE, NOW + DAY)
    assert (decision.start, decision.again_at) == (None, None)


def test_a_year_of_minutes_is_counted_no_further_than_ten_thousand() -> None:
    decision = decide(task("* * * * *", late=MINUTE), Standing(NOW - 365 * DAY), ALIVE, NOW)
    assert decision.start == NOW
    assert decision.missed[0].count == 10_000


def test_the_windows_of_a_day_and_when_to_look_again() -> None:
    held = decide(task("daily 13:00", window=parse_window("daily 15:00-16:00", "UTC")), Standing(NOW), ALIVE, NOW + HOUR)
    assert (held.start, held.held, held.again_at) == (None, NOW + HOUR, NOW + 3 * HOUR)
    never = decide(task("daily 13:00", window=parse_window("monthly 31 15:00-16:00", "UTC"), late=HOUR), Standing(NOW), ALIVE, NOW + HOUR)
    assert never.again_at is not None
    assert NOW + 2 * HOUR < never.again_at < NOW + 2 * HOUR + MINUTE
    opened = decide(task("daily 13:00", window=parse_window("daily 13:00-14:00", "UTC")), Standing(NOW), ALIVE, NOW + HOUR)
    assert opened.start == NOW + HOUR


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["* * * * *", "*/7 * * * *", "hourly", "daily 02:30", "first Monday 09:00", "90m", "yearly", "0 0 29 2 *"]),
    st.integers(0, 400 * 24 * 60),
    st.integers(0, 3 * 24 * 60),
)
def test_the_last_instant_is_the_last_of_all(every: str, start: int, minutes: int) -> None:
    cadence = parse_cadence(every, "Europe/Berlin")
    after = NOW + start * MINUTE
    before = after + minutes * MINUTE
    assert last_instant(cadence, after, before) == max(instants(cadence, after, before), default=None)


def test_the_last_instant_of_long_ago_is_found() -> None:
    assert last_instant(parse_cadence("yearly", "UTC"), NOW - 3000 * DAY, NOW) == datetime(2026, 1, 1, tzinfo=UTC)
    assert last_instant(parse_cadence("0 0 29 2 *", "UTC"), NOW - 2000 * DAY, NOW) == datetime(2024, 2, 29, tzinfo=UTC)
    assert last_instant(parse_cadence("hourly", "UTC"), NOW, NOW) is None


# --- alerts ------------------------------------------------------------------------------------------------------------------


def run(state: State, due: datetime = NOW, **more: object) -> Run:
    return Run("it", due, state, "tasks/it", due, **{"ended_at": None if state.is_open else due + MINUTE, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (Standing(NOW), []),
        (Standing(NOW, last=run(State.DONE)), []),
        (Standing(NOW, last=run(State.SKIPPED)), []),
        (Standing(NOW, last=run(State.FAILED)), ["TaskFailed"]),
        (Standing(NOW, last=run(State.REFUSED)), ["TaskFailed"]),
        (Standing(NOW, last=run(State.MISSED)), ["TaskMissed"]),
        (Standing(NOW, open=run(State.RUNNING, NOW + HOUR), last=run(State.FAILED)), ["TaskFailed"]),
        (Standing(NOW, open=run(State.RUNNING), held_since=NOW + HOUR), ["TaskOverdue"]),
        (Standing(NOW, open=run(State.RUNNING, NOW - HOUR), last=run(State.MISSED), held_since=NOW), ["TaskOverdue"]),
    ],
)
def test_the_alerts_of_a_standing(standing: Standing, expected: list[str]) -> None:
    assert [alert.labels["alertname"] for alert in alerts_of(task(), standing, NOW + 2 * HOUR)] == expected


def test_what_takes_too_long_is_told_of_when_it_does() -> None:
    one, standing = task(expected=20 * MINUTE), Standing(NOW, open=run(State.RUNNING))
    assert alerts_of(one, standing, NOW + 19 * MINUTE) == ()
    assert next_change(one, standing, NOW + 19 * MINUTE) == NOW + 20 * MINUTE
    (alert,) = alerts_of(one, standing, NOW + 20 * MINUTE)
    assert alert.firing_since == NOW + 20 * MINUTE
    assert next_change(one, standing, NOW + 20 * MINUTE) is None


# --- the calendar ------------------------------------------------------------------------------------------------------------


def test_the_calendar_has_what_was_and_what_comes_in_its_zone() -> None:
    often, daily = task("*/5 * * * *"), Task("daily", parse_cadence("daily 23:30", "UTC"), Work("runbook", "a.md"))
    was = [Tally("it", State.DONE, NOW - number * 15 * MINUTE, 3, 3) for number in range(8)]
    was += [Tally("it", State.FAILED, NOW - HOUR, 1, 1), Tally("daily", State.MISSED, NOW - 13 * HOUR, 1, 2)]
    found = weeks([often, daily], was, NOW, ZoneInfo("Europe/Berlin"))
    days = {day.date.isoformat(): [(mark.task, mark.words) for mark in day.marks] for week in found for day in week}
    assert (len(found), found[0][0].date.isoformat(), found[-1][-1].date.isoformat()) == (6, "2026-10-05", "2026-11-15")
    assert days["2026-10-24"] == [("it", "24 done, 1 failed"), ("daily", "2 missed")]
    assert days["2026-10-25"] == [("daily", "")]  # 23:30 UTC is the next day in Berlin
    assert days["2026-10-23"] == []
    assert {mark.at.hour for week in found for day in week for mark in day.marks if mark.at is not None and not mark.words} == {0, 1}


def test_what_is_due_often_on_some_days_only_is_not_listed_either() -> None:
    first, daily = task("*/5 9-16 1 * *"), Task("daily", parse_cadence("daily 23:30", "UTC"), Work("runbook", "a.md"))
    found = weeks([first, daily], [], NOW, ZoneInfo("UTC"))
    assert {mark.task for week in found for day in week for mark in day.marks} == {"daily"}
    assert often([first, daily], NOW, ZoneInfo("UTC")) == [first]


# --- the section ---------------------------------------------------------------------------------------------------------------


def test_what_a_task_may_say() -> None:
    options = TaskOptions.model_validate_json('{"run": "./a.md", "every": "daily", "late": "once within 2h", "with": {"A": "b"}}')
    assert (options.late, options.with_) == (2 * HOUR, {"A": "b"})
    assert TaskOptions.model_validate_json('{"every": "daily", "late": "skip"}').late == MINUTE
    recurring = Recurring("backups/shop", Work("backup", "shop"), "daily 02:00", "Europe/Berlin", locks=("disk",))
    assert task_of(recurring).work == Work("backup", "shop")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"run": "a.md"}', "Field required"),
        ('{"every": "now and then"}', '"now and then" is not a cadence'),
        ('{"every": "daily", "zone": "Mars"}', "Mars"),
        ('{"every": "1ms"}', "every 1ms is more often than a task can be kept: write 1s or longer"),
        ('{"every": "daily", "late": "twice"}', "expected skip, or once within 6h"),
        ('{"every": "daily", "late": "once within 6"}', '"6" has no unit'),
        ('{"every": "daily", "run": "a.md", "backup": "b"}', "a task does one thing, and this one says run and backup"),
        ('{"every": "daily", "priority": "huge"}', "Input should be"),
    ],
)
def test_what_it_may_not_say(text: str, sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TaskOptions.model_validate_json(text)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("states", "kind", "words"),
    [
        ("", "ok", "There are no tasks"),
        ("new new", "ok", "No task was due so far"),
        ("done new new", "ok", "What was due is done; 2 of 3 tasks were not due so far"),
        ("done done", "ok", "All tasks are done as they should be"),
        ("done new waiting", "warn", "1 waits for a person"),
        ("done held", "warn", "1 cannot begin now"),
        ("failed failed waiting new", "fail", "2 failed, 1 waits for a person"),
    ],
)
def test_the_headline_claims_nothing_of_what_was_not_due(states: str, kind: str, words: str) -> None:
    assert headline([{"state": state} for state in states.split()]) == {"kind": kind, "words": words}
