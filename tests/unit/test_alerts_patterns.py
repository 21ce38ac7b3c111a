"""The report of patterns: noise, flapping, what nobody takes up, how long it takes, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.rooms.alerts.people.patterns import MOST_LISTED, Episode, Times, report
from keepwell.rooms.alerts.people.patterns_told import as_json

START = datetime(2026, 11, 16, tzinfo=UTC)  # a Monday
END = START + timedelta(days=7)
ZONE = ZoneInfo("UTC")


def episode(at: float, took: float | None = 5, known: float | None = None, **changed: Any) -> Episode:
    """One that fired so many minutes after the start, ended so many minutes later, and was acknowledged so many after it fired."""
    fired = START + timedelta(minutes=at)
    values = {"name": "ApiDown", "severity": "critical", "service": "shop", **changed}
    return Episode(
        fingerprint=values.pop("fingerprint", values["name"]),
        fired_at=fired,
        resolved_at=fired + timedelta(minutes=took) if took is not None else None,
        acknowledged_at=fired + timedelta(minutes=known) if known is not None else None,
        **values,
    )


def test_nothing_fired() -> None:
    found = report([], START, END, ZONE)
    assert (found.count, found.alerts, found.noisiest, found.flapping) == (0, 0, [], [])
    assert found.to_resolve == Times(0)
    assert list(found.by_day.values()) == [0] * 7


def test_the_noisiest_first_with_their_share_and_length() -> None:
    quiet = episode(5, 60, name="DiskFull", severity="warning")
    found = report([episode(0, 2), quiet, episode(100, 4), episode(200, None)], START, END, ZONE)
    assert [(one.name, one.count, one.share, one.acknowledged) for one in found.noisiest] == [
        ("ApiDown", 3, 0.75, 0),
        ("DiskFull", 1, 0.25, 0),
    ]
    still = (END - START).total_seconds() - 200 * 60
    assert found.noisiest[0].firing_seconds == 360 + still, "what fires still has fired until the end"
    assert found.noisiest[0].times == Times(2, 180, 180, 240), "what has not ended took no time yet"
    assert found.firing == 1


def test_services_are_told_apart() -> None:
    found = report([episode(0, service="shop"), episode(1, service="bank")], START, END, ZONE)
    assert sorted((one.name, one.service) for one in found.noisiest) == [("ApiDown", "bank"), ("ApiDown", "shop")]


def test_what_comes_back_within_a_quarter_of_an_hour_flaps_at_the_third_time() -> None:
    back = [episode(20 * number, 5) for number in range(4)]  # over at 5, fires again at 20: 15 minutes
    assert [(one.name, one.count, one.returns) for one in report(back, START, END, ZONE).flapping] == [("ApiDown", 4, 3)]
    assert report(back[:3], START, END, ZONE).flapping == []
    slow = [episode(21 * number, 5) for number in range(4)]
    assert report(slow, START, END, ZONE).flapping == []
    others = [episode(20 * number, 5, fingerprint=f"{number}") for number in range(4)]
    assert report(others, START, END, ZONE).flapping == [], "the same name is not the same alert"
    assert [one.returns for one in report([episode(0, flapping=True)], START, END, ZONE).flapping] == [0]


def test_never_acknowledged_is_what_nobody_ever_took_up_the_longest_first() -> None:
    taken = [episode(0, 30), episode(60, 30, 10)]
    ignored = [episode(5, 5, name="Nag"), episode(500, 90, name="Forgotten")]
    found = report([taken[0], ignored[0], taken[1], ignored[1]], START, END, ZONE)
    assert [one.name for one in found.never_acknowledged] == ["Forgotten", "Nag"]
    assert found.acknowledged == 1


def test_times_to_acknowledge_and_to_resolve_by_severity() -> None:
    found = report([episode(0, 10, 1), episode(20, 30, 3), episode(60, 60, None, severity="info")], START, END, ZONE)
    assert found.to_acknowledge == Times(2, 120, 120, 180)
    assert found.to_resolve == Times(3, 2000, 1800, 3600)
    assert found.severities["info"] == (1, Times(0), Times(1, 3600, 3600, 3600))
    assert [one["severity"] for one in as_json(found)["severities"]] == ["critical", "info"]


def test_a_clock_that_went_back_gives_no_negative_time() -> None:
    found = report([episode(0, 5, -1)], START, END, ZONE)
    assert found.to_acknowledge == Times(1, 0, 0, 0)


@pytest.mark.parametrize(("zone", "hour", "weekday", "day"), [("UTC", 23, 0, "2026-11-16"), ("Asia/Tokyo", 8, 1, "2026-11-17")])
def test_hours_and_days_are_those_of_the_zone(zone: str, hour: int, weekday: int, day: str) -> None:
    found = report([episode(23 * 60 + 30)], START, END, ZoneInfo(zone))
    assert (found.by_hour[hour], found.by_weekday[weekday]) == (1, 1)
    assert as_json(found)["by_day"][day] == 1


def test_a_span_that_ends_at_midnight_has_no_day_of_its_own_for_that() -> None:
    assert len(report([], START, END, ZONE).by_day) == 7


def test_tables_are_bounded() -> None:
    many = [episode(number, name=f"Alert{number}") for number in range(100)]
    found = report(many, START, END, ZONE)
    assert len(found.noisiest) == len(found.never_acknowledged) == MOST_LISTED


_EPISODES = st.lists(
    st.builds(
        episode,
        st.floats(0, 10_000),
        st.none() | st.floats(0, 5000),
        st.none() | st.floats(0, 5000),
        name=st.sampled_from(["A", "B", "C"]),
        severity=st.sampled_from(["critical", "warning", ""]),
        flapping=st.booleans(),
    ),
    max_size=40,
)


@given(_EPISODES)
def test_sums_fit(found: list[Episode]) -> None:
    found.sort(key=lambda one: one.fired_at)
    told = report(found, START, END, ZoneInfo("Europe/Berlin"))
    assert sum(told.by_hour) == sum(told.by_weekday) == sum(told.by_day.values()) == told.count == len(found)
    assert sum(one.count for one in told.noisiest) == len(found)
    assert sum(count for count, _, _ in told.severities.values()) == len(found)
    assert told.firing + told.to_resolve.count == len(found)
    assert {one.name for one in told.never_acknowledged} <= {one.name for one in found if one.acknowledged_at is None}
    if told.to_resolve.count:
        assert told.to_resolve.longest is not None
        assert told.to_resolve.median is not None
        assert 0 <= told.to_resolve.median <= told.to_resolve.longest
