"""Alertmanager's API v2 of a running Keepwell: beside Debian's alertmanager, and as Debian's amtool uses it."""

import http.client
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepwell.api.gate import BODY_LIMIT
from keepwell.rooms.alerts.api_v2 import writing
from keepwell.rooms.alerts.api_v2.routes import MOST_BYTES
from keepwell.rooms.alerts.matchers import parse_matcher
from tests.alertmanager_clients import Amtool, Api, alertmanager, api_of, configured, token_of, told
from tests.serving import Served, Target, operations, serving
from tests.support import wait_until
from tests.webhook_listener import Listener, listening

ROUTES = "{group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}"
BESIDE = """
route: {receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
- name: ops
  webhook_configs: [{url: "%s"}]
"""
FAR = "2036-11-22T01:00:00Z"
SILENCE: dict[str, Any] = {
    "matchers": [{"name": "a", "value": "b", "isRegex": False}],
    "startsAt": "2020-01-01T00:00:00Z",
    "endsAt": FAR,
    "createdBy": "ops",
    "comment": "deploy",
}
NOBODY = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def hook() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


@pytest.fixture
def server(tmp_path: Path, hook: Listener) -> Iterator[Served]:
    with serving(operations(tmp_path / "ops", configured(hook.url, ROUTES)), tmp_path / "data") as running:
        yield running


@pytest.fixture
def api(server: Served) -> Api:
    return api_of(server)


def heard(hook: Listener, *wanted: tuple[str, str]) -> None:
    wait_until(lambda: hook.alerts() == list(wanted), 20, f"notices {wanted}; they are {hook.alerts()}")


def posts() -> Iterator[Any]:
    """Bodies for POST /alerts that Alertmanager takes or refuses."""
    yield from (
        b"",
        b"[",
        {},
        b"null",
        [],
        [{}],
        [{"labels": {}}],
        [{"labels": {"a": ""}}],
        [{"labels": {"a": 1}}],
        [{"labels": {"": "x"}}],
    )
    times = ["", FAR, "2020-01-01", "2020-01-01T00:00:00", "2020-01-01 00:00:00", "2020-01-01T00:00:00+0100", "2020-01-01T00:00:00+01:00"]
    times += ["2020-01-01T00:00:00.123456789Z", "0001-01-01T00:00:00Z", "2020-01-01t00:00:00z", "20200101T000000Z", "2020-13-01T00:00:00Z"]
    for at in (*times, 12, None):
        yield [{"labels": {"at": str(at)}, "startsAt": at}]
        yield [{"labels": {"end": str(at)}, "endsAt": at}]
    yield [{"labels": {"a": "x"}, "startsAt": FAR, "endsAt": "2020-01-01T00:00:00Z"}]
    yield [{"labels": {"a": "x"}, "annotations": None}]
    yield [{"labels": {"a": "x"}, "annotations": {"": "x"}}]
    for url in ("not one", "http://x/y?z=1", "/graph", "", "http://a/%zz", "x"):
        yield [{"labels": {"url": url}, "generatorURL": url}]
    yield [{"labels": {"a": "nul\0x"}}]
    yield [{"labels": {"a": "x"}, "unknown": 3}]
    yield [{"labels": {"a": "one that can be had"}}, {"labels": {}}]


def silences() -> Iterator[Any]:
    """Bodies for POST /silences."""
    yield from ({}, [], b"", SILENCE, {**SILENCE, "id": NOBODY}, {**SILENCE, "id": "x"}, {**SILENCE, "id": ""}, {**SILENCE, "matchers": []})
    for change in (
        {"endsAt": "2020-01-01T00:00:00Z"},
        {"startsAt": "2037-11-22T00:00:00Z"},
        {"startsAt": ""},
        {"endsAt": ""},
        {"comment": ""},
    ):
        yield {**SILENCE, **change}
    yield from ({key: value for key, value in SILENCE.items() if key != left} for left in SILENCE)
    matchers: list[dict[str, Any]] = [
        {"value": "", "isRegex": False},
        {"value": "(", "isRegex": True},
        {"value": ".*", "isRegex": True},
        {"value": "x"},
        {"value": "", "isRegex": False, "isEqual": False},
        {"value": "x", "isRegex": False, "name": ""},
    ]
    yield from ({**SILENCE, "matchers": [{"name": "a", **matcher}]} for matcher in matchers)


