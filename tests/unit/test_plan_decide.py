"""When tasks would start: in their own zones, over changes of clocks, in windows; and what is missing, from report and steps."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.config.runbooks import Runbook, Step
from keepwell.kernel.windows import Window, parse_window
from keepwell.rooms.plan.decide import MOST, assemble, plan_tasks
from keepwell.rooms.plan.model import Entry, Operated, Plan, PlannedTask, Report, Wanted

NOW = datetime(2026, 10, 22, 12, 0, tzinfo=UTC)  # a Thursday; on Sunday 25 October clocks are put back in Europe
SPRING = datetime(2027, 3, 27, 12, 0, tzinfo=UTC)  # a Saturday; on the 28th they are put forward


def entries(tasks: Mapping[str, Mapping[str, str]]) -> tuple[Entry, ...]:
    """Tasks as a plan is told them."""
    return tuple(Entry(name, value, line) for line, (name, value) in enumerate(tasks.items(), 10))


def planned(value: Mapping[str, str], windows: Mapping[str, Window] | None = None, now: datetime = NOW, days: int = 7) -> PlannedTask:
    """One task, planned."""
    (task,) = plan_tasks(entries({"it": value}), windows or {}, now, now + timedelta(days=days))
    return task


def starts(task: PlannedTask) -> list[str]:
    return [moment.at.isoformat() for moment in task.moments]


def test_moments_of_the_coming_days_in_the_tasks_own_zone() -> None:
    task = planned({"run": "runbooks/a.md", "every": "Sunday 02:30", "zone": "UTC", "expected_duration": "15m"}, days=14)
    assert starts(task) == ["2026-10-25T02:30:00+00:00", "2026-11-01T02:30:00+00:00"]
    assert (task.run, task.takes, task.line, task.faults, task.frequent, task.more) == ("runbooks/a.md", "15m", 10, (), False, False)
    assert task.next == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


def test_a_time_that_comes_twice_is_one_start_and_one_that_never_comes_is_at_the_end_of_the_gap() -> None:
    back = planned({"every": "daily 02:30", "zone": "Europe/Berlin"}, days=4)
    assert starts(back) == [
        "2026-10-23T02:30:00+02:00",
        "2026-10-24T02:30:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    forward = planned({"every": "daily 02:30", "zone": "Europe/Berlin"}, now=SPRING, days=2)
    assert starts(forward) == ["2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"]


def test_without_a_zone_it_is_utc() -> None:
    assert planned({"every": "daily 01:00"}, days=1).moments[0].at.isoformat() == "2026-10-23T01:00:00+00:00"


@pytest.mark.parametrize(("every", "frequent"), [("*/5 * * * *", True), ("hourly", True), ("1h", True), ("4h", False), ("daily", False)])
def test_what_recurs_often_is_not_listed_moment_by_moment(every: str, frequent: bool) -> None:
    task = planned({"run": "a.md", "every": every})
    assert task.frequent is frequent
    assert (len(task.moments) == 1) is frequent
    assert task.more is frequent


def test_the_listed_moments_are_bounded() -> None:
    task = planned({"every": "0 0,12 * * *"}, days=366)
    assert len(task.moments) == MOST
    assert task.more


def test_nothing_in_these_days_and_never() -> None:
    later = planned({"every": "yearly"})
    assert (later.moments, later.next) == ((), datetime(2027, 1, 1, tzinfo=UTC))
    never = planned({"every": "0 0 30 2 *"})
    assert (never.moments, never.next, never.faults) == ((), None, ())


def test_the_edges_of_the_days() -> None:
    midnight = datetime(2026, 10, 22, tzinfo=UTC)
    assert starts(planned({"every": "daily"}, now=midnight, days=1)) == ["2026-10-23T00:00:00+00:00"]


WINDOWS = {"night": parse_window("Sunday 02:00-04:00", "UTC"), "late": parse_window("daily 22:00-02:00", "UTC")}


@pytest.mark.parametrize(
    ("every", "window", "inside"),
    [
        ("Sunday 02:00", "night", True),
        ("Sunday 03:59", "night", True),
        ("Sunday 04:00", "night", False),
        ("Monday 02:30", "night", False),
        ("Monday 23:00", "late", True),
        ("Monday 01:00", "late", True),
        ("Monday 02:00", "late", False),
        ("Monday 02:00", "", None),
    ],
)
def test_a_start_outside_its_window_is_known(every: str, window: str, inside: bool | None) -> None:
    (moment,) = planned({"run": "a.md", "every": every, "window": window}, WINDOWS).moments
    assert moment.in_window is inside


def test_the_window_that_is_open_now_counts() -> None:
    now = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    (moment, _) = planned({"every": "Sunday 03:00", "window": "night"}, WINDOWS, now=now, days=8).moments
    assert moment.in_window is True


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ({"every": "now and then"}, '"now and then" is not a cadence'),
        ({"every": "daily", "zone": "Mars/Base"}, '"Mars/Base" is no time zone'),
        ({"every": "daily", "window": "nigth"}, 'its window "nigth" is not one of the windows'),
        ({"every": "daily", "expected_duration": "long"}, '"long" is not a duration'),
        ({"every": "5"}, '"5" has no unit'),
        ({"run": "a.md"}, "it does not say when it recurs"),
        ({}, "it does not say when it recurs"),
    ],
)
def test_what_is_wrong_with_a_task_is_one_sentence(value: Mapping[str, str], fault: str) -> None:
    task = planned(value, WINDOWS)
    assert len(task.faults) == 1
    assert task.faults[0].startswith(fault)


def test_a_directory_without_tasks_has_none() -> None:
    assert plan_tasks((), {}, NOW, NOW + timedelta(days=1)) == ()


def test_missing_things_are_gathered_once() -> None:
    runbooks = (
        Runbook("runbooks/a.md", steps=(Step(1, "one", "sh", "x", missing=("BUCKET", "backup.sh")), Step(2, "two", "sh", "y"))),
        Runbook("runbooks/b.md", steps=(Step(1, "three", "sh", "z", missing=("BUCKET",)),)),
        Runbook("runbooks/c.md", fault='"runbooks/c.md" does not exist'),
    )
    report = Report({"carried": 3}, (Wanted("BUCKET", "value", "$BUCKET", "Which bucket?", (4, 9)),), "import-report.json is odd")
    plan = assemble(Plan("ops", Operated("s", "local", "me"), NOW, NOW, (PlannedTask("t", 1, run="runbooks/c.md"),), runbooks), report)
    assert plan.missing == (
        Wanted("BUCKET", "value", "$BUCKET", "Which bucket?", (4, 9), ("runbooks/a.md#one", "runbooks/b.md#three")),
        Wanted("backup.sh", "", places=("runbooks/a.md#one",)),
    )
    assert plan.dispositions == {"carried": 3}
    assert plan.faults == ("import-report.json is odd",)  # the task tells of its own runbook
