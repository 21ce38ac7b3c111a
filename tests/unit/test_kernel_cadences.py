"""Cadences: their forms, and what clock changes do to them. The expected instants were worked out by hand from the tz database."""

import itertools
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import cronsim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import keepwell
from keepwell.kernel.cadences import instants, next_instant, parse_cadence

NEW_YORK = "America/New_York"
LORD_HOWE = "Australia/Lord_Howe"
EVER = datetime(9000, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def firsts(text: str, zone: str, after: datetime, count: int) -> list[datetime]:
    return list(itertools.islice(instants(parse_cadence(text, zone), after, EVER), count))


@pytest.mark.parametrize(
    ("text", "cron"),
    [
        ("daily 01:00", "0 1 * * *"),
        ("Daily at 1:00", "0 1 * * *"),
        ("every day 01:00", "0 1 * * *"),
        ("daily", "0 0 * * *"),
        ("hourly", "0 * * * *"),
        ("every hour", "0 * * * *"),
        ("weekdays 08:00", "0 8 * * 1-5"),
        ("weekends 08:00", "0 8 * * 0,6"),
        ("Sunday 02:30", "30 2 * * 0"),
        ("every Friday", "0 0 * * 5"),
        ("weekly on Sunday 02:00", "0 2 * * 0"),
        ("weekly", "0 0 * * 0"),
        ("Monday, Thursday 9:00", "0 9 * * 1,4"),
        ("Tuesdays and Thursdays 9:00", "0 9 * * 2,4"),
        ("Mon-Fri 9:00", "0 9 * * 1,2,3,4,5"),
        ("Friday–Monday 9:00", "0 9 * * 0,1,5,6"),
        ("first Monday 09:00", "0 9 * * 1#1"),
        ("first Monday of each month", "0 0 * * 1#1"),
        ("2nd Tuesday of every month 03:00", "0 3 * * 2#2"),
        ("first Sunday of each quarter", "0 0 * 1,4,7,10 0#1"),
        ("last Friday 18:00", "0 18 * * 5L"),
        ("last Friday of each quarter", "0 0 * 3,6,9,12 5L"),
        ("last day of each month 23:00", "0 23 L * *"),
        ("monthly", "0 0 1 * *"),
        ("monthly 15 03:00", "0 3 15 * *"),
        ("day 15 03:00", "0 3 15 * *"),
        ("the 15th of each month 03:00", "0 3 15 * *"),
        ("quarterly", "0 0 1 1,4,7,10 *"),
        ("last week of each quarter", "0 0 * 3,6,9,12 1L"),
        ("yearly", "0 0 1 1 *"),
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("*/5 9-17 * * MON-FRI", "*/5 9-17 * * mon-fri"),
    ],
)
def test_words_mean_cron(text: str, cron: str) -> None:
    cadence = parse_cadence(text, "UTC")
    assert (cadence.cron, cadence.interval, cadence.text) == (cron, None, text)


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("30s", timedelta(seconds=30)),
        ("every 5m", timedelta(minutes=5)),
        ("every 2 hours", timedelta(hours=2)),
        ("every 90 days", timedelta(days=90)),
        ("1h30m", timedelta(minutes=90)),
    ],
)
def test_an_interval_is_read(text: str, interval: timedelta) -> None:
    cadence = parse_cadence(text, "UTC")
    assert (cadence.interval, cadence.cron) == (interval, "")


def test_an_interval_counts_from_the_epoch_whatever_the_zone() -> None:
    expected = [utc("2026-03-08T07:00"), utc("2026-03-08T07:07"), utc("2026-03-08T07:14")]
    assert all(instant.timestamp() % 420 == (expected[0].timestamp() % 420) for instant in expected)
    found = firsts("7m", NEW_YORK, expected[0], 3)
    assert [instant.timestamp() % 420 for instant in found] == [0, 0, 0]
    assert found[0] - expected[0] <= timedelta(minutes=7)
    assert firsts("7m", "UTC", expected[0], 3) == found


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("first Monday 09:00", "2026-01-01T00:00", ["2026-01-05T09:00", "2026-02-02T09:00", "2026-03-02T09:00"]),
        ("last Friday 18:00", "2026-01-01T00:00", ["2026-01-30T18:00", "2026-02-27T18:00", "2026-03-27T18:00"]),
        ("last week of each quarter", "2026-01-01T00:00", ["2026-03-30T00:00", "2026-06-29T00:00", "2026-09-28T00:00"]),
        ("quarterly", "2026-01-01T00:00", ["2026-04-01T00:00", "2026-07-01T00:00", "2026-10-01T00:00"]),
        ("monthly 31 03:00", "2026-01-01T00:00", ["2026-01-31T03:00", "2026-03-31T03:00", "2026-05-31T03:00"]),
        ("last day of each month", "2026-01-01T00:00", ["2026-01-31T00:00", "2026-02-28T00:00", "2026-03-31T00:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00", ["2028-02-29T00:00", "2032-02-29T00:00"]),
        ("0 * 29 2 *", "2028-02-29T22:00", ["2028-02-29T23:00", "2032-02-29T00:00"]),
        ("weekdays 08:00", "2026-01-02T08:00", ["2026-01-05T08:00", "2026-01-06T08:00"]),
    ],
)
def test_the_calendar_is_followed(text: str, after: str, expected: list[str]) -> None:
    assert firsts(text, "UTC", utc(after), len(expected)) == [utc(instant) for instant in expected]