QUESTIONS = [
    "/alerts",
    "/alerts?filter=banana",
    "/alerts?filter=a%3Dgood",
    "/alerts?filter=%7Ba%3Dgood%7D",
    "/alerts?filter=a%3D~%22%28%22",
]
QUESTIONS += [
    "/alerts?receiver=%28",
    "/alerts?receiver=zz",
    "/alerts/groups?filter=banana",
    "/alerts?active=false",
    "/silences?filter=a%3Db",
]
QUESTIONS += ["/silences?filter=banana", f"/silence/{NOBODY}", "/receivers", "/status", "/nothing"]


def coarse(status: int) -> int:
    """Refused is refused: Alertmanager's 422 is our 400, the one that its document declares."""
    return 400 if status == 422 else status


def test_it_takes_and_refuses_what_alertmanager_does(tmp_path: Path, hook: Listener, api: Api) -> None:
    with listening() as other, alertmanager(tmp_path, BESIDE % other.url) as real:
        asked: list[tuple[str, str, Any]] = [("GET", question, None) for question in QUESTIONS]
        asked += [("POST", "/alerts", body) for body in posts()] + [("POST", "/silences", body) for body in silences()]
        for method, path, body in asked:
            theirs, ours = real.ask(method, path, body), api.ask(method, path, body)
            assert ours.status == coarse(theirs.status), (method, path, body, theirs, ours)
            assert ours.status == 200 or isinstance(ours.body, str), "an error is one sentence"
        for query in ("", "?filter=a%3Dx", "?filter=a!%3D%22%22"):
            theirs, ours = (sorted(_known(alert) for alert in one.get(f"/alerts{query}")) for one in (real, api))
            assert ours == theirs
        assert len(ours) > 1


def _known(alert: dict[str, Any]) -> tuple[Any, ...]:
    return alert["fingerprint"], sorted(alert["labels"].items()), alert["receivers"], alert["status"]["state"], alert.get("generatorURL")


