"""Plots of series with characters: what is drawn where, the axes, the legend."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.comparisons import Unit
from keepwell.rooms.promql.terminal.axes import scale, time_label, time_ticks, value_labels
from keepwell.rooms.promql.terminal.canvas import Canvas
from keepwell.rooms.promql.terminal.plot import MOST, Frame, Line, plot

HOUR = 3600.0
NOON = 1_790_000_000 // 86_400 * 86_400 + 43_200.0


def frame(**more: object) -> Frame:
    """An hour, a value a minute, 60 columns."""
    return Frame(**{"start": NOON, "end": NOON + HOUR, "step": 60.0, "unit": Unit.NUMBER, "width": 60, "height": 10, **more})  # type: ignore[arg-type]


def line(name: str, *values: float) -> Line:
    """So many values from the start on."""
    return Line(name, [(NOON + 60 * number, value) for number, value in enumerate(values)])


def test_a_rising_line_runs_from_the_lower_left_to_the_upper_right() -> None:
    drawn = plot([line("up", *range(61))], frame())
    rows = [row.partition("|")[2] or row.partition("+")[2] for row in drawn[:10]]
    columns = [(number, row.index("*")) for number, row in enumerate(rows) if "*" in row]
    assert columns[0][1] > columns[-1][1] == 0
    assert all(above[1] > below[1] for above, below in pairwise(columns))
    assert drawn[-1] == "* up  last 60, least 0, greatest 60"


def test_without_braille_everything_is_ascii() -> None:
    drawn = plot([line("a", 1, 2, 3), line("b", 3, 2, 1)], frame())
    assert all(row.isascii() for row in drawn)
    assert any("*" in row for row in drawn[:10])
    assert any("+" in row.partition("|")[2] for row in drawn[:10])


def test_a_fine_plot_has_dots_and_boxes_and_colours_each_line() -> None:
    drawn = plot([line("a", 1, 2, 3), line("b", 3, 2, 1)], frame(is_fine=True, colours=True))
    text = "\n".join(drawn)
    assert any("\u2800" < character <= "\u28ff" for character in text)
    assert "└" in text
    assert "\x1b[36m" in text
    assert "\x1b[33m" in text


def test_dots_without_colours_are_for_one_line_only() -> None:
    one, two = (plot([line(name, 1, 2) for name in names], frame(is_fine=True)) for names in ("a", "ab"))
    assert any("\u2800" < character <= "\u28ff" for character in "".join(one))
    assert not any("\u2800" < character <= "\u28ff" for character in "".join(two))


def test_nothing_is_drawn_across_a_gap() -> None:
    points = [(NOON, 5.0), (NOON + 60, 5.0), (NOON + 3000, 5.0), (NOON + 3060, 5.0)]
    drawn = plot([Line("gap", points)], frame())
    row = next(row for row in drawn if "*" in row)
    assert 2 <= row.count("*") <= 6
    assert " " * 30 in row.strip()


def test_values_that_are_not_finite_are_counted_and_left_out() -> None:
    drawn = plot([line("odd", 1.0, math.nan, math.inf, 2.0)], frame())
    assert drawn[-1] == "* odd  last 2, least 1, greatest 2, 2 NaN or infinite, not drawn"


def test_without_a_finite_value_it_says_so() -> None:
    assert plot([line("none", math.inf)], frame()) == ["* none  1 NaN or infinite, not drawn", "there is no finite value to draw"]


def test_of_very_many_series_some_are_drawn_and_the_rest_is_counted() -> None:
    drawn = plot([line(f"s{number}", number) for number in range(MOST + 5)], frame())
    assert drawn[-1].startswith("5 more series are not drawn")
    assert sum(row.split("  ")[0].endswith(f" s{number}") for row in drawn for number in range(MOST + 5)) == MOST


def test_no_row_of_the_drawing_is_wider_than_the_frame() -> None:
    for width in (30, 80, 200):
        drawn = plot([line("a", *range(61))], frame(width=width))
        assert max(map(len, drawn[:11])) <= width


@pytest.mark.parametrize(
    ("low", "high", "unit", "labels"),
    [
        (0.0, 9.3, Unit.NUMBER, ["0", "5", "10"]),
        (0.12, 0.31, Unit.NUMBER, ["0.0", "0.2", "0.4"]),
        (98.0, 99.5, Unit.NUMBER, ["98", "99", "100"]),
        (3e9, 4.5e9, Unit.BYTES, ["2 GiB", "4 GiB", "6 GiB"]),
        (0.0, 7000.0, Unit.SECONDS, ["0 s", "1 h", "2 h"]),
        (0.1, 0.9, Unit.RATIO, ["0 %", "50 %", "100 %"]),
        (-3.0, 3.0, Unit.NUMBER, ["-5", "0", "5"]),
        (7.0, 7.0, Unit.NUMBER, ["6", "7", "8"]),
    ],
)
def test_ticks_are_round(low: float, high: float, unit: Unit, labels: list[str]) -> None:
    found = scale(low, high, 3, unit)
    assert list(value_labels(found, unit)) == labels


@given(
    low=st.floats(allow_nan=False, allow_infinity=False),
    high=st.floats(allow_nan=False, allow_infinity=False),
    most=st.integers(3, 12),
    unit=st.sampled_from(Unit),
)
def test_any_values_have_a_scale_that_holds_them(low: float, high: float, most: int, unit: Unit) -> None:
    low, high = sorted((low, high))
    found = scale(low, high, most, unit)
    assert 2 <= len(found.ticks) <= most
    assert len(value_labels(found, unit)) == len(found.ticks)
    assert -0.01 <= found.share(low) <= found.share(high) <= 1.01


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (60, ["12:00:00", "12:00:30", "12:01:00"]),
        (HOUR, ["12:00", "12:20", "12:40", "13:00"]),
        (86_400 + 7200, ["09-21 12:00", "09-22 00:00", "09-22 12:00"]),
        (3 * 86_400, ["09-22", "09-23", "09-24"]),
        (30 * 86_400, ["09-24", "10-04", "10-14"]),
        (2 * 365 * 86_400, ["2027-03-03", "2027-08-30"]),
    ],
)
def test_times_are_round_and_as_long_as_needed(length: float, labels: list[str]) -> None:
    ticks, form = time_ticks(NOON, NOON + length, 4)
    told = [time_label(at, form) for at in ticks]
    assert len(told) <= 4
    assert [label for label in labels if label in told] == labels, told


def test_a_canvas_keeps_to_its_edges() -> None:
    canvas = Canvas(4, 2, is_fine=True)
    canvas.stroke((-50, -50), (50, 50), 0)
    assert max(len(canvas.row(number, colours=False)) for number in range(2)) <= 4
    assert canvas.row(0, colours=False)[0] == chr(0x2800 + 0x01 + 0x10)
