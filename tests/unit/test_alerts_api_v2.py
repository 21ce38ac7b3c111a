"""Alertmanager's API v2: what clients send is read, and our values take its shapes."""

import json
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from starlette.datastructures import QueryParams

from keepwell.kernel.problems import UsageError
from keepwell.kernel.windows import parse_window
from keepwell.rooms.alerts.api_v2 import writing
from keepwell.rooms.alerts.api_v2.configuration import NOBODY, configuration
from keepwell.rooms.alerts.api_v2.filters import alert_filter, flag, matchers, receiver_filter
from keepwell.rooms.alerts.api_v2.instants import instant, read_instant
from keepwell.rooms.alerts.api_v2.reading import MOST_SAID, read_alerts, read_silence
from keepwell.rooms.alerts.matchers import fits_all, parse_matcher
from keepwell.rooms.alerts.model import Alert, Group, Matcher, Posted, Silence, State
from keepwell.rooms.alerts.routing.model import InhibitRule, Route, Routing, Span, TimeInterval
from keepwell.rooms.alerts.standing import GroupStanding, Standing, Standings
from tests.support import need

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LASTING = timedelta(minutes=5)
UNTIL = NOW + LASTING


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20T12:00:00Z", NOW),
        ("2026-11-20T13:30:00+01:30", NOW),
        ("2026-11-20T12:00:00.123456789Z", NOW.replace(microsecond=123456)),
        ("2026-11-20T12:00:00.1Z", NOW.replace(microsecond=100000)),
        ("2026-11-20T12:00:00", NOW),
        ("2026-11-20 12:00:00", NOW),
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00.000Z", None),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    assert read_instant(text) == moment
    assert moment is None or read_instant(instant(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20",
        "now",
        "12",
        "2026-13-20T12:00:00Z",
        "2026-11-20T12:00:60Z",
        "2026-11-20T12:00:00+24:00",
        "2026-11-20t12:00:00z",
        "2026-11-20T12:00:00+0100",
        "0001-01-01T12:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
        "٢٠٢٦-11-20T12:00:00Z",
        "2026-11-20T12:00:00Z\n",
    ],
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no moment: write for example 2026-11-22T09:42:03Z"):
        read_instant(text)


def body(*alerts: Any) -> bytes:
    return json.dumps(list(alerts)).encode()


def test_alerts_as_prometheus_sends_them() -> None:
    sent = {
        "labels": {"alertname": "Down", "empty": ""},
        "annotations": {"summary": "gone", "nothing": ""},
        "startsAt": "2026-11-20T11:59:00.000Z",
        "endsAt": "2026-11-20T12:04:00.000Z",
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
    }
    found = read_alerts(body(sent, {"labels": {"a": "b"}, "annotations": None, "unknown": 3, "startsAt": None}), NOW, LASTING)
    assert found.problems == []
    assert found.posted == [
        Posted(
            {"alertname": "Down"},
            {"summary": "gone", "nothing": ""},
            NOW - timedelta(minutes=1),
            NOW + timedelta(minutes=4),
            sent["generatorURL"],  # type: ignore[arg-type]
        ),
        Posted({"a": "b"}, {}),
    ]
    for nothing in (b"[]", b"null"):
        assert read_alerts(nothing, NOW, LASTING).posted == []


@pytest.mark.parametrize(
    ("alert", "problem"),
    [
        ({"labels": {}}, "at least one label with a value is needed"),
        ({"labels": {"a": ""}}, "at least one label with a value is needed"),
        ({"labels": {"": "x"}}, "a label and an annotation have a name"),
        ({"labels": {"a": "x"}, "annotations": {"": "x"}}, "a label and an annotation have a name"),
        ({"labels": {"a": "x"}, "startsAt": "2026-11-20T12:00:01Z", "endsAt": "2026-11-20T12:00:00Z"}, "its start must be before its end"),
        ({"labels": {"a": "x"}, "startsAt": "2026-11-20T12:06:00Z"}, "its start must be before its end"),
        ({"labels": {"a": "x"}, "generatorURL": "not one"}, 'its generatorURL "not one" is no address: write for example'),
        ({"labels": {"a": "x"}, "generatorURL": "http://a/%zz"}, 'its generatorURL "http://a/%zz" is no address'),
    ],
)
def test_an_alert_that_cannot_be_had_keeps_no_other_out(alert: Mapping[str, Any], problem: str) -> None:
    found = read_alerts(body({"labels": {"n": "1"}}, alert, {"labels": {"n": "2"}}), NOW, LASTING)
    assert [one.labels["n"] for one in found.posted] == ["1", "2"]
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"alert 1: {problem}")


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"", "alerts: Invalid JSON"),
        (b"[", "alerts: Invalid JSON"),
        (b"{}", "alerts: Input should be a valid array"),
        (b'[{"labels": {"a": "\xff"}}]', "alerts: Invalid JSON"),
        (b'[{"labels": {"a": "\\ud800"}}]', "alerts: Invalid JSON"),
        (b"[null]", "alerts[0]: Input should be an object"),
        (b"[{}]", "alerts[0].labels: Field required"),
        (b'[{"labels": {"a": 1}}]', "alerts[0].labels.a: Input should be a valid string"),
        (b'[{"labels": {"a b": 1}}]', 'alerts[0].labels."a b": Input should be a valid string'),
        (b'[{"labels": {"a": "b"}, "startsAt": 12}]', "alerts[0].startsAt: Input should be a valid datetime"),
        (b'[{"labels": {"a": "b"}, "endsAt": "soon"}]', "alerts[0].endsAt: 'soon' is no moment: write for example"),
    ],
)
def test_what_is_no_list_of_alerts(sent: bytes, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_alerts(sent, NOW, LASTING)
    assert str(raised.value).startswith(sentence)
    assert "\n" not in str(raised.value)


def test_a_thousand_problems_are_counted_not_listed() -> None:
    with pytest.raises(UsageError) as raised:
        read_alerts(body(*[{"labels": {"a": 1}}] * 1000), NOW, LASTING)
    assert str(raised.value).endswith(f"; and {1000 - MOST_SAID} more")
    assert len(str(raised.value)) < 1000


SILENCE = {
    "matchers": [{"name": "service", "value": "api", "isRegex": False}],
    "startsAt": "2026-11-20T12:00:00Z",
    "endsAt": "2026-11-20T13:00:00Z",
    "createdBy": "ops",
    "comment": "deploy",
}


def test_silences_as_amtool_sends_them() -> None:
    assert read_silence(json.dumps(SILENCE).encode(), NOW) == Silence(
        "", (Matcher("service", "=", "api"),), NOW, NOW + timedelta(hours=1), NOW, "ops", "deploy"
    )
    operators = [(False, True, "="), (False, False, "!="), (True, True, "=~"), (True, False, "!~"), (True, None, "=~")]
    for is_regex, is_equal, operator in operators:
        matcher = {"name": "a", "value": "x", "isRegex": is_regex, "isEqual": is_equal}
        read = read_silence(
            json.dumps({**SILENCE, "matchers": [matcher], "id": "7", "startsAt": "", "annotations": {"t": "1"}}).encode(), NOW
        )
        assert read.matchers == (Matcher("a", operator, "x"),)  # type: ignore[arg-type]
        assert (read.id, read.starts_at, read.annotations) == ("7", NOW, {"t": "1"})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"matchers": []}, "silence.matchers: List should have at least 1 item"),
        ({"matchers": [{"name": "a", "value": "b"}]}, "silence.matchers[0].isRegex: Field required"),
        ({"endsAt": ""}, "silence.endsAt: a silence has an end"),
        ({"endsAt": "never"}, "silence.endsAt: 'never' is no moment"),
        ({"comment": None}, "silence.comment: Input should be a valid string"),
    ],
)
def test_what_is_no_silence(change: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_silence(json.dumps({**SILENCE, **change}).encode(), NOW)
    assert str(raised.value).startswith(sentence)


def alert(number: int, **labels: str) -> Alert:
    return Alert(number, f"{number:016x}", labels, {"summary": "s"}, "api", State.FIRING, NOW, NOW, firing_since=NOW)


DISK = Standing(alert(3, alertname="Disk", instance="b", severity="critical"), ("ops", "all"))
NET = Standing(alert(2, alertname="Net", job="node", severity="warning"), ("ops",), silenced_by=("s1",))
WEB = Standing(alert(1, alertname="Web", instance="a", severity="critical"), ("dev",), inhibited_by=("0000000000000003",))
NEW = Standing(alert(4, alertname="New"), ("all",))
OPS = GroupStanding(Group("{}:{x}", "d1", "r1", "ops", {"team": "x"}, NOW), (3, 2))
DEV = GroupStanding(Group("{}:{y}", "d2", "r2", "dev", {}, NOW), (1,))
NIGHT = GroupStanding(Group("{}:{z}", "d3", "r3", "all", {"team": "x"}, NOW), (3, 4), ("nights",))
STANDINGS = Standings((DISK, NET, WEB, NEW), (OPS, DEV, NIGHT))


def names(query: str) -> list[str]:
    asked = QueryParams(query)
    return [one["labels"]["alertname"] for one in writing.alerts(STANDINGS, alert_filter(asked), receiver_filter(asked), UNTIL)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ["Web", "Net", "Disk", "New"]),
        ("silenced=false", ["Web", "Disk", "New"]),
        ("inhibited=false", ["Net", "Disk", "New"]),
        ("unprocessed=no", ["Web", "Net", "Disk", "New"]),
        ("active=false", ["Web", "Net"]),
        ("active=0&silenced=off&inhibited=FALSE", []),
        ("filter=severity%3D%22critical%22", ["Web", "Disk"]),
        ("filter=severity%3D%22critical%22&filter=instance!%3Da", ["Disk"]),
        ("filter=severity%3D", ["New"]),
        ("filter=alertname%3D~%22N.%2B%22", ["Net", "New"]),
        ("receiver=ops", ["Net", "Disk"]),
        ("receiver=o.*%7Cdev", ["Web", "Net", "Disk"]),
        ("receiver=op", []),
        ("receiver_matchers=owner%3D%22me%22", []),
        ("receiver_matchers=owner!%3D%22me%22", ["Web", "Net", "Disk", "New"]),
    ],
)
def test_alerts_are_chosen_and_stand_by_fingerprint(query: str, wanted: list[str]) -> None:
    assert names(query) == wanted


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("active=banana", 'the parameter active is "banana": write true or false'),
        ("filter=banana", "the parameter filter: "),
        ("filter=a%3D~%22(%22", "the parameter filter: "),
        ("receiver=(", "the parameter receiver: "),
        ("receiver_matchers=%7Ba%3Db%7D", "the parameter receiver_matchers: "),
    ],
)
def test_filters_that_are_none(query: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        names(query)
    assert str(raised.value).startswith(sentence)


def test_an_alert_in_the_shape_of_alertmanager() -> None:
    asked = QueryParams("filter=alertname%3DWeb")
    assert writing.alerts(STANDINGS, alert_filter(asked), receiver_filter(asked), UNTIL) == [
        {
            "annotations": {"summary": "s"},
            "endsAt": "2026-11-20T12:05:00.000Z",
            "fingerprint": "0000000000000001",
            "labels": {"alertname": "Web", "instance": "a", "severity": "critical"},
            "receivers": [{"name": "dev"}],
            "startsAt": "2026-11-20T12:00:00.000Z",
            "status": {"inhibitedBy": ["0000000000000003"], "mutedBy": [], "silencedBy": [], "state": "suppressed"},
            "updatedAt": "2026-11-20T12:00:00.000Z",
        }
    ]


def grouped(query: str) -> list[tuple[str, dict[str, str], list[tuple[str, str]]]]:
    asked = QueryParams(query)
    found = writing.groups(STANDINGS, alert_filter(asked), receiver_filter(asked), flag(asked, "muted"), UNTIL)
    return [(g["receiver"]["name"], g["labels"], [(a["labels"]["alertname"], a["status"]["state"]) for a in g["alerts"]]) for g in found]


def test_groups_stand_by_their_labels_and_their_alerts_by_job_and_instance() -> None:
    assert grouped("") == [
        ("dev", {}, [("Web", "suppressed")]),
        ("all", {"team": "x"}, [("Disk", "suppressed"), ("New", "suppressed")]),
        ("ops", {"team": "x"}, [("Net", "suppressed"), ("Disk", "active")]),
    ]
    assert [name for name, _, _ in grouped("muted=false")] == ["ops"]
    assert grouped("receiver=dev&inhibited=false") == [], "a group without an alert is none"
    assert grouped("filter=alertname%3DNew") == [("all", {"team": "x"}, [("New", "suppressed")])]


def test_silences_stand_by_what_comes_next() -> None:
    def silence(id: str, begins: int, ends: int, *kept: Matcher) -> Silence:
        return Silence(id, kept or (Matcher("a", "=", "b"),), NOW + timedelta(hours=begins), NOW + timedelta(hours=ends), NOW, "ops", "c")

    kept = [
        silence("ended first", -9, -5),
        silence("later", 2, 3),
        silence("ends last", -1, 9, Matcher("a", "=~", "b")),
        silence("ended last", -9, -1),
        silence("ends next", -1, 1),
        silence("soon", 1, 9),
    ]
    every = ("active", "expired", "pending")
    in_order = ["ends next", "ends last", "soon", "later", "ended last", "ended first"]
    assert [one["id"] for one in writing.silences(kept, every, (), NOW)] == in_order
    assert [one["id"] for one in writing.silences(kept, ("pending",), (), NOW)] == ["soon", "later"]
    wanted = matchers(QueryParams("filter=a%3D~b"))
    assert [one["id"] for one in writing.silences(kept, every, wanted, NOW)] == ["ends last"]
    assert writing.silence(kept[2], NOW) == {
        "id": "ends last",
        "status": {"state": "active"},
        "updatedAt": "2026-11-20T12:00:00.000Z",
        "annotations": {},
        "comment": "c",
        "createdBy": "ops",
        "endsAt": "2026-11-20T21:00:00.000Z",
        "matchers": [{"isEqual": True, "isRegex": True, "name": "a", "value": "b"}],
        "startsAt": "2026-11-20T11:00:00.000Z",
    }


def test_routing_in_the_words_of_alertmanager(tmp_path: Path) -> None:
    def matcher(text: str) -> tuple[Matcher, ...]:
        return (parse_matcher(text),)

    def route(path: str, receiver: str, text: str, **more: Any) -> Route:
        return Route(path, path, receiver, fits_all(matcher(text)), matchers=matcher(text), **more)

    nights = TimeInterval((Span(0, 360), Span(1320, 1440)), (Span(1, 5),), (Span(-3, -1),), (Span(12, 12),), zone=ZoneInfo("Europe/Berlin"))
    critical = route("0/0", "pager", 'severity="critical"', group_by=None, goes_on=True, mute_time_intervals=("nights", "upkeep"))
    twins = (route("0/2/1", "chat", "team=d"),)
    both = route("0/2", "pager", "team=d", twins=twins)
    quiet = route("0/1", "", 'team=~"a|b\\"c"', group_wait=timedelta(seconds=1.5))
    root = Route("0", "{}", "all", lambda labels: True, ("service",), routes=(critical, quiet, both))
    rules = (
        InhibitRule(matcher("kpi!="), matcher("kpi!="), but=frozenset({"severity"})),
        InhibitRule(matcher("severity=critical"), matcher("severity=warning"), ("service",)),
    )
    windows: dict[str, Any] = {"nights": (nights, TimeInterval()), "upkeep": parse_window("Sunday 02:00-04:00", "UTC")}
    text = configuration(Routing(root, rules, windows), ["all", "pager", "chat"], LASTING)
    assert yaml.safe_load(text)["receivers"] == [{"name": name} for name in ("all", "pager", "chat", NOBODY, "pager,chat")]
    assert len(yaml.safe_load(text)["inhibit_rules"]) == 1
    assert yaml.safe_load(text)["time_intervals"] == [
        {
            "name": "nights",
            "time_intervals": [
                {
                    "times": [{"start_time": "00:00", "end_time": "06:00"}, {"start_time": "22:00", "end_time": "24:00"}],
                    "weekdays": ["monday:friday"],
                    "days_of_month": ["-3:-1"],
                    "months": ["12"],
                    "location": "Europe/Berlin",
                },
                {},
            ],
        },
        {"name": "upkeep", "time_intervals": []},
    ]
    file = tmp_path / "alertmanager.yml"
    file.write_text(text)

    def amtool(*arguments: str) -> str:
        ran = subprocess.run([need("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert ran.returncode == 0, ran.stderr + ran.stdout
        return ran.stdout

    assert "SUCCESS" in amtool("check-config", str(file))
    for labels, receivers in [
        (["severity=critical", "team=a"], "pager,keepwell/nobody"),
        (["severity=critical"], "pager"),
        (['team=b\\"c'], "keepwell/nobody"),
        (["team=c"], "all"),
        (["team=d"], "pager,chat"),
    ]:
        assert amtool("config", "routes", "test", f"--config.file={file}", *labels).strip() == receivers