def test_an_alert_is_notified_shown_silenced_and_resolved(api: Api, hook: Listener) -> None:
    before = datetime.now(UTC)
    api.post_alerts(told("Full", severity="critical", instance="db-1"))
    heard(hook, ("Full", "firing"))
    (alert,) = api.get("/alerts")
    assert alert["labels"] == {"alertname": "Full", "severity": "critical", "instance": "db-1"}, "a posted alert keeps its labels"
    assert alert["annotations"] == {"summary": "Full it is"}
    assert alert["receivers"] == [{"name": "ops"}]
    assert alert["status"] == {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    assert timedelta(minutes=4) < datetime.fromisoformat(alert["endsAt"]) - before < timedelta(minutes=7)
    (group,) = api.get("/alerts/groups")
    assert (group["labels"], group["receiver"], len(group["alerts"])) == ({"alertname": "Full"}, {"name": "ops"}, 1)
    made = api.ask("POST", "/silences", {**SILENCE, "matchers": [{"name": "instance", "value": "db-.*", "isRegex": True}]})
    assert made.status == 200
    id = made.body["silenceID"]
    (alert,) = api.get("/alerts")
    assert alert["status"] == {"state": "suppressed", "silencedBy": [id], "inhibitedBy": [], "mutedBy": []}
    assert api.get("/alerts?silenced=false") == api.get("/alerts/groups?muted=false") == []
    assert api.names("?active=false") == ["Full"]
    assert api.get(f"/silence/{id}")["status"] == {"state": "active"}
    assert api.ask("DELETE", f"/silence/{id}") == (200, None)
    assert api.get(f"/silence/{id}")["status"] == {"state": "expired"}
    assert api.get("/silences?expired=false") == []
    assert api.ask("DELETE", f"/silence/{id}").status == 200, "one that has ended stays ended"
    api.post_alerts(told("Full", timedelta(seconds=-1), severity="critical", instance="db-1"))
    heard(hook, ("Full", "firing"), ("Full", "resolved"))
    assert api.get("/alerts") == []


def test_what_was_posted_and_silenced_outlives_a_restart(tmp_path: Path, hook: Listener) -> None:
    directory = operations(tmp_path / "ops", configured(hook.url, ROUTES))
    with serving(directory, tmp_path / "data") as server:
        api = api_of(server)
        api.post_alerts(told("Full"), told("Loud"))
        made = api.ask("POST", "/silences", {**SILENCE, "matchers": [{"name": "alertname", "value": "Loud", "isRegex": False}]})
        wait_until(lambda: ("Full", "firing") in hook.alerts(), 20)
        shown = stored(api)
        server.kill()
    with serving(directory, tmp_path / "data") as server:
        again = Api(f"http://127.0.0.1:{server.port}/alertmanager")
        assert stored(again) == shown
        assert [alert["status"]["silencedBy"] for alert in again.get("/alerts?filter=alertname%3DLoud")] == [[made.body["silenceID"]]]


def stored(api: Api) -> tuple[Any, Any]:
    """What is shown, without the ends of alerts: after a start their senders get time enough to tell of them again."""
    return [{**alert, "endsAt": ""} for alert in api.get("/alerts")], api.get("/silences")


def test_writes_need_the_permission(server: Served, hook: Listener) -> None:
    open_to_all = Api(f"http://127.0.0.1:{server.port}/alertmanager")
    assert open_to_all.ask("POST", "/alerts", [told("Full")]).status == 401
    assert Api(open_to_all.address, "kw_wrong").ask("POST", "/alerts", [told("Full")]).status == 401
    assert open_to_all.ask("POST", "/silences", SILENCE).status == 401
    assert open_to_all.ask("DELETE", f"/silence/{NOBODY}").status == 401
    assert open_to_all.get("/alerts") == open_to_all.get("/silences") == hook.calls == []


def test_ten_thousand_alerts_in_one_post(server: Served, api: Api, hook: Listener) -> None:
    many = [told("Down", instance=f"host-{number}", note="x" * 400) for number in range(10_000)]
    assert len(json.dumps(many)) > 4 << 20
    api.post_alerts(*many)
    assert len(api.get("/alerts")) == 10_000
    assert len(api.get("/alerts?filter=instance%3D~%22host-1%5B0-9%5D%22")) == 10
    wait_until(lambda: len(hook.calls) == 1, 60, "one notice")
    (message,) = hook.told()
    assert len(message["alerts"]) + message["truncatedAlerts"] == 10_000
    assert declared(server, "/alerts", MOST_BYTES + 1) == 413
    assert declared(server, "/silences", BODY_LIMIT + 1) == 413, "elsewhere a body is as small as ever"


def declared(server: Served, path: str, length: int) -> int:
    """The status for a post that declares a body of so many bytes, and sends none of it."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.putrequest("POST", f"/alertmanager/api/v2{path}")
        connection.putheader("authorization", f"Bearer {token_of(server, path)}")
        connection.putheader("content-length", str(length))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_an_alert_that_is_not_told_again_ends_by_itself(api: Api, hook: Listener) -> None:
    api.post_alerts(told("Short", timedelta(seconds=2)), told("Long", timedelta(hours=1)))
    wait_until(lambda: ("Short", "resolved") in hook.alerts(), 20, "the end of it")
    assert api.names() == ["Long"]
    assert sorted(hook.alerts()) == [("Long", "firing"), ("Short", "firing"), ("Short", "resolved")]


def test_amtool(tmp_path: Path, server: Served, api: Api, hook: Listener) -> None:
    amtool = Amtool(tmp_path, server)
    amtool("alert", "add", "Full", "severity=critical", "instance=db-1", "--annotation=summary=no room left")
    amtool("alert", "add", "alertname=Slow", "severity=warning", "instance=web-1")
    wait_until(lambda: sorted(hook.alerts()) == [("Full", "firing"), ("Slow", "firing")], 20)
    assert [alert["labels"]["alertname"] for alert in amtool.json("alert", "query", "severity=critical")] == ["Full"]
    assert "no room left" in amtool("alert", "query", "Full")
    assert "Full" not in amtool("alert", "query", "instance=~web.*")
    id = amtool("silence", "add", "alertname=~F.*", "--author=ops", "--comment=being grown", "--duration=1h").strip()
    (known,) = amtool.json("silence", "query")
    assert (known["id"], known["createdBy"], known["comment"], known["status"]) == (id, "ops", "being grown", {"state": "active"})
    assert amtool.json("silence", "query", "alertname=~F.*") == [known]
    assert amtool.json("silence", "query", "alertname=Slow") == []
    assert [alert["labels"]["alertname"] for alert in amtool.json("alert", "query")] == ["Slow"], "what is silenced is left out"
    assert [a["status"]["silencedBy"] for a in amtool.json("alert", "query", "--silenced", "alertname=Full")] == [[id]]
    longer = amtool("silence", "update", "--duration=5h", "--comment=still being grown", id)
    assert "still being grown" in longer
    (known,) = amtool.json("silence", "query")
    assert known["id"] == id
    assert datetime.fromisoformat(known["endsAt"]) - datetime.now(UTC) > timedelta(hours=4)
    amtool("silence", "expire", id)
    assert amtool.json("silence", "query") == []
    assert [one["id"] for one in amtool.json("silence", "query", "--expired")] == [id]
    amtool("alert", "add", "Full", "severity=critical", "instance=db-1", f"--end={(datetime.now(UTC) - timedelta(seconds=1)).isoformat()}")
    wait_until(lambda: hook.alerts()[-1] == ("Full", "resolved"), 20, "the end of it")
    assert [alert["labels"]["alertname"] for alert in amtool.json("alert", "query")] == ["Slow"]
    assert amtool.try_("silence", "expire", NOBODY).returncode != 0


def test_amtool_reads_routes_and_receivers(tmp_path: Path, hook: Listener) -> None:
    routes = "{receiver: ops, routes: [{receiver: pager, matchers: ['severity=\"critical\"'], continue: true}, {receiver: ops}]}"
    text = configured(hook.url, routes).replace("routes:", f"  pager: {{webhook: {{url: {hook.url}}}}}\nroutes:", 1)
    with serving(operations(tmp_path / "ops", text), tmp_path / "data") as server:
        amtool = Amtool(tmp_path, server)
        assert amtool("config", "routes", "test", "severity=critical").split() == ["pager,ops"]
        assert amtool("config", "routes", "test", "severity=warning").split() == ["ops"]
        shown = amtool("config", "show")
        assert "receiver: pager" in shown
        assert hook.url not in shown
        assert [one["name"] for one in api_of(server).get("/receivers")] == ["ops", "pager"]
        assert 'severity="critical"' in amtool("config", "routes", "show")


def test_amtool_takes_silences_from_one_to_another(tmp_path: Path, server: Served) -> None:
    amtool = Amtool(tmp_path, server)
    file = tmp_path / "silences.json"
    matchers = [{"name": "a", "value": f"x{number}", "isRegex": False, "isEqual": number % 2 == 0} for number in range(50)]
    file.write_text(json.dumps([{**SILENCE, "matchers": [matcher]} for matcher in matchers]))
    amtool("silence", "import", str(file))
    kept = amtool.json("silence", "query")
    assert sorted(str(one["matchers"][0]) for one in kept) == sorted(str(dict(sorted(matcher.items()))) for matcher in matchers)


ROUTED = """
routes:
  receiver: all
  group_by: [alertname, cluster]
  group_wait: 1h
  group_interval: 1s
  routes:
  - {receiver: pager, matchers: ['severity="critical"'], group_by: ['...'], continue: true}
  - {receiver: web, matchers: ['team=~"web|shop"', 'severity!="info"'], routes: [{receiver: db, matchers: ['kind="db"'], group_by: [kind]}]}
inhibit_rules:
- {source_matchers: ['severity="critical"'], target_matchers: ['severity="warning"'], equal: [cluster, alertname]}
- {source_matchers: ['alertname="ClusterDown"'], target_matchers: ['alertname!="ClusterDown"'], equal: [cluster]}
"""
RECEIVERS = ("all", "pager", "web", "db")
TOLD = (
    told("Slow", severity="critical", cluster="east", team="web"),
    told("Slow", severity="warning", cluster="east", team="web", instance="b", job="web"),
    told("Slow", severity="warning", cluster="west", team="web", instance="a", job="web"),
    told("Slow", severity="warning", cluster="west", team="web", instance="c", job="db"),
    told("Slow", severity="info", cluster="west", team="shop"),
    told("Full", severity="warning", cluster="north", team="shop", kind="db"),
    told("ClusterDown", severity="critical", cluster="north"),
    told("Alone", kind="db"),
    told("Plain"),
)
ASKED = ("", "silenced=false", "inhibited=false", "active=false", "silenced=false&inhibited=false", "filter=cluster%3D%22west%22")
ASKED += (
    "filter=team!%3D%22%22",
    "filter=severity%3D~%22w.*%7Cinfo%22",
    "receiver=pager",
    "receiver=web%7Cdb",
    "receiver=p",
    "filter=kind%3D",
)
MUTING = ("team=shop", "instance=~a|b severity!=critical", "none=x")


def test_routes_groups_inhibition_and_silences_are_shown_as_alertmanager_shows_them(tmp_path: Path) -> None:
    with listening() as hook:
        named = [f"- {{name: {name}, webhook_configs: [{{url: '{hook.url}'}}]}}" for name in RECEIVERS]
        beside = "\n".join((ROUTED.replace("routes:", "route:", 1), "receivers:", *named))
        ours = "\n".join(
            ("keepwell: 1", "service: shop", "receivers:", *(f"  {name}: {{webhook: {{url: {hook.url}}}}}" for name in RECEIVERS))
        )
        directory = operations(tmp_path / "ops", ours + ROUTED)
        with alertmanager(tmp_path, beside) as real, serving(directory, tmp_path / "data") as server:
            both = (real, api_of(server))
            for api in both:
                api.post_alerts(*TOLD)
            assert len(both[1].get("/alerts")) == len(TOLD)
            for matchers in MUTING:
                for api in both:
                    entries = [writing.matcher(parse_matcher(text)) for text in matchers.split()]
                    assert api.ask("POST", "/silences", {**SILENCE, "matchers": entries}).status == 200
            for query in ASKED:
                assert _alerts(both[1], query) == _alerts(real, query), query
                assert _groups(both[1], query) == _groups(real, query), query
            assert [(one["matchers"], one["status"]) for one in both[1].get("/silences?filter=team%3Dshop")] == [
                (one["matchers"], one["status"]) for one in real.get("/silences?filter=team%3Dshop")
            ]


def _shown(alert: dict[str, Any]) -> tuple[Any, ...]:
    """An alert without what is each server's own: ids of silences and moments."""
    status = alert["status"]
    receivers = sorted(receiver["name"] for receiver in alert["receivers"])
    return alert["fingerprint"], alert["labels"], receivers, status["state"], len(status["silencedBy"]), bool(status["inhibitedBy"])


def _alerts(api: Api, query: str) -> list[Any]:
    return [_shown(alert) for alert in api.get(f"/alerts?{query}")]


def _groups(api: Api, query: str) -> list[Any]:
    shown = [(group["labels"], group["receiver"], [_shown(one) for one in group["alerts"]]) for group in api.get(f"/alerts/groups?{query}")]
    return sorted(shown, key=str)


def test_a_group_that_a_time_interval_mutes_says_so(tmp_path: Path, hook: Listener) -> None:
    more = ["time_intervals:", "  always: [{months: ['1:12']}]"]
    muted = "{receiver: ops, matchers: ['alertname=\"Full\"'], mute_time_intervals: [always]}"
    routes = f"{{receiver: ops, group_wait: 0s, group_interval: 1s, routes: [{muted}]}}"
    with serving(operations(tmp_path / "ops", configured(hook.url, routes, more)), tmp_path / "data") as server:
        api = api_of(server)
        api.post_alerts(told("Full"))
        loud(api, hook)
        (group,) = api.get("/alerts/groups?filter=alertname%3DFull")
        assert group["alerts"][0]["status"] == {"state": "suppressed", "silencedBy": [], "inhibitedBy": [], "mutedBy": ["always"]}
        assert [group["alerts"][0]["labels"]["alertname"] for group in api.get("/alerts/groups?muted=false")] == ["Loud"]


def loud(api: Api, hook: Listener) -> None:
    """Nobody was told of anything yet, and now of an alert that nothing mutes: so everything that came before it was looked at."""
    api.post_alerts(told("Loud"))
    wait_until(lambda: len(hook.calls) > 0, 20, "a notice")
    assert hook.alerts() == [("Loud", "firing")]


def test_alerts_of_our_own_are_listed_and_silenced_as_any_other(tmp_path: Path, hook: Listener) -> None:
    with Target(tmp_path) as target:
        check = ["checks:", f"  api: {{http: {{url: {target.url}/health}}, every: 1s}}"]
        with serving(operations(tmp_path / "ops", configured(hook.url, ROUTES, check)), tmp_path / "data") as server:
            amtool, api = Amtool(tmp_path, server), api_of(server)
            server.until({"api": "ok"})
            id = amtool("silence", "add", "check=api", "--comment=deploy", "--author=ops").strip()
            target.answer(503)
            server.until({"api": "fail"})
            wait_until(lambda: "CheckFailed" in api.names(), 20, "the alert")
            (failed,) = api.get("/alerts?filter=alertname%3DCheckFailed")
            assert (failed["labels"]["service"], failed["labels"]["severity"]) == ("shop", "critical")
            assert "answered 503" in failed["annotations"]["summary"]
            assert failed["status"]["silencedBy"] == [id]
            loud(api, hook)
            amtool("silence", "expire", id)
            wait_until(lambda: hook.alerts()[1:] == [("CheckFailed", "firing")], 20, "a notice once nothing mutes it")
            target.answer(200)
            wait_until(lambda: hook.alerts()[2:] == [("CheckFailed", "resolved")], 20, "its end")
            assert api.names() == ["Loud"]
