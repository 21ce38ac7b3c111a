"""Which values of a check are drawn together, with which limits, and by which selector they are asked for."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.states import State
from keepwell.rooms.checks.charts import MOST_LINES, Chart, as_shown, charts, selector, words
from keepwell.rooms.checks.detail import usual_over
from keepwell.rooms.checks.http.options import HttpOptions
from keepwell.rooms.checks.model import Change, ChangeRow
from keepwell.rooms.checks.thresholds import Line, Threshold, judged_value, line, thresholds
from keepwell.rooms.samples.selectors import read_selector

HTTP = ("dns_seconds", "connect_seconds", "tls_seconds", "first_byte_seconds", "duration_seconds", "status_code", "body_bytes")


def limit(text: str, state: str = "warn", place: str = "") -> Threshold:
    return Threshold(place, state, parse_comparison(text))


def test_phases_are_drawn_together_and_other_values_alone() -> None:
    found = charts((*HTTP, "certificate_days_left"), ())
    assert [(chart.title, chart.unit, chart.names) for chart in found] == [
        ("Latency", "seconds", HTTP[:5]),
        ("Body", "bytes", ("body_bytes",)),
        ("Status code", "number", ("status_code",)),
        ("Certificate days left", "number", ("certificate_days_left",)),
    ]


def test_shares_and_loads_are_drawn_together() -> None:
    found = charts(("disk_used_ratio", "load_1m", "memory_used_ratio", "load_5m", "uptime_seconds"), ())
    assert [(chart.title, len(chart.names)) for chart in found] == [("Uptime", 1), ("Shares", 2), ("Load", 2)]


def test_no_chart_has_more_lines_than_colours() -> None:
    found = charts([f"step_{number}_duration_seconds" for number in range(20)], ())
    assert [len(chart.names) for chart in found] == [MOST_LINES, MOST_LINES, 4]


def test_names_become_those_of_metrics() -> None:
    assert charts(("json_metrics.memory",), ())[0].names == ("json_metrics_memory",)


@pytest.mark.parametrize(
    ("threshold", "names", "value"),
    [
        (limit("> 100ms"), HTTP, "duration_seconds"),
        (limit("< 30d"), ("expires_in_seconds", "days_left", "connect_seconds"), "expires_in_seconds"),
        (limit("< 30d", place="certificate"), (*HTTP, "certificate_days_left"), "certificate_days_left"),
        (limit("> 80%"), ("disk_used_ratio", "disk_inodes_used_ratio"), "disk_used_ratio"),
        (limit("> 80%", place="memory"), ("memory_used_ratio", "cpu_used_ratio"), "memory_used_ratio"),
        (limit("> 80%", place="memory"), ("memory_used_ratio", "memory_fragmentation_ratio"), None),
        (limit("> 5", place="value"), ("value", "duration_seconds"), "value"),
        (limit("> 5"), HTTP, "status_code"),
        (limit("> 1MB"), ("duration_seconds",), None),
    ],
)
def test_a_limit_is_drawn_where_names_tell_what_it_judges(threshold: Threshold, names: tuple[str, ...], value: str | None) -> None:
    assert judged_value(threshold, names) == value


def test_a_limit_is_a_line_in_the_unit_of_its_chart() -> None:
    assert line(limit("> 100ms"), "duration_seconds") == Line("warn", 0.1, "> 100ms")
    assert line(limit("< 30d"), "certificate_days_left") == Line("warn", 30.0, "< 30d")
    found = charts(HTTP, (limit("> 100ms"), limit("> 500ms", "fail")))
    assert [one.bound for one in found[0].lines] == [0.1, 0.5]
    assert not any(chart.lines for chart in found[1:])


def test_limits_are_found_wherever_options_hold_them() -> None:
    options = HttpOptions.model_validate(
        {
            "url": "http://a.example",
            "warn": "> 100ms",
            "certificate": {"fail": "< 7d"},
            "steps": ({"name": "login", "path": "/", "warn": "> 1s"},),
        }
    )
    assert [(one.place, one.state, one.limit.text) for one in thresholds(options)] == [
        ("", "warn", "> 100ms"),
        ("certificate", "fail", "< 7d"),
        ("steps.1", "warn", "> 1s"),
    ]


@pytest.mark.parametrize("name", ["health", 'a"b\\c', "new\nline", "größe \u202e", "a|b.c*(d)"])
def test_a_selector_means_its_labels_and_nothing_else(name: str) -> None:
    matchers = read_selector(selector({"check": name}, ("dns_seconds", "body_bytes")))
    assert [(one.label, one.operator, one.value) for one in matchers] == [
        ("check", "=", name),
        ("__name__", "=~", "dns_seconds|body_bytes"),
    ]


def test_a_chart_is_handed_to_its_template_as_text() -> None:
    shown = as_shown(Chart("Latency", "seconds", ("a_seconds",), (Line("fail", 0.5, "> 500ms"),)), "health")
    assert json.loads(shown["names"]) == ["a_seconds"]
    assert json.loads(shown["lines"]) == [{"state": "fail", "bound": 0.5, "text": "> 500ms"}]
    assert shown["match"] == '{check="health",__name__=~"a_seconds"}'


@pytest.mark.parametrize(
    ("name", "title"), [("body_bytes", "Body"), ("first_byte_seconds", "First byte"), ("_seconds", "Seconds"), ("", "")]
)
def test_a_value_has_a_title(name: str, title: str) -> None:
    assert words(name) == title


@pytest.mark.parametrize(("ages", "over"), [([], "24h"), ([0.2], "1h"), ([0.1, 0.5], "1h"), ([0.1, 3], "6h"), ([2, 7], "24h")])
def test_a_check_that_is_new_is_drawn_from_its_beginning(ages: list[float], over: str) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    befores = [State.OK] * (len(ages) - 1) + [None]
    changes = [
        ChangeRow(number, "health", Change(now - timedelta(hours=age), before, State.FAIL, ""))
        for number, (age, before) in enumerate(zip(ages, befores, strict=False))
    ]
    assert usual_over(changes, now) == over
    assert usual_over([row for row in changes if row.change.before], now) == "24h", "its first look is on another page"
