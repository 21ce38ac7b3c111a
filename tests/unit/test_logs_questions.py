"""When lines were written, and what they are counted by."""

from datetime import UTC, datetime

import pytest

from keepwell.rooms.logs.questions.groups import grouped
from keepwell.rooms.logs.questions.stamps import NEVER, Stamps
from keepwell.rooms.logs.questions.table import column_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
AT = int(datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("line", "zone"),
    [
        ("[2026-03-02 08:00:05] ERROR - lost", "UTC"),
        ("2026-03-02T08:00:05.123456Z ERROR", "Europe/Berlin"),
        ("2026-03-02T10:00:05,1+02:00 ERROR", "UTC"),
        ("2026-03-02T03:30:05-0430 ERROR", "UTC"),
        ("2026-03-02 09:00:05 in winter", "Europe/Berlin"),
        ('1.2.3.4 - - [02/Mar/2026:09:00:05 +0100] "GET /"', "UTC"),
        ("2026/03/02 08:00:05 [error] 7#7: *1 open() failed", "UTC"),
        ("Mar  2 08:00:05 host sshd[1]: Failed password", "UTC"),
    ],
)
def test_an_instant_is_read_as_it_is_written(line: str, zone: str) -> None:
    assert Stamps(zone, NOW).of(column_of(line)).tolist() == [AT]


def test_a_line_without_a_time_has_that_of_the_one_before_it() -> None:
    stamps = Stamps("UTC", NOW)
    text = "begun\n2026-03-02 08:00:05 one\n  more\n2026-13-01 08:00:05 no such month"
    assert stamps.of(column_of(text)).tolist() == [NEVER, AT, AT, AT]
    assert stamps.of(column_of("in the next block\n2026-03-02 08:00:06 two")).tolist() == [AT, AT + 1]


def test_a_time_that_its_zone_has_twice_is_the_first() -> None:
    autumn = int(datetime(2026, 10, 25, 0, 30, tzinfo=UTC).timestamp())
    assert Stamps("Europe/Berlin", NOW).of(column_of("2026-10-25 02:30:00 twice")).tolist() == [autumn]


@pytest.mark.parametrize(
    ("by", "line", "expected"),
    [
        ("line", " a b ", " a b "),
        ("field 2", "  a   b c", "b"),
        ("field 4", "a b c", None),
        ("field NF", "a b c ", "c"),
        ("fields 1-2", "a  b c", "a  b"),
        ("fields 2-", "a b c", "b c"),
        ("fields 1,3", "a b c", "a c"),
        ("status", 'x "status": "500", y', "500"),
        ("status", "laststatus=3 status=404;", "404"),
        ("message", "[2026-03-02 08:00:05] ERROR - device 17 at 0xFFEE: 12.5ms", "ERROR - device # at *: #ms"),
        ("message", "Mar  2 08:00:05 host: id 123e4567-e89b-12d3-a456-426614174000 gone", "host: id * gone"),
    ],
)
def test_what_a_line_is_counted_by(by: str, line: str, expected: str | None) -> None:
    assert grouped(column_of(line), by).to_pylist() == [expected]


def test_times_without_a_year_are_never_those_of_a_day_that_is_to_come() -> None:
    stamps = Stamps("UTC", datetime(2026, 1, 2, tzinfo=UTC))
    old, new = (int(datetime(*day, 10, tzinfo=UTC).timestamp()) for day in ((2025, 12, 20), (2026, 1, 1)))
    assert stamps.of(column_of("Dec 20 10:00:00 host: old\nJan  1 10:00:00 host: new")).tolist() == [old, new]
    # A clock that is a little ahead at midnight, and a day that only one of the two years has.
    late = Stamps("UTC", datetime(2028, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert late.of(column_of("Jan  1 00:00:01 host: ahead")).tolist() == [int(datetime(2029, 1, 1, 0, 0, 1, tzinfo=UTC).timestamp())]
    assert late.of(column_of("Feb 29 00:00:00 host: leap")).tolist() == [int(datetime(2028, 2, 29, tzinfo=UTC).timestamp())]


def test_a_time_in_an_address_is_not_taken_for_that_of_the_line() -> None:
    line = '1.2.3.4 - - [02/Mar/2026:08:00:0{} +0000] "GET /{} HTTP/1.1" 200'
    text = "\n".join([line.format(5, "?from=2020-01-01T00:00:00Z"), line.format(6, "")])
    assert Stamps("UTC", NOW).of(column_of(text)).tolist() == [AT, AT + 1]
