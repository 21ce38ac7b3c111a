"""Limits, durations and figures in the words of manuals."""

import time

import pytest

from keepwell.kernel.comparisons import parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.rooms.manual.importing.limits_in_words import duration_in, figure_in, limit_in_cell, limits_in, metric_of, state_in


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Response Time: Target < 2000ms", ["response time < 2000ms"]),
        ("Keep response times under 2 seconds", ["response times < 2s"]),
        ("Error rate >10% for >5 minutes", ["error rate > 10% for 5m"]),
        ("Critical: latency > 5s, CPU > 95%", ["latency > 5s", "cpu > 95%"]),
        ("Memory > 85% or CPU > 90% for at least 10 min", ["memory > 85%", "cpu > 90% for 10m"]),
        ("Free space drops below 20 GB", ["free space < 20GB"]),
        ("connections: < 80% of max connections", ["connections < 80% of max connections"]),
        ("when heap usage is greater than 1,500 MB", ["heap usage > 1500MB"]),
        ("the queue holds at least 50 jobs", ["queue holds >= 50"]),
        ("Response time < 2 seconds for 95th percentile", ["95th percentile response time < 2s"]),
        ("Application down for >2 minutes", []),
        ("95th percentile > 5 seconds for 5 minutes", ["95th percentile > 5s for 5m"]),
        ("Queue length > 100 mails for 10 minutes", ["queue length > 100 for 10m"]),
        ("free disk space below 10%", ["disk space > 90%"]),
        ("Free memory below 200 MB for 5+ minutes", ["free memory < 200MB for 5m"]),
        ("Response time >95th percentile for >10 minutes", []),
        ("more than 5% of calls failed", []),
        ("see section 5.2 and page 7", []),
    ],
)
def test_conditions(text: str, words: list[str]) -> None:
    limits = limits_in(text)
    assert [limit.words for limit in limits] == words
    for limit in limits:
        parse_comparison(limit.comparison)
        assert not limit.over or parse_duration(limit.over)


def test_a_target_is_broken_on_its_other_side() -> None:
    (target,) = limits_in("CPU usage: target < 70%")
    assert (target.metric, target.broken.comparison, target.broken.words) == ("cpu", "> 70%", "cpu usage > 70%")


@pytest.mark.parametrize(
    ("words", "metric"),
    [
        ("CPU Usage", "cpu"),
        ("average memory utilization", "memory"),
        ("Disk space", "disk"),
        ("API response time", "response time"),
        ("p99 latency", "p99 latency"),
        ("Redis memory", "redis memory"),
        ("Active connections", "connections"),
        ("Uptime", "availability"),
    ],
)
def test_only_the_plain_figure_gets_its_usual_name(words: str, metric: str) -> None:
    assert metric_of(words) == metric


@pytest.mark.parametrize(
    ("cell", "rising", "limit"),
    [
        ("<50ms", True, "< 50ms"),
        ("> 80% of max", True, "> 80%"),
        ("80 %", True, "> 80%"),
        ("99.5%", False, "< 99.5%"),
        ("100", True, "> 100"),
        ("5 per minute", True, ""),
        ("> 95th", True, ""),
        ("< 20% free", True, "> 80%"),
        ("n/a", True, ""),
    ],
)
def test_cells(cell: str, rising: bool, limit: str) -> None:
    found = limit_in_cell("disk", cell, rising)
    assert (found.comparison if found else "") == limit


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("15 minutes", "15m"),
        ("within 4 hours", "4h"),
        ("Immediate", "0m"),
        ("24/7", ""),
        ("next day", ""),
        ("a 30-minute talk", "30m"),
        ("80%", ""),
    ],
)
def test_durations(text: str, duration: str) -> None:
    assert duration_in(text) == duration


def test_figures_and_states() -> None:
    assert figure_in("we promise 99.95 % a month") == "99.95%"
    assert figure_in("nothing") == ""
    assert state_in("The importer is not responding for more than 90 seconds") == ("importer is not responding", "90s")
    assert state_in("The importer is down") == ("", "")


def test_hostile_text_takes_no_time() -> None:
    began = time.monotonic()
    for text in ("a " * 200_000, ">" * 200_000, "a" * 200_000 + " > 5", "( " * 200_000, "1" * 200_000, "< " * 200_000):
        limits_in(text)
        limit_in_cell("x", text)
        duration_in(text)
        figure_in(text)
        state_in(text)
    assert time.monotonic() - began < 3
