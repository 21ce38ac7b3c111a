"""The tree of routes, time intervals, inhibition and silences, and the sections that say them."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from keepwell.kernel.problems import ConfigurationError
from keepwell.kernel.windows import parse_window
from keepwell.rooms.alerts.fingerprint import fingerprint
from keepwell.rooms.alerts.matchers import fits_all, parse_matchers
from keepwell.rooms.alerts.model import Alert, Labels, Silence, State
from keepwell.rooms.alerts.routing import offer
from keepwell.rooms.alerts.routing.inhibition import Inhibitor
from keepwell.rooms.alerts.routing.interval_words import read_days, read_months, read_times, read_weekdays, read_years
from keepwell.rooms.alerts.routing.intervals import is_open, muted_at, muting_names
from keepwell.rooms.alerts.routing.model import InhibitRule, Interval, Route, Span, TimeInterval, WindowMute
from keepwell.rooms.alerts.routing.silencing import Silencer, muting_window
from keepwell.rooms.alerts.routing.tree import group_digest, group_key, group_labels, routes_of
from tests.alerts_timeline import operations, routing_in

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

RECEIVERS = "receivers:\n" + "".join(f'  {name}: {{webhook: {{url: "http://127.0.0.1:1/"}}}}\n' for name in "abcd")


def alert(number: int, /, **labels: str) -> Alert:
    return Alert(number, fingerprint(labels), labels, {}, "api", State.FIRING, NOW, NOW, NOW)


def told(root: Route, **labels: str) -> list[str]:
    return [route.receiver for route in routes_of(root, labels)]


# --- the tree ------------------------------------------------------------------------------------------------------------------

TREE = """\
routes:
  receiver: a
  group_by: [alertname]
  routes:
    - matchers: [team=x]
      receiver: b
      routes:
        - {matchers: ['severity="critical"'], receiver: [c, d], repeat_interval: 1h, group_by: ["..."]}
        - {matchers: [night=yes], continue: true, group_wait: 0s}
        - {matchers: [night=yes], receiver: d}
    - {matchers: ['team=~"y|z"'], continue: true, receiver: c}
    - {matchers: [team=z], receiver: d, routes: [{matchers: [night=yes], group_interval: 1m}]}
