"""Durations, sizes, percentages and comparisons: what is read, what is refused and with which words, and that writing undoes reading."""

import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.durations import format_duration, parse_duration
from keepwell.kernel.percentages import format_percentage, parse_percentage
from keepwell.kernel.sizes import LARGEST, format_size, parse_size

PARSERS: list[Callable[[str], Any]] = [parse_duration, parse_size, parse_percentage, parse_comparison]
GARBAGE = [
    "",
    " ",
    "\n",
    "5\n5",
    "5m\n\nrm",
    "١٠m",
    "５ＭＢ",
    "²%",
    "1e999999999s",
    "1" * 10_000,
    "1" * 10_000 + "s",
    "9" * 60 + "y",
    "9" * 60 + "PiB",
    "x" * 10_000,
    "-5m",
    "-1B",
    "-80%",
    "5 m 3",
    "1..5s",
    ".5s",
    "5.s",
    "1,5s",
    "nan",
    "inf",
    "NaN%",
    "> nan",
    "> inf",
    "> 1e999",
    "> > 5",
    "=< 5",
    "<> 5",
    "> ",
    ">",
    "5 >",
    "0x10B",
    "1_000B",
    "\0",
    "\ud800",
    "%",
    "% 5",
    "> %",
]


def refusal(parse: Callable[[str], Any], text: str) -> str:
    """The sentence with which a text is refused; empty where it is read."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30s", timedelta(seconds=30)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("100ms", timedelta(milliseconds=100)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(days=14)),
        ("1y", timedelta(days=365)),
        ("1y2w3d4h5m6s7ms", timedelta(days=382, hours=4, minutes=5, seconds=6, milliseconds=7)),
        ("1.5s", timedelta(seconds=1.5)),
        ("0.5ms", timedelta(microseconds=500)),
        (" 5m ", timedelta(minutes=5)),
        ("100 ms", timedelta(milliseconds=100)),
        ("0s", timedelta(0)),
        ("90m", timedelta(minutes=90)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0B", 0),
        ("512B", 512),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1KiB", 1024),
        ("200MB", 200_000_000),
        ("200MiB", 209_715_200),
        ("4GiB", 4_294_967_296),
        ("1.5GB", 1_500_000_000),
        ("1.5KiB", 1536),
        ("0.3KiB", 307),
        ("2 TB", 2 * 10**12),
        ("1PiB", 2**50),
    ],
)
def test_a_size_is_read(text: str, expected: int) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("80%", 0.8), ("99.9%", 0.999), ("7 %", 0.07), ("0%", 0.0), ("150%", 1.5), ("0.01%", 0.0001)]
)
def test_a_percentage_is_read_as_the_nearest_ratio(text: str, expected: float) -> None:
    assert parse_percentage(text) == expected


@pytest.mark.parametrize(
    ("text", "operator", "bound", "unit"),
    [
        ("> 10%", ">", 0.1, Unit.RATIO),
        ("< 30d", "<", 2_592_000, Unit.SECONDS),
        ("> 100ms", ">", 0.1, Unit.SECONDS),
        (">=5", ">=", 5, Unit.NUMBER),
        ("<= 0.5s", "<=", 0.5, Unit.SECONDS),
        ("> 2.5%", ">", 0.025, Unit.RATIO),
        ("= 3", "==", 3, Unit.NUMBER),
        ("== 3", "==", 3, Unit.NUMBER),
        ("!= 0", "!=", 0, Unit.NUMBER),
        ("< 200MB", "<", 2e8, Unit.BYTES),
        ("< 1.5 GiB", "<", 1.5 * 2**30, Unit.BYTES),
        ("> -5", ">", -5, Unit.NUMBER),
        ("> 1e6", ">", 1e6, Unit.NUMBER),
        ("> 5m", ">", 300, Unit.SECONDS),
    ],
)
def test_a_comparison_is_read(text: str, operator: str, bound: float, unit: Unit) -> None:
    comparison = parse_comparison(text)
    assert (comparison.operator, comparison.bound, comparison.unit, comparison.text) == (operator, bound, unit, text)
    assert str(comparison) == text


@pytest.mark.parametrize(
    ("text", "below", "equal", "above"),
    [
        ("> 5", False, False, True),
        (">= 5", False, True, True),
        ("< 5", True, False, False),
        ("<= 5", True, True, False),
        ("= 5", False, True, False),
        ("!= 5", True, False, True),
    ],
)
def test_a_comparison_holds(text: str, below: bool, equal: bool, above: bool) -> None:
    comparison = parse_comparison(text)
    assert (comparison.holds(4), comparison.holds(5), comparison.holds(6)) == (below, equal, above)
    assert comparison.holds(math.nan) == (text == "!= 5")


@pytest.mark.parametrize(
    ("parse", "text", "sentence"),
    [
        (parse_duration, "10", '"10" has no unit: write 10s, 10m, 10h or 10d'),
        (parse_duration, "30m1h", '"30m1h" is not a duration: write amounts with units (y w d h m s ms) such as 30s, 5m, 1h30m or 1.5s'),
        (parse_duration, "1.0000001s", '"1.0000001s" is finer than a microsecond: write at most that much, such as 0.001ms'),
        (parse_duration, "3000000y", '"3000000y" is too long a duration: write at most 2000000y'),
        (parse_size, "200", '"200" has no unit: write 200B, 200MB or 200MiB'),
        (parse_size, "200M", '"200M" has a unit that is no size: write 200MB (powers of 1000) or 200MiB (powers of 1024)'),
        (parse_size, "5 kb", '"5 kb" has a unit that is no size: write 5kB (powers of 1000) or 5KiB (powers of 1024)'),
        (parse_size, "9999PiB", '"9999PiB" is too large a size: write at most 9223372036854775807B (8192PiB less one byte)'),
        (parse_percentage, "0.8", '"0.8" has no percent sign: write 0.8%'),
        (parse_percentage, "most", '"most" is not a percentage: write a number and the sign, such as 80% or 99.9%'),
        (parse_comparison, "10%", '"10%" is not a comparison: write an operator and a quantity, such as > 10%, < 30d, > 100ms or >= 5'),
        (parse_comparison, "> 5M", '"5M" has a unit that is no size: write 5MB (powers of 1000) or 5MiB (powers of 1024)'),
        (parse_comparison, "> 1e999", '"> 1e999" has a number beyond what a computer holds: write one below 1e308'),
    ],
)
def test_a_refusal_says_what_was_seen_and_what_to_write(parse: Callable[[str], Any], text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        parse(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_refused_quickly_in_one_short_printable_line(parse: Callable[[str], Any], text: str) -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match=r".+") as caught:
        parse(text)
    assert time.process_time() - start < 2  # a pattern that explodes takes hours
    assert len(str(caught.value)) < 250
    assert str(caught.value).isprintable()


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[<>=!]{0,2} ?[0-9.eE+-]{1,40} ?[a-zA-Z%]{0,3}", fullmatch=True)))
@example("> 1e308")
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    for parse in PARSERS:
        assert refusal(parse, text).isprintable()


@given(st.timedeltas(min_value=timedelta(0)))
@example(timedelta.max)
@example(timedelta(microseconds=1))
@example(timedelta(days=1, microseconds=1))
def test_a_duration_survives_writing_and_reading(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize("text", ["0s", "30s", "5m", "1h30m", "100ms", "1.5s", "30d", "2w", "1y", "1d12h", "0.005ms"])
def test_a_duration_is_written_as_people_do(text: str) -> None:
    assert format_duration(parse_duration(text)) == text


def test_a_negative_duration_has_no_text() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))


@given(st.integers(0, LARGEST))
@example(LARGEST)
def test_a_size_survives_writing_and_reading(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("text", ["0B", "1kB", "200MB", "4GiB", "1KiB", "1536B", "8TiB"])
def test_a_size_is_written_as_people_do(text: str) -> None:
    assert format_size(parse_size(text)) == text


@pytest.mark.parametrize("size", [-1, LARGEST + 1])
def test_a_size_out_of_range_has_no_text(size: int) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        format_size(size)


@given(st.floats(1e-9, 1e9))
@example(0.0)
@example(0.07)
@example(0.29)
def test_a_ratio_survives_writing_and_reading(ratio: float) -> None:
    assert parse_percentage(format_percentage(ratio)) == ratio


@pytest.mark.parametrize("ratio", [-0.1, math.nan, math.inf])
def test_what_is_no_ratio_has_no_percentage(ratio: float) -> None:
    with pytest.raises(ValueError, match="no percentage"):
        format_percentage(ratio)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.123, Unit.SECONDS, "123 ms"),
        (0.0000123, Unit.SECONDS, "12.3 µs"),
        (1.5, Unit.SECONDS, "1.5 s"),
        (0, Unit.SECONDS, "0 s"),
        (83, Unit.SECONDS, "1 min 23 s"),
        (3600, Unit.SECONDS, "1 h"),
        (29 * 86400 + 4 * 3600, Unit.SECONDS, "29 d 4 h"),
        (-0.25, Unit.SECONDS, "-250 ms"),
        (0.805, Unit.RATIO, "80.5 %"),
        (0.8, Unit.RATIO, "80 %"),
        (0.9999, Unit.RATIO, "99.99 %"),
        (0.00002, Unit.RATIO, "0.002 %"),
        (512 * 2**20, Unit.BYTES, "512 MiB"),
        (1536, Unit.BYTES, "1.5 KiB"),
        (512, Unit.BYTES, "512 B"),
        (2**60, Unit.BYTES, "1024 PiB"),
        (42, Unit.NUMBER, "42"),
        (3.14159265, Unit.NUMBER, "3.14159"),
        (1_234_567, Unit.NUMBER, "1234567"),
        (math.nan, Unit.SECONDS, "not a number"),
        (math.inf, Unit.BYTES, "infinity"),
        (-math.inf, Unit.NUMBER, "minus infinity"),
    ],
)
def test_a_measured_value_is_written_for_people(value: float, unit: Unit, expected: str) -> None:
    assert describe(value, unit) == expected


def test_a_measured_size_is_written_in_the_units_of_its_limit() -> None:
    assert parse_comparison("< 200MB").describe(201_000_000) == "201 MB"
    assert parse_comparison("< 200MiB").describe(201_000_000) == "191.7 MiB"
    assert parse_comparison("> 80%").describe(0.805) == "80.5 %"


@given(st.floats(), st.sampled_from(Unit), st.booleans())
def test_every_measured_value_has_a_short_text(value: float, unit: Unit, decimal: bool) -> None:
    assert 0 < len(describe(value, unit, decimal=decimal)) < 30


@pytest.mark.parametrize(
    ("fail", "warn", "covered"),
    [
        ("> 80%", "> 90%", True),
        ("> 90%", "> 80%", False),
        ("< 30d", "< 7d", True),
        ("< 7d", "< 30d", False),
        ("> 80%", "> 80%", True),
        ("> 5", ">= 5", False),
        (">= 5", "> 5", True),
        ("> 5", "< 9", False),
        ("> 5", "> 9s", False),
        ("== 5", "== 5", False),
    ],
)
def test_a_limit_covers_another(fail: str, warn: str, covered: bool) -> None:
    assert parse_comparison(fail).covers(parse_comparison(warn)) is covered


@given(st.sampled_from(["<", "<=", ">", ">="]), st.integers(-3, 3), st.sampled_from(["<", "<=", ">", ">="]), st.integers(-3, 3))
def test_what_is_covered_is_never_seen_alone(one: str, bound: int, other: str, other_bound: int) -> None:
    fail, warn = parse_comparison(f"{one} {bound}"), parse_comparison(f"{other} {other_bound}")
    alone = [half / 2 for half in range(-12, 13) if warn.holds(half / 2) and not fail.holds(half / 2)]
    if fail.covers(warn):
        assert alone == []
    elif one[0] == other[0]:
        assert alone != []