# Each line: expression, zone, strictly after (UTC), and the next instants (UTC).
CLOCK_CHANGES = [
    # New York 2026-03-08: 02:00 EST becomes 03:00 EDT, at 07:00 UTC.
    ("30 2 * * *", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:30"]),
    ("*/30 2 * * *", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:00", "2026-03-09T06:30"]),
    ("0 2,3 * * *", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T06:00", "2026-03-09T07:00"]),
    ("daily 03:00", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-09T07:00"]),
    ("Sunday 02:30", NEW_YORK, "2026-03-07T12:00", ["2026-03-08T07:00", "2026-03-15T06:30"]),
    ("30 * * * *", NEW_YORK, "2026-03-08T06:00", ["2026-03-08T06:30", "2026-03-08T07:30", "2026-03-08T08:30"]),
    ("0 */2 * * *", NEW_YORK, "2026-03-08T05:00", ["2026-03-08T08:00", "2026-03-08T10:00"]),
    ("hourly", NEW_YORK, "2026-03-08T06:00", ["2026-03-08T07:00", "2026-03-08T08:00"]),
    # New York 2026-11-01: 02:00 EDT becomes 01:00 EST, at 06:00 UTC.
    ("30 1 * * *", NEW_YORK, "2026-10-31T12:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01T05:45", ["2026-11-02T06:30"]),
    ("30 1 * * *", NEW_YORK, "2026-11-01T06:15", ["2026-11-02T06:30"]),
    ("*/20 1 * * *", NEW_YORK, "2026-11-01T05:15", ["2026-11-01T05:20", "2026-11-01T05:40", "2026-11-02T06:00"]),
    ("30 * * * *", NEW_YORK, "2026-11-01T05:00", ["2026-11-01T05:30", "2026-11-01T06:30", "2026-11-01T07:30"]),
    ("0 * * * *", NEW_YORK, "2026-11-01T04:00", ["2026-11-01T05:00", "2026-11-01T06:00", "2026-11-01T07:00"]),
    ("0 2 * * *", NEW_YORK, "2026-10-31T12:00", ["2026-11-01T07:00", "2026-11-02T07:00"]),
    # Berlin 2026-03-29 and 2026-10-25, both at 01:00 UTC.
    ("daily 02:30", "Europe/Berlin", "2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
    ("daily 02:30", "Europe/Berlin", "2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
    # Lord Howe: half an hour. 2026-10-04 02:00 (+10:30) becomes 02:30 (+11), at 2026-10-03 15:30 UTC.
    ("15 2 * * *", LORD_HOWE, "2026-10-03T12:00", ["2026-10-03T15:30", "2026-10-04T15:15"]),
    ("*/15 * * * *", LORD_HOWE, "2026-10-03T15:00", ["2026-10-03T15:15", "2026-10-03T15:30", "2026-10-03T15:45"]),
    ("0 * * * *", LORD_HOWE, "2026-10-03T14:30", ["2026-10-03T16:00", "2026-10-03T17:00"]),
    # 2026-04-05 02:00 (+11) becomes 01:30 (+10:30), at 2026-04-04 15:00 UTC.
    ("45 1 * * *", LORD_HOWE, "2026-04-04T12:00", ["2026-04-04T14:45", "2026-04-05T15:15"]),
    ("*/15 * * * *", LORD_HOWE, "2026-04-04T14:30", ["2026-04-04T14:45", "2026-04-04T15:00", "2026-04-04T15:15", "2026-04-04T15:30"]),
    # Apia skipped the whole of 2011-12-30: midnight (-10) became midnight of the 31st (+14), at 2011-12-30 10:00 UTC.
    ("daily 01:00", "Pacific/Apia", "2011-12-28T12:00", ["2011-12-29T11:00", "2011-12-30T10:00", "2011-12-30T11:00", "2011-12-31T11:00"]),
    ("0 1,13 * * *", "Pacific/Apia", "2011-12-29T23:30", ["2011-12-30T10:00", "2011-12-30T11:00", "2011-12-30T23:00"]),
    ("hourly", "Pacific/Apia", "2011-12-30T08:00", ["2011-12-30T09:00", "2011-12-30T10:00", "2011-12-30T11:00"]),
    # Gaps at midnight: São Paulo 2018-11-04 00:00 became 01:00, at 03:00 UTC;
    # Cairo 2024-04-26 00:00 became 01:00, at 22:00 UTC of the day before.
    ("daily", "America/Sao_Paulo", "2018-11-03T12:00", ["2018-11-04T03:00", "2018-11-05T02:00"]),
    ("daily 00:30", "Africa/Cairo", "2024-04-25T12:00", ["2024-04-25T22:00", "2024-04-26T21:30"]),
    # Cairo 2024-10-31 24:00 became 23:00 of the same day, at 21:00 UTC: the day's last hour happens twice.
    ("daily 23:30", "Africa/Cairo", "2024-10-31T12:00", ["2024-10-31T20:30", "2024-11-01T21:30"]),
    ("30 * * * *", "Africa/Cairo", "2024-10-31T20:00", ["2024-10-31T20:30", "2024-10-31T21:30", "2024-10-31T22:30"]),
]


@pytest.mark.parametrize(("text", "zone", "after", "expected"), CLOCK_CHANGES)
def test_when_clocks_change(text: str, zone: str, after: str, expected: list[str]) -> None:
    assert firsts(text, zone, utc(after), len(expected)) == [utc(instant) for instant in expected]


def test_a_span_excludes_its_start_and_contains_its_end() -> None:
    cadence = parse_cadence("hourly", "UTC")
    assert list(instants(cadence, utc("2026-01-01T01:00"), utc("2026-01-01T03:00"))) == [utc("2026-01-01T02:00"), utc("2026-01-01T03:00")]


def test_the_instants_are_in_utc_whatever_zone_they_were_asked_in() -> None:
    found = next_instant(parse_cadence("daily 01:00", "Europe/Berlin"), datetime(2026, 7, 1, 12, tzinfo=ZoneInfo(NEW_YORK)))
    assert found == utc("2026-07-01T23:00")
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 * 30 2 *", "*/5 * 31 4,6,9,11 *"])
def test_what_never_comes_true_ends_in_nothing_quickly(text: str) -> None:
    start = time.process_time()
    assert next_instant(parse_cadence(text, NEW_YORK), utc("2026-01-01T00:00")) is None
    assert time.process_time() - start < 5  # looking for it for ever would take longer


def test_the_calendar_ends_in_the_year_9999() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for text in ("30s", "hourly", "daily 01:00", "yearly"):
        for zone in ("UTC", NEW_YORK, "Pacific/Apia"):
            assert next_instant(parse_cadence(text, zone), last) is None


def test_an_instant_without_a_zone_is_refused() -> None:
    cadence = parse_cadence("hourly", "UTC")
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    with pytest.raises(ValueError, match="has no time zone"):
        next_instant(cadence, naive)
    with pytest.raises(ValueError, match="has no time zone"):
        instants(cadence, utc("2026-01-01T00:00"), naive)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("10", '"10" has no unit: write 10s'),
        ("0s", "would recur without end"),
        ("61 * * * *", r"is not a cron expression \(bad minute\)"),
        ("0 0 32 2 *", r"is not a cron expression \(bad day-of-month\)"),
        ("0 0 * 13 *", r"is not a cron expression \(bad month\)"),
        ("* * * * * *", "is not a cadence: write an interval"),
        ("daily 25:00", "has no time of day"),
        ("Monday 24:00", "has no time of day"),
        ("fortnightly", "is not a cadence"),
        ("second week of each quarter", "is not a cadence"),
        ("monthly 32", "is not a cadence"),
        ("", "is not a cadence"),
        ("every", "is not a cadence"),
        ("١ * * * *", "is not a cadence"),
        ("1," * 5000 + "1 * * * *", "is not a cadence"),
    ],
)
def test_what_is_no_cadence_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        parse_cadence(text, "UTC")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    "zone", ["", "Mars/Base", "America", "../../etc/passwd", "/etc/passwd", "a" * 10_000, "\0", "é", "\ud800", "UTC\n"]
)
def test_what_is_no_zone_is_refused(zone: str) -> None:
    with pytest.raises(ValueError, match="is no time zone: write a name of the tz database"):
        parse_cadence("daily", zone)


def test_a_machine_without_zones_is_told_so(tmp_path: Path) -> None:
    tmp_path.joinpath("cronsim").symlink_to(Path(cronsim.__file__).parent)
    tmp_path.joinpath("keepwell").symlink_to(Path(keepwell.__file__).parent)
    question = "from keepwell.kernel.cadences import parse_cadence; parse_cadence('daily', 'UTC')"
    answer = subprocess.run(
        [sys.executable, "-S", "-B", "-c", question],  # without site-packages, where a package tzdata may stand
        env={"PYTHONTZPATH": "/nowhere", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    sentence = "the tz database is missing: install the package tzdata of the system or of Python"
    assert answer.stderr.splitlines()[-1] == f"ValueError: {sentence}"


PERIODS = ["every", "each", "daily", "weekly", "monthly", "@daily", "day", "week", "quarter", "hours"]
NAMES = ["monday", "friday", "first", "last", "of", ",", "15", "05:00", "25:99"]
FIELDS = ["*", "*/5", "1-5", "L", "#", "5", "0", "30s"]


def asked(text: str) -> tuple[str, datetime | None]:
    """The sentence with which a text is refused (or nothing), and the next instant of the cadence that it is."""
    try:
        cadence = parse_cadence(text, NEW_YORK)
    except ValueError as error:
        return str(error), None
    return "", next_instant(cadence, utc("2026-03-08T00:00"))


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PERIODS + NAMES + FIELDS), max_size=7).map(" ".join)))
def test_any_text_is_a_cadence_that_can_be_asked_or_is_refused(text: str) -> None:
    sentence, found = asked(text)
    assert sentence.isprintable()
    assert found is None or found > utc("2026-03-08T00:00")


MINUTES = st.sampled_from(["0", "30", "*/15", "*", "5,35"])
HOURS = st.sampled_from(["0", "1", "2", "3", "23", "*", "*/2", "1-3", "0,2"])
NEAR_CHANGES = [
    (NEW_YORK, "2026-03-08T07:00"),
    (NEW_YORK, "2026-11-01T06:00"),
    (LORD_HOWE, "2026-04-04T15:00"),
    (LORD_HOWE, "2026-10-03T15:30"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("America/Sao_Paulo", "2018-02-18T02:00"),
    ("Africa/Cairo", "2024-04-25T22:00"),
    ("Africa/Cairo", "2024-10-31T21:00"),
    ("Asia/Kathmandu", "2026-01-01T00:00"),
]


@settings(deadline=None, max_examples=50)
@given(MINUTES, HOURS, st.sampled_from(NEAR_CHANGES), st.integers(0, 36 * 60))
def test_instants_agree_with_a_look_at_every_minute(minute: str, hour: str, near: tuple[str, str], minutes_before: int) -> None:
    zone, change = near
    cadence = parse_cadence(f"{minute} {hour} * * *", zone)
    start = utc(change) - timedelta(minutes=minutes_before)
    end = start + timedelta(days=3)
    found = list(instants(cadence, start, end))
    assert found == sorted(set(found))
    looked = [start + timedelta(minutes=number) for number in range(-2 * 24 * 60, 3 * 24 * 60 + 1)]
    clock = [(instant, instant.astimezone(cadence.zone).replace(tzinfo=None)) for instant in looked]
    wanted = {(m, h) for m in _members(minute, 60) for h in _members(hour, 24)}
    expected = _real(clock, wanted) if cadence.follows_real_time else _first_reached(clock, wanted)
    assert found == [instant for instant in expected if instant > start]


def _real(clock: list[tuple[datetime, datetime]], wanted: set[tuple[int, int]]) -> list[datetime]:
    """Every minute at which the clock shows such a time."""
    return [instant for instant, shown in clock if (shown.minute, shown.hour) in wanted]


def _first_reached(clock: list[tuple[datetime, datetime]], wanted: set[tuple[int, int]]) -> list[datetime]:
    """Every minute at which the clock shows such a time, or has passed it, for the first time."""
    found = []
    furthest = clock[0][1]
    for instant, shown in clock[1:]:
        passed = range(1, (shown - furthest) // timedelta(minutes=1) + 1)
        if any((time.minute, time.hour) in wanted for time in (furthest + timedelta(minutes=step) for step in passed)):
            found.append(instant)
        furthest = max(furthest, shown)
    return found


def _members(field: str, end: int) -> set[int]:
    step = int(field.removeprefix("*/")) if field.startswith("*/") else 1
    if field.startswith("*"):
        return set(range(0, end, step))
    first, dash, last = field.partition("-")
    return set(range(int(first), int(last) + 1)) if dash else {int(part) for part in field.split(",")}