"""


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({}, ["a"]),
        ({"team": "x"}, ["b"]),
        ({"team": "x", "severity": "critical"}, ["c", "d"]),
        ({"team": "x", "severity": "critical", "night": "yes"}, ["c", "d"]),  # the first that fits
        ({"team": "x", "night": "yes"}, ["b", "d"]),
        ({"team": "y"}, ["c"]),
        ({"team": "z"}, ["c", "d"]),
        ({"team": "xy"}, ["a"]),
    ],
)
def test_an_alert_takes_the_routes_that_fit(tmp_path: Path, labels: dict[str, str], wanted: list[str]) -> None:
    assert told(routing_in(tmp_path, RECEIVERS + TREE).root, **labels) == wanted


def test_a_route_has_what_the_one_above_says(tmp_path: Path) -> None:
    root = routing_in(tmp_path, RECEIVERS + TREE).root
    critical, other = routes_of(root, {"team": "x", "severity": "critical"})
    assert (critical.group_by, critical.group_wait, critical.repeat_interval) == (None, timedelta(seconds=30), timedelta(hours=1))
    assert (critical.key, other.key) == ('{}/{team="x"}/{severity="critical"}',) * 2
    assert critical.path != other.path
    (deep,) = [route for route in routes_of(root, {"team": "z", "night": "yes"}) if route.receiver == "d"]
    assert (deep.group_by, deep.group_interval) == (("alertname",), timedelta(minutes=1))


def test_groups_have_the_key_of_alertmanager() -> None:
    route = Route('{}/{a=~"x"}', '{}/{a=~"x"}', "r", fits_all(()), ("b", "alertname"))
    labels = group_labels(route, {"alertname": 'say "é"\n', "b": "1", "c": "2"})
    assert labels == {"alertname": 'say "é"\n', "b": "1"}
    assert group_key(route, labels) == '{}/{a=~"x"}:{alertname="say \\"é\\"\\n", b="1"}'


def test_equal_routes_have_groups_of_their_own(tmp_path: Path) -> None:
    text = RECEIVERS + "routes: {receiver: a, routes: [{matchers: [x=y], receiver: b, continue: true}, {matchers: [x=y], receiver: c}]}\n"
    first, second = routes_of(routing_in(tmp_path, text).root, {"x": "y"})
    assert first.key == second.key
    assert group_digest(first, {}) != group_digest(second, {})


def test_a_route_keeps_its_groups_when_others_come_and_go(tmp_path: Path) -> None:
    text = RECEIVERS + "routes: {receiver: a, routes: [%s{matchers: [x=y], receiver: b}]}\n"
    before, after = (routing_in(tmp_path, text % more).root for more in ("", "{matchers: [z=1], receiver: c}, "))
    assert group_digest(routes_of(before, {"x": "y"})[0], {}) == group_digest(routes_of(after, {"x": "y"})[0], {})


def test_without_receivers_nobody_is_told(tmp_path: Path) -> None:
    assert told(routing_in(tmp_path, "").root, a="b") == []


def test_without_a_receiver_the_root_tells_all_and_its_routes_whom_they_name(tmp_path: Path) -> None:
    root = routing_in(tmp_path, RECEIVERS + "routes: {group_wait: 1s, routes: [{matchers: [x=y], receiver: b}]}\n").root
    assert told(root, x="y") == ["b"]
    assert told(root) == ["a", "b", "c", "d"]
    assert root.group_by == ("service", "alertname")


@pytest.mark.parametrize(
    ("said", "group_by"),
    [("", ("service", "alertname")), (", group_by: []", ()), (", group_by: [x]", ("x",)), (", group_by: [...]", None)],
)
def test_what_alerts_are_grouped_by(tmp_path: Path, said: str, group_by: tuple[str, ...] | None) -> None:
    assert routing_in(tmp_path, RECEIVERS + f"routes: {{receiver: a{said}}}\n").root.group_by == group_by


# --- the sections --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("routes: {receiver: e}", '3:20 "e" is not one of the receivers'),
        ("routes: {receiver: [a, e]}", '3:24 "e" is not one of the receivers'),
        ("routes: {matchers: [a=b]}", '3:10 "matchers" is not a key that is known here'),
        ("routes: {receiver: a, group_by: [..., b]}", "... alone means all of them"),
        ("routes: {receiver: a, group_by: [b, c, b]}", "group_by names b twice"),
        ("routes: {receiver: a, group_interval: 0s}", "3:39 this is no length of time"),
        ("routes: {receiver: a, repeat_interval: 0s}", "3:40 this is no length of time"),
        ("routes: {receiver: a, routes: [{matchers: ['a=~\"(\"']}]}", "is no RE2 expression"),
        ("routes: {receiver: a, routes: [{matchers: ['a']}]}", '3:44 "a" is no matcher'),
        ("routes: {receiver: a, routes: [{mute_time_intervals: [night]}]}", '"night" is not one of the time_intervals'),
        ("routes: {receiver: a, escalate: boss}", '"boss" is not one of the escalations'),
        ("inhibit_rules: [{source_matchers: ['a=\"']}]", "lacks its second double quote"),
        ("time_intervals: {x: {weekdays: [monday]}}", "expected a list of intervals"),
        ("time_intervals: {x: [{weekdays: [mo]}]}", "is not a day of the week"),
        ("time_intervals: {x: [{location: Mars}]}", "is no time zone"),
        ("time_intervals: {x: [{times: [{start_time: '10:00', end_time: '09:00'}]}]}", "10:00 is not before 09:00"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        operations(tmp_path, text + "\n" + RECEIVERS)
    said = [f"{one.where.line}:{one.where.column} {one.message}" for one in caught.value.problems if one.where]
    assert any(problem in one for one in said), said


def test_windows_mute_by_matchers_that_are_checked(tmp_path: Path) -> None:
    found = operations(tmp_path, "windows: {w: {on: daily 02:00-04:00, mutes: ['a=\"']}}\n")
    with pytest.raises(ConfigurationError, match=r"windows\.w\.mutes"):
        offer.check(found, found.options("windows"))
    found = operations(tmp_path, "windows: {w: {on: daily 02:00-04:00}}\ntime_intervals: {w: [{months: [5]}]}\n")
    with pytest.raises(ConfigurationError, match="a window and of a time interval"):
        offer.check(found, found.options("windows"))


# --- time intervals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "text", "wanted"),
    [
        (TimeInterval(), "2026-03-02 08:00", True),
        (TimeInterval(times=(read_times("08:00", "17:00"),)), "2026-03-02 08:00", True),
        (TimeInterval(times=(read_times("08:00", "17:00"),)), "2026-03-02 16:59", True),
        (TimeInterval(times=(read_times("08:00", "17:00"),)), "2026-03-02 17:00", False),
        (TimeInterval(times=(read_times("22:00", "24:00"), read_times("00:00", "06:00"))), "2026-03-02 23:59", True),
        (TimeInterval(weekdays=(read_weekdays("monday:friday"),)), "2026-03-01 12:00", False),
        (TimeInterval(weekdays=(read_weekdays("Sunday"),)), "2026-03-01 12:00", True),
        (TimeInterval(days_of_month=(read_days("1:3"),)), "2026-03-03 12:00", True),
        (TimeInterval(days_of_month=(read_days("1:3"),)), "2026-03-04 12:00", False),
        (TimeInterval(days_of_month=(read_days("-3:-1"),)), "2026-02-26 12:00", True),
        (TimeInterval(days_of_month=(read_days("-3:-1"),)), "2026-02-25 12:00", False),
        (TimeInterval(days_of_month=(read_days("-1"),)), "2028-02-29 12:00", True),
        (TimeInterval(days_of_month=(read_days("28:31"),)), "2026-02-28 12:00", True),
        (TimeInterval(days_of_month=(read_days("30:31"),)), "2026-02-28 12:00", False),
        (TimeInterval(days_of_month=(read_days("-31:-28"),)), "2026-02-01 12:00", True),
        (TimeInterval(days_of_month=(read_days("1:-1"),)), "2026-02-28 12:00", True),
        (TimeInterval(months=(read_months("december"), read_months("1:march"))), "2026-03-31 12:00", True),
        (TimeInterval(months=(read_months("december"), read_months("1:march"))), "2026-04-01 12:00", False),
        (TimeInterval(years=(read_years("2025:2026"),)), "2026-12-31 23:59", True),
        (TimeInterval(years=(read_years("2025"),)), "2026-01-01 00:00", False),
        (TimeInterval(times=(read_times("09:00", "10:00"),), zone=ZoneInfo("Europe/Berlin")), "2026-03-02 08:30", True),
        (TimeInterval(times=(read_times("09:00", "10:00"),), zone=ZoneInfo("Europe/Berlin")), "2026-07-02 08:30", False),
        (TimeInterval(weekdays=(read_weekdays("tuesday"),), zone=ZoneInfo("Asia/Tokyo")), "2026-03-02 16:00", True),
    ],
)
def test_an_interval_is_open_while_all_of_it_holds(interval: TimeInterval, text: str, wanted: bool) -> None:
    at = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert is_open([interval], at) is wanted
    assert is_open([TimeInterval(years=(Span(1999, 1999),)), interval], at) is wanted


@pytest.mark.parametrize(
    "text", ["0", "32", "-32", "3:2", "-1:-3", "-3:3", "-1:31", "5:-28", "x", "", "1:", "1:2:3", "1.5"], ids=lambda text: text or "empty"
)
def test_days_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|begins|ends"):
        read_days(text)


@pytest.mark.parametrize(("start", "end"), [("9:00", "10:00"), ("24:00", "24:00"), ("10:00", "10:00"), ("08:60", "09:00"), ("", "09:00")])
def test_times_that_are_none_are_refused(start: str, end: str) -> None:
    with pytest.raises(ValueError, match=r"no time of day|is not before"):
        read_times(start, end)


def test_a_route_says_why_it_is_muted() -> None:
    office = [TimeInterval(times=(read_times("09:00", "17:00"),))]
    early = parse_window("daily 07:00-09:00", "UTC")
    intervals: dict[str, Interval] = {"office": office, "early": early}
    muted = Route("{}", "{}", "r", fits_all(()), mute_time_intervals=("office", "early"))
    active = Route("{}", "{}", "r", fits_all(()), active_time_intervals=("office",))
    assert muted_at(muted, intervals, NOW) == "the time interval early mutes this route"
    assert muting_names(muted, intervals, NOW) == ["early"]
    assert muted_at(active, intervals, NOW) == "this route is active in office only"
    assert muting_names(active, intervals, NOW) == ["office"]
    later = NOW + timedelta(hours=10)
    assert (muted_at(muted, intervals, later), muting_names(muted, intervals, later)) == ("", [])
    assert muted_at(active, intervals, NOW + timedelta(hours=2)) == ""


def test_a_window_mutes_by_labels() -> None:
    mutes = [WindowMute("w", parse_window("Monday 07:00-09:00", "UTC"), parse_matchers('service=~"api|web"'))]
    assert muting_window(mutes, {"service": "api"}, NOW) == "window w"
    assert muting_window(mutes, {"service": "db"}, NOW) == ""
    assert muting_window(mutes, {"service": "api"}, NOW + timedelta(hours=1)) == ""


# --- inhibition ----------------------------------------------------------------------------------------------------------------


def rule(source: str, target: str, *equal: str, but: tuple[str, ...] = ()) -> InhibitRule:
    return InhibitRule(parse_matchers(source), parse_matchers(target), equal, frozenset(but))


def test_the_same_values_are_needed_and_absent_ones_are_the_same() -> None:
    down = alert(1, severity="critical", zone="x")
    nowhere = alert(2, severity="critical")
    inhibitor = Inhibitor([rule("severity=critical", "severity=warning", "zone")], [down, nowhere])
    assert inhibitor.inhibited_by(alert(3, severity="warning", zone="x")) == down
    assert inhibitor.inhibited_by(alert(4, severity="warning", zone="y")) is None
    assert inhibitor.inhibited_by(alert(5, severity="warning")) == nowhere
    assert inhibitor.inhibited_by(alert(6, severity="critical", zone="x")) is None
    inhibitor.remove(down)
    inhibitor.remove(down)
    assert inhibitor.inhibited_by(alert(3, severity="warning", zone="x")) is None


def test_what_is_source_and_target_is_muted_by_sources_only() -> None:
    """Two alerts that each fit both sides do not silence one another (inhibit.go: excludeTwoSidedMatch)."""
    rules = [rule('a="1"', 'b="1"', "zone")]
    both, other, source = alert(1, a="1", b="1"), alert(2, a="1", b="1", c="1"), alert(3, a="1")
    inhibitor = Inhibitor(rules, [both, other])
    assert inhibitor.inhibited_by(both) is None
    assert inhibitor.inhibited_by(alert(4, b="1")) in (both, other)
    inhibitor.add(source)
    assert inhibitor.inhibited_by(both) == source


def test_all_labels_but_some_may_have_to_be_the_same() -> None:
    bad = alert(1, kpi="errors", severity="critical", host="1")
    inhibitor = Inhibitor([rule('severity="critical"', 'severity="warning"', but=("severity",))], [bad])
    assert inhibitor.inhibited_by(alert(2, kpi="errors", severity="warning", host="1")) == bad
    assert inhibitor.inhibited_by(alert(3, kpi="errors", severity="warning", host="2")) is None
    assert inhibitor.inhibited_by(alert(4, kpi="errors", severity="warning")) is None


def test_what_is_looked_over_mutes_nothing() -> None:
    first, second = alert(1, a="1"), alert(2, a="1", c="1")
    inhibitor = Inhibitor([rule("a=1", "b=1")], [first, second])
    assert inhibitor.inhibited_by(alert(3, b="1"), {1}) == second
    assert inhibitor.inhibited_by(alert(3, b="1"), {1, 2}) is None


def test_ten_thousand_beside_ten_thousand_take_no_time_to_speak_of() -> None:
    """CPU seconds of this process: alertmanager's issue 3932 has 4 to 6 s for this."""
    rules = [rule("severity=critical", 'severity=~"warning|info"', "zone"), rule("alertname=Down", "alertname!=Down", "host")]
    sources = [alert(number, alertname="Slow", severity="critical", zone=str(number)) for number in range(10_000)]
    targets = [alert(number, alertname="Late", severity="warning", zone=str(number)) for number in range(5_000, 15_000)]
    start = time.process_time()
    inhibitor = Inhibitor(rules, sources)
    muted = sum(inhibitor.inhibited_by(one) is not None for one in targets)
    assert muted == 5_000
    assert time.process_time() - start < 2


