"""Reports, as far as they are pure: periods, verdicts, parts, plots and their texts."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from xml.etree import ElementTree

import pytest

from keepwell.kernel.comparisons import Unit, parse_comparison
from keepwell.kernel.problems import AskError, UsageError
from keepwell.rooms.reports.kpis import Kpi, is_worse, verdict
from keepwell.rooms.reports.model import Bound, Line, Plot, Report, Span, as_json, from_json
from keepwell.rooms.reports.parts import alerts, backups, capacity, findings, incidents, objectives, tasks
from keepwell.rooms.reports.periods import file_name, parse_period
from keepwell.rooms.reports.plots import svg
from keepwell.rooms.reports.render_html import html
from keepwell.rooms.reports.render_text import text
from keepwell.rooms.reports.sources import (
    Audited,
    BackedUp,
    CheckFacts,
    Done,
    Failed,
    Fired,
    Found,
    Happened,
    Heading,
    Promised,
    Sources,
    Spread,
    Uptime,
)
from keepwell.rooms.reports.work.making import Wanted, make

NOW = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)  # a Wednesday
SPAN = parse_period("week", NOW)
RESPONSE = Kpi("response time", "p95", "latency", *(parse_comparison(one) for one in ("< 50ms", "> 100ms", "> 500ms")))


@pytest.mark.parametrize(
    ("words", "zone", "start", "end"),
    [
        ("day", "UTC", "2026-11-17T10:30:00+00:00", "2026-11-18T10:30:00+00:00"),
        ("week", "UTC", "2026-11-11T10:30:00+00:00", "2026-11-18T10:30:00+00:00"),
        ("14d", "UTC", "2026-11-04T10:30:00+00:00", "2026-11-18T10:30:00+00:00"),
        ("last-day", "UTC", "2026-11-17T00:00:00+00:00", "2026-11-18T00:00:00+00:00"),
        ("last-week", "Europe/Berlin", "2026-11-09T00:00:00+01:00", "2026-11-16T00:00:00+01:00"),
        ("last-month", "Europe/Berlin", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00"),
    ],
)
def test_periods(words: str, zone: str, start: str, end: str) -> None:
    """A month in which clocks go back has an hour more."""
    span = parse_period(words, NOW, zone)
    assert (span.start.isoformat(), span.end.isoformat()) == (start, end)


@pytest.mark.parametrize("words", ["", "fortnight", "0s", "10y", "week; rm -rf /"])
def test_what_is_no_period_is_said(words: str) -> None:
    with pytest.raises(UsageError):
        parse_period(words, NOW)


def test_a_file_is_called_after_the_report() -> None:
    assert file_name("shop/eu", "weekly", SPAN) == "shop-eu-weekly-2026-11-18"


@pytest.mark.parametrize(
    ("value", "word"), [(0.03, "on target"), (0.07, "off target"), (0.2, "warning"), (0.6, "critical"), (None, "not measured")]
)
def test_every_value_has_a_verdict(value: float | None, word: str) -> None:
    """Between the target and the warning lies a band that no manual names: the target is missed there."""
    assert verdict(RESPONSE, value) == word


def test_worse_is_further_the_way_of_the_limits() -> None:
    uptime = Kpi("uptime", "uptime", "api", parse_comparison(">= 99.9%"))
    free = Kpi("free", "min", "free", None, parse_comparison("< 10%"))
    assert is_worse(RESPONSE, 2.0, 1.0)
    assert is_worse(uptime, 0.9, 0.99)
    assert is_worse(free, 0.05, 0.2)


# --- parts ---------------------------------------------------------------------------------------------------------------------


def test_alerts_are_gathered_by_what_they_are_about() -> None:
    hour = timedelta(hours=1)
    fired = [
        Fired("CheckFailed", "critical", "api", NOW - 9 * hour, NOW - 8 * hour, None),
        Fired("CheckFailed", "critical", "api", NOW - 3 * hour, None, NOW - 2 * hour),
        Fired("Slow", "warning", "", NOW - hour, NOW, None),
    ]
    part = alerts.part(fired, NOW)
    assert part.headline == "3 alerts fired, 1 still"
    assert part.state == "fail"
    assert [cell.words for cell in part.tables[0].rows[0]][:6] == ["CheckFailed: api", "critical", "2", "yes", "4 h", "1 of 2"]


def test_missed_tasks_count_each_occasion() -> None:
    done = [
        Done("rotate", NOW, "done", "ok"),
        Done("rotate", NOW, "missed", "Keepwell was not running then", 4),
        Done("a", NOW, "done", ""),
    ]
    part = tasks.part(done)
    assert part.headline == "2 tasks done, 4 missed"
    assert part.sentences == ("rotate of 2026-11-18 10:30 UTC missed: Keepwell was not running then",)
    assert part.tables[0].rows[0][0].words == "rotate"


def test_a_backup_that_was_never_proven_is_no_good_news() -> None:
    proven = BackedUp("a", 7, NOW, 1e6, NOW, 12.0, 3600.0)
    assert backups.part([proven]).state == "ok"
    part = backups.part([proven, BackedUp("b", 7, NOW, 1e6)])
    assert (part.state, part.headline) == ("warn", "1 of 2 backups proven")
    assert "b was never proven" in part.sentences[0]


def test_a_waiver_holds_until_it_expires() -> None:
    waived = Found("ports", "port 9 is open", "warning", NOW, NOW + timedelta(days=1))
    over = Found("ports", "port 7 is open", "critical", NOW, NOW - timedelta(days=1))
    assert findings.part(Audited([waived]), NOW).state == "ok"
    part = findings.part(Audited([waived, over]), NOW)
    assert (part.state, part.headline) == ("fail", "1 finding open, 1 waived")
    assert part.tables[0].rows[0][1].words == "port 7 is open"


def test_an_audit_that_was_not_made_is_no_good_news() -> None:
    part = findings.part(Audited([], {"ports": "ss is missing"}), NOW)
    assert (part.state, part.headline) == ("unknown", "no open finding, 1 audit not made")
    assert part.sentences == ("ports was not made: ss is missing",)
    waived = Found("ports", "port 9 is open", "warning", NOW, NOW + timedelta(days=1))
    assert findings.part(Audited([waived], {"logins": "there is no log"}), NOW).state == "unknown"


def test_a_span_over_a_change_of_the_clock_is_as_long_as_it_was() -> None:
    """On 25 October 2026 the clocks of Berlin are put back."""
    span = parse_period("last-week", datetime(2026, 10, 28, 9, tzinfo=UTC), "Europe/Berlin")
    assert span.seconds == 169 * 3600


def test_incidents_say_how_quickly_they_were_answered() -> None:
    part = incidents.part([Happened(3, "down", "P1", NOW - timedelta(hours=1), NOW - timedelta(minutes=48), None, ("update",))])
    assert (part.state, part.headline) == ("fail", "1 incident, 1 open, 1 clock missed")
    assert [cell.words for cell in part.tables[0].rows[0]][3:] == ["12 min", "not yet", "update"]


def test_promises_without_figures_say_why() -> None:
    part = objectives.part([Promised("api", "availability", ">= 99.9%", "-", None, "no data", why="nobody looked")])
    assert part.state == "unknown"
    assert part.sentences == ("api, availability: nobody looked",)


def test_what_reaches_its_limit_first_comes_first() -> None:
    disk = Kpi("disk", "max", "disk", None, parse_comparison("> 80%"), parse_comparison("> 90%"))
    spread = Spread({"mount": "/"}, 9, {"mean": 0.7, "p95": 0.72, "max": 0.73})
    soon = Heading({}, 0.01, 0.009, 0.011, 0.75, "in", 15.0)
    later = Heading({}, 0.0, 0.0, 0.0, 0.2, "never")
    part = capacity.part([capacity.Grown(disk, "/srv", spread, later), capacity.Grown(disk, "/", spread, soon)], SPAN)
    assert (part.state, part.headline) == ("warn", "1 limit reached within 30 days")
    assert part.sentences[0].startswith("disk (/) reaches > 90% in about 15 days")
    assert [cell.words for cell in part.tables[0].rows[0]][4:] == ["> 90%", "105 %", "in 15 days"]
    assert part.tables[0].rows[1][6].words == "not in sight"


# --- the whole -----------------------------------------------------------------------------------------------------------------


class Measured:
    """Answers for one series."""

    async def uptime(self, check: str, span: Span) -> Uptime:
        return Uptime(check, 0.9987, 604_000, 780, 20, 2, 400)

    async def failed(self, check: str, span: Span) -> Failed:
        return Failed(check, 13, 10_000)

    async def spread(self, selector: str, span: Span) -> Sequence[Spread]:
        if selector == "broken":
            raise AskError("the store does not answer")
        return [Spread({"check": "api"}, 100, {"p95": 0.062, "mean": 0.04, "max": 0.2})]

    async def lines(self, selector: str, span: Span, of: str) -> Sequence[Line]:
        start = span.start.timestamp()
        return [Line("api", tuple((start + 3600.0 * hour, None if hour == 50 else 0.04 + hour / 10_000) for hour in range(168)))]

    async def heading(self, selector: str, span: Span, until: str) -> Sequence[Heading]:
        return [Heading({"check": "api"}, 0.001, 0.0009, 0.0011, 0.06, "in", 440.0)]

    def name_of(self, labels: object) -> str:
        return "api"


def checks() -> Sequence[CheckFacts]:
    return [CheckFacts("api", "http", "ok", NOW, "200")]


async def whole(kind: str = "weekly", service: str = "shop") -> Report:
    broken = Kpi("broken", "p95", "broken", parse_comparison("< 1"))
    wanted = Wanted(kind, kind, "Weekly report", service, SPAN, (RESPONSE, broken), NOW)
    return await make(Sources(checks, Measured()), wanted)


async def test_a_report_says_what_nobody_measured_and_why() -> None:
    report = await whole()
    parts = {part.key: part for part in report.parts}
    assert parts["kpis"].sentences == ("broken was not measured: the store does not answer",)
    assert parts["tasks"].why_not == "the section tasks is not written"
    assert "not measured: the section backups is not written" in text(report)
    assert report.headline.startswith("0 of 2 key figures good; least uptime 99.87 % (api), 2 outages")


async def test_a_report_is_the_same_after_it_was_kept() -> None:
    report = await whole("capacity")
    held = json.loads(json.dumps(as_json(report)))
    assert from_json(held) == report
    assert html(from_json(held)) == html(report)


async def test_html_holds_nothing_that_runs_or_loads() -> None:
    page = html(await whole(service='<script>alert(1)</script>"\u202e'))
    assert "<script>" not in page
    assert "\u202e" not in page
    assert not re.search(r"(?:src|href)=", page)
    assert "default-src 'none'" in unescape(page)


async def test_text_steers_no_terminal() -> None:
    assert "\x1b" not in text(await whole(service="shop\x1b[2J"))


async def test_text_stands_in_columns() -> None:
    lines = text(await whole()).splitlines()
    head = next(line for line in lines if line.startswith("figure"))
    row = next(line for line in lines if line.startswith("response time (p95)"))
    assert row.index("off target") == head.index("verdict")


# --- plots ---------------------------------------------------------------------------------------------------------------------


def plot(values: Sequence[float | None], unit: Unit = Unit.SECONDS, bounds: tuple[Bound, ...] = ()) -> Plot:
    start = SPAN.start.timestamp()
    points = tuple((start + 3600.0 * hour, value) for hour, value in enumerate(values))
    return Plot("a <title>", unit, start, SPAN.end.timestamp(), (Line("x", points),), bounds)


@pytest.mark.parametrize(
    "values",
    [
        *([], [None], [0.0], [1.0], [-5.0, 5.0], [1e-9, 2e-9], [1e300, 2e300], [float("inf"), 1.0], [5.0] * 200, [0.0] * 168),
        *([5e-324], [-1e308, 1e308], [float("nan"), 1.0]),
    ],
)
@pytest.mark.parametrize("unit", list(Unit))
def test_any_values_become_a_picture(values: list[float | None], unit: Unit) -> None:
    drawn = svg(plot(values, unit, (Bound("> 90%", 0.9),)))
    root = ElementTree.fromstring(drawn)
    assert root.attrib["role"] == "img"
    assert "nan" not in drawn
    assert "inf" not in drawn.replace("infinity", "")


def test_a_gap_is_a_gap() -> None:
    assert svg(plot([1.0] * 80 + [None] * 9 + [1.0] * 79)).count("<polyline") == 2
    assert svg(plot([1.0, None, None] * 50)).count("<polyline") == 1


def test_shares_end_at_one() -> None:
    drawn = svg(plot([0.95] * 160, Unit.RATIO, (Bound("> 90%", 0.9), Bound("> 80%", 0.8))))
    assert "100 %" in drawn
    assert "150 %" not in drawn


def test_a_limit_far_above_does_not_press_the_line_down() -> None:
    assert "critical" not in svg(plot([0.01] * 160, bounds=(Bound("critical > 500ms", 0.5),)))
