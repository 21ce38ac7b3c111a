"""Windows: their forms, their ends, and what clock changes do to them. The expected instants were worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.windows import contains, current_window, next_window, parse_window

NEW_YORK = "America/New_York"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "after", "start", "end"),
    [
        ("Sunday 02:00-04:00", "UTC", "2026-01-01T00:00", "2026-01-04T02:00", "2026-01-04T04:00"),
        ("Sunday 02:00–04:00", "UTC", "2026-01-04T02:00", "2026-01-11T02:00", "2026-01-11T04:00"),
        ("every Sunday 2:00 - 4:00", "UTC", "2026-01-01T00:00", "2026-01-04T02:00", "2026-01-04T04:00"),
        ("daily 22:00-06:00", "UTC", "2026-01-01T23:00", "2026-01-02T22:00", "2026-01-03T06:00"),
        ("22:00-06:00", "UTC", "2026-01-01T21:00", "2026-01-01T22:00", "2026-01-02T06:00"),
        ("weekdays 09:00-17:00", "Europe/Berlin", "2026-01-02T12:00", "2026-01-05T08:00", "2026-01-05T16:00"),
        ("first Monday 02:00-04:00", "UTC", "2026-01-06T00:00", "2026-02-02T02:00", "2026-02-02T04:00"),
        ("Saturday, Sunday 00:00-24:00", "UTC", "2026-01-01T00:00", "2026-01-03T00:00", "2026-01-04T00:00"),
        # New York 2026-03-08: 02:00 becomes 03:00, at 07:00 UTC.
        ("Sunday 02:00-04:00", NEW_YORK, "2026-03-07T00:00", "2026-03-08T07:00", "2026-03-08T08:00"),
        ("Sunday 01:00-02:30", NEW_YORK, "2026-03-07T00:00", "2026-03-08T06:00", "2026-03-08T07:00"),
        ("Sunday 01:00-05:00", NEW_YORK, "2026-03-07T00:00", "2026-03-08T06:00", "2026-03-08T09:00"),
        ("Saturday 22:00-06:00", NEW_YORK, "2026-03-07T00:00", "2026-03-08T03:00", "2026-03-08T10:00"),
        ("Sunday 02:10-02:50", NEW_YORK, "2026-03-07T00:00", "2026-03-15T06:10", "2026-03-15T06:50"),
        # New York 2026-11-01: 02:00 becomes 01:00, at 06:00 UTC.
        ("Sunday 01:00-02:00", NEW_YORK, "2026-10-31T00:00", "2026-11-01T05:00", "2026-11-01T07:00"),
        ("Sunday 00:00-01:30", NEW_YORK, "2026-10-31T00:00", "2026-11-01T04:00", "2026-11-01T05:30"),
        ("Sunday 00:00-04:00", NEW_YORK, "2026-10-31T00:00", "2026-11-01T04:00", "2026-11-01T09:00"),
        # São Paulo 2018-11-04 begins at 01:00, at 03:00 UTC.
        ("Sunday 00:00-02:00", "America/Sao_Paulo", "2018-11-01T00:00", "2018-11-04T03:00", "2018-11-04T04:00"),
        # Apia has no 2011-12-30, a Friday.
        ("Friday 02:00-04:00", "Pacific/Apia", "2011-12-29T00:00", "2012-01-05T12:00", "2012-01-05T14:00"),
    ],
)
def test_the_next_window(text: str, zone: str, after: str, start: str, end: str) -> None:
    assert next_window(parse_window(text, zone), utc(after)) == (utc(start), utc(end))


def test_a_window_contains_its_start_and_not_its_end() -> None:
    window = parse_window("daily 22:00-06:00", "UTC")
    span = (utc("2026-01-01T22:00"), utc("2026-01-02T06:00"))
    assert current_window(window, span[0]) == span
    assert current_window(window, utc("2026-01-02T05:59:59")) == span
    assert contains(window, utc("2026-01-02T00:00"))
    assert not contains(window, span[1])
    assert not contains(window, utc("2026-01-01T21:59:59"))


def test_a_window_into_the_next_day_belongs_to_the_day_on_which_it_starts() -> None:
    window = parse_window("Friday 22:00-06:00", "UTC")
    assert contains(window, utc("2026-01-03T05:00"))  # Saturday morning
    assert not contains(window, utc("2026-01-02T05:00"))  # Friday morning


def test_windows_that_touch_follow_each_other_without_a_hole() -> None:
    window = parse_window("daily 00:00-24:00", NEW_YORK)
    moment, end = utc("2026-03-06T12:00"), utc("2026-11-05T12:00")
    while moment < end:
        span = current_window(window, moment)
        assert span is not None
        assert timedelta(hours=23) <= span[1] - span[0] <= timedelta(hours=25)
        moment = span[1]


def test_a_window_that_never_comes_has_no_next() -> None:
    window = parse_window("daily 01:00-02:00", "UTC")
    last = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert next_window(window, last) is None
    assert current_window(window, last) is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not a window"),
        ("Sunday", "is not a window"),
        ("Sunday 02:00", "is not a window"),
        ("Sunday 25:00-26:00", "has no time of day"),
        ("Sunday 24:00-01:00", "has no time of day"),
        ("Sunday 02:60-04:00", "has no time of day"),
        ("Sunday 02:00-24:30", "has no time of day"),
        ("Sunday 02:00-02:00", "starts when it ends: write 00:00-24:00"),
        ("hourly 02:00-04:00", '"hourly" names no days'),
        ("someday 02:00-04:00", '"someday" names no days'),
        ("x" * 10_000 + " 02:00-04:00", "is not a window"),
    ],
)
def test_what_is_no_window_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        parse_window(text, "UTC")
    assert len(str(caught.value)) < 250


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of the test
    for ask in (contains, current_window, next_window):
        with pytest.raises(ValueError, match="has no time zone"):
            ask(parse_window("daily 01:00-02:00", "UTC"), naive)


@given(st.text(max_size=40))
def test_any_days_are_known_or_refused(text: str) -> None:
    sentence = ""
    try:
        window = parse_window(f"{text} 01:00-02:00", "UTC")
    except ValueError as error:
        sentence = str(error)
    else:
        assert window.start < window.end
    assert sentence.isprintable()


SPANS = st.sampled_from(["01:30-02:30", "02:00-03:00", "22:00-06:00", "00:00-24:00", "02:10-02:20", "23:59-00:01"])
ZONES = st.sampled_from([NEW_YORK, "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Africa/Cairo", "UTC"])


@given(SPANS, ZONES, st.datetimes(datetime(2011, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - naive bounds wanted
def test_the_three_questions_agree(span: str, zone: str, at: datetime) -> None:
    window = parse_window(span, zone)
    following = next_window(window, at)
    assert following is not None
    assert following[0] > at
    assert current_window(window, following[0]) == following
    current = current_window(window, at)
    assert contains(window, at) == (current is not None)
    assert current is None or (current[0] <= at < current[1] <= following[0])