# --- silences ------------------------------------------------------------------------------------------------------------------


def silence(id: str, text: str, start: float = -1, end: float = 1) -> Silence:
    return Silence(id, parse_matchers(text), NOW + timedelta(hours=start), NOW + timedelta(hours=end), NOW, "anna", "")


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        ({"alertname": "a"}, ["long", "a", "most"]),
        ({"alertname": "b"}, ["most"]),
        ({"alertname": "b", "host": "x1"}, ["x", "most"]),
        ({}, []),
    ],
)
def test_silences_that_hold_and_fit(labels: Labels, wanted: list[str]) -> None:
    known = [
        silence("a", "alertname=a"),
        silence("long", "alertname=a", end=5),
        silence("x", 'host=~"x.*"', end=2),
        silence("most", 'alertname!=""', end=0.5),
        silence("none", 'alertname="",host=""', end=0),
        silence("past", "alertname=a", end=0),
        silence("coming", "alertname=a", start=0.5),
    ]
    assert [one.id for one in Silencer(known).silenced_by(labels, NOW)] == wanted


def test_a_silence_holds_from_its_start_until_just_before_its_end() -> None:
    silencer = Silencer([silence("a", "x=y", start=0, end=1)])
    assert [bool(silencer.silenced_by({"x": "y"}, NOW + timedelta(hours=hours))) for hours in (-0.001, 0, 0.999, 1)] == [
        False,
        True,
        True,
        False,
    ]


def test_ten_thousand_alerts_and_a_hundred_silences_take_no_time_to_speak_of() -> None:
    silencer = Silencer([silence(str(number), f'service="s{number}",host=~"h[0-9]+"') for number in range(100)])
    labels = [{"alertname": "Down", "service": f"s{number % 200}", "host": f"h{number}"} for number in range(10_000)]
    start = time.process_time()
    assert sum(bool(silencer.silenced_by(one, NOW)) for one in labels) == 5_000
    assert time.process_time() - start < 2
