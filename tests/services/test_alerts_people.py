"""Alerts by JSON and by commands, against a real ``keepwell up``."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.alerts_server import Alerting, alerting


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alerting]:
    """One server for all tests of this file: each looks at alerts of its own."""
    with alerting(tmp_path_factory.mktemp("people")) as running:
        yield running


def ids(found: list[dict[str, object]]) -> list[object]:
    return [one["id"] for one in found]


def test_a_program_tells_of_an_alert_and_it_is_listed(server: Alerting) -> None:
    status, told = server.post("/api/v1/alert", {"severity": "warning", "message": "High CPU usage detected"})
    assert (status, told["state"], told["name"], told["message"]) == (200, "firing", "High CPU usage detected", "High CPU usage detected")
    assert told["labels"] == {"alertname": "High CPU usage detected", "severity": "warning", "service": "shop"}
    assert told["expires_at"] is None, "it lasts until somebody resolves it"
    listed = server.get("/api/v1/alerts?matcher=alertname%3D%22High+CPU+usage+detected%22")
    assert listed["active_alerts"] == [told]
    _, again = server.post("/api/v1/alert", {"severity": "warning", "message": "High CPU usage detected"})
    assert again["id"] == told["id"], "the same again is the same alert"
    _, other = server.post("/api/v1/alert", {"severity": "warning", "message": "High memory usage detected"})
    assert other["id"] != told["id"]


def test_names_labels_and_ends_of_a_program(server: Alerting) -> None:
    body = {
        "name": "QueueFull",
        "message": "9 of 10",
        "labels": {"queue": "mail"},
        "annotations": {"runbook_url": "https://x.test/r"},
        "for": "1h",
    }
    status, told = server.post("/api/v1/alert", body)
    assert status == 200
    assert told["labels"] == {"alertname": "QueueFull", "severity": "warning", "service": "shop", "queue": "mail"}
    assert told["annotations"] == {"summary": "9 of 10", "runbook_url": "https://x.test/r"}
    ends = datetime.fromisoformat(told["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=58) < ends <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/api/v1/alert", {}, 422, "message"),
        ("/api/v1/alert", {"message": "x", "severity": 3}, 422, "severity"),
        ("/api/v1/alert", {"message": "x", "for": "soon"}, 422, "is not a duration"),
        ("/api/v1/alert", {"message": "x", "ends_at": "2001-01-01T00:00:00Z"}, 400, "before it begins"),
        ("/api/v1/alert", {"message": "x", "labels": {"": "y"}}, 422, "labels"),
        ("/api/v1/alerts/999999/resolve", {}, 404, "999999"),
        ("/api/v1/alerts/alert_id/resolve", {}, 404, "no active alert is 'alert_id'"),
        ("/api/v1/alerts/99999999999999999999/acknowledge", {}, 404, "no active alert"),
        ("/api/v1/silences", {"matchers": ["{{"], "for": "1h", "comment": "x"}, 400, "is no matcher"),
        ("/api/v1/silences", {"matchers": ['a=~".*"'], "for": "1h", "comment": "x"}, 400, "empty value"),
        ("/api/v1/silences", {"matchers": ["a=b"], "comment": "x"}, 422, "how long"),
        ("/api/v1/silences/none/expire", {}, 404, "none"),
        ("/api/v1/outbox/12345678/retry", {}, 404, "12345678"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(server: Alerting, path: str, body: object, status: int, said: str) -> None:
    answered, answer = server.post(path, body)
    assert (answered, said in answer["error"]["message"]) == (status, True), answer


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/alerts?state=resolved", 422, "state"),
        ("/api/v1/alerts?severty=x", 422, "severty"),
        ("/api/v1/alerts?matcher=%7B%7B", 400, "is no matcher"),
        ("/api/v1/alerts/999999", 404, "999999"),
        ("/api/v1/alerts/9999999999999999999999", 404, "no alert"),
        ("/api/v1/alerts/history?limit=0", 422, "limit"),
        ("/api/v1/alerts/history?before=9999999999999999999999", 422, "before"),
        ("/api/v1/alerts/history?start=yesterday", 422, "start"),
        ("/api/v1/alerts/stats?zone=Mars/Olympus", 400, "no time zone"),
        ("/api/v1/alerts/stats?over=9999y", 400, "year 1"),
        ("/api/v1/silences/none", 404, "none"),
        ("/api/v1/silences/preview", 422, "matcher"),
        ("/api/v1/outbox/9999999999999999999999", 404, "outbox"),
    ],
)
def test_questions_that_make_no_sense_are_refused_in_a_sentence(server: Alerting, path: str, status: int, said: str) -> None:
    answered, sentence = server.refused(path)
    assert (answered, said in sentence) == (status, True), sentence


def test_writing_needs_the_permission(server: Alerting) -> None:
    status, answer = server.post("/api/v1/alert", {"message": "x"}, token="kw_no_such_token")
    assert (status, answer["error"]["code"]) == (401, "refused.unknown-token")


def test_acknowledge_assign_and_resolve(server: Alerting) -> None:
    number = server.fire("Acknowledged one", labels={"host": "db1"})
    _, known = server.post(f"/api/v1/alerts/{number}/acknowledge", {"note": "restarting it", "for": "2h"})
    assert (known["acknowledged"]["by"], known["acknowledged"]["note"]) == ("test", "restarting it")
    assert known["acknowledged"]["until"] is not None
    assert number in ids(server.get("/api/v1/alerts?acknowledged=true")["active_alerts"])
    _, unknown = server.post(f"/api/v1/alerts/{number}/unacknowledge")
    assert unknown["acknowledged"] is None
    _, known = server.post(f"/api/v1/alerts/{unknown['fingerprint']}/acknowledge", {"by": "maria"})
    assert known["acknowledged"] == {**known["acknowledged"], "by": "maria", "note": "", "until": None}
    _, assigned = server.post(f"/api/v1/alerts/{number}/assign", {"to": "tom"})
    assert assigned["assigned_to"] == "tom"
    _, resolved = server.post(f"/api/v1/alerts/{number}/resolve", {"resolution": "Issue resolved"})
    assert (resolved["state"], resolved["reason"]) == ("resolved", "resolved by test: Issue resolved")
    status, answer = server.post(f"/api/v1/alerts/{number}/acknowledge")
    assert (status, answer["error"]["code"]) in [(409, "alerts.resolved"), (404, "not-found")], answer
    assert number not in ids(server.get("/api/v1/alerts")["active_alerts"])
    past = server.get("/api/v1/alerts/history?limit=50")["alert_history"]
    mine = next(one for one in past if one["id"] == number)
    assert mine["duration_seconds"] >= mine["time_to_acknowledge_seconds"] >= 0
    shown = server.get(f"/api/v1/alerts/{number}")
    happened = [(entry["event"], entry["actor"]) for entry in shown["timeline"]]
    assert [event for event, _ in happened] == [
        "alert.firing",
        "alert.acknowledged",
        "alert.unacknowledged",
        "alert.acknowledged",
        "alert.assigned",
        "alert.resolved",
    ]
    assert happened[1][1] == "test"


def test_the_same_alert_again_is_a_new_episode_that_knows_the_earlier_one(server: Alerting) -> None:
    first = server.fire("Comes again")
    server.post(f"/api/v1/alerts/{first}/resolve")
    second = server.fire("Comes again")
    assert second > first
    assert ids(server.get(f"/api/v1/alerts/{second}")["earlier"]) == [first]


def test_history_by_name_severity_service_matcher_and_page(server: Alerting) -> None:
    numbers = [server.fire(f"Page {number}", "info", name="Paged", labels={"service": "bank", "part": str(number)}) for number in range(5)]
    newest_first = sorted(numbers, reverse=True)
    whole = server.get("/api/v1/alerts/history?name=Paged&severity=info&service=bank")
    assert ids(whole["alert_history"]) == newest_first
    assert whole["next"] is None
    seen, before = [], ""
    while True:
        page = server.get(f"/api/v1/alerts/history?name=Paged&limit=2{before}")
        seen += ids(page["alert_history"])
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == newest_first
    for matcher, wanted in [('part="3"', [3]), ('part=~"1|2"', [2, 1]), ('part!="0"', [4, 3, 2, 1]), ('part=""', [])]:
        found = server.get(f"/api/v1/alerts/history?name=Paged&matcher={quote(matcher)}")
        assert ids(found["alert_history"]) == [numbers[index] for index in wanted], matcher
    assert server.get("/api/v1/alerts/history?name=Paged&state=resolved")["alert_history"] == []
    assert ids(server.get("/api/v1/alerts/history?name=Paged&state=firing")["alert_history"]) == newest_first
    third = server.get(f"/api/v1/alerts/{numbers[2]}")["firing_since"].replace("Z", "%2B00:00")
    later = server.get(f"/api/v1/alerts/history?name=Paged&start={third}")["alert_history"]
    earlier = server.get(f"/api/v1/alerts/history?name=Paged&end={third}")["alert_history"]
    assert sorted(ids(later) + ids(earlier)) == numbers  # type: ignore[type-var]
    assert numbers[4] in ids(later)
    assert numbers[0] in ids(earlier)


def test_a_silence_is_previewed_mutes_and_ends(server: Alerting) -> None:
    number = server.fire("Silenced one", labels={"host": "web7"})
    preview = server.get("/api/v1/silences/preview?matcher=host%3D%22web7%22")
    assert (preview["total"], ids(preview["alerts"])) == (1, [number])
    _, made = server.post("/api/v1/silences", {"matchers": ['host="web7"'], "for": "1h", "comment": "known"})
    assert (made["state"], made["created_by"], made["maintenance"], made["matchers"]) == ("active", "test", False, ['host="web7"'])
    assert server.get(f"/api/v1/silences/{made['id']}")["comment"] == "known"
    assert server.get(f"/api/v1/alerts/{number}")["muted_by"].startswith("silence")
    _, longer = server.post("/api/v1/silences", {"id": made["id"], "matchers": ['host="web7"'], "for": "3h", "comment": "known"})
    assert longer["id"] == made["id"]
    assert longer["ends_at"] > made["ends_at"]
    status, ended = server.post(f"/api/v1/silences/{made['id']}/expire")
    assert (status, ended["state"]) == (200, "expired")
    assert made["id"] not in ids(server.get("/api/v1/silences")["silences"])
    assert made["id"] in ids(server.get("/api/v1/silences?state=expired")["silences"])


def test_patterns_of_what_fired(server: Alerting) -> None:
    for _ in range(4):
        number = server.fire("It flaps", "error", name="Flapper")
        server.post(f"/api/v1/alerts/{number}/resolve")
    found = server.get("/api/v1/alerts/stats?over=1h&zone=Europe/Berlin")
    assert next(one for one in found["noisiest"] if one["name"] == "Flapper")["fired"] == 4
    assert [(one["fired"], one["returns"]) for one in found["flapping"] if one["name"] == "Flapper"] == [(4, 3)]
    assert "Flapper" in [one["name"] for one in found["never_acknowledged"]]
    assert sum(found["by_hour"]) == found["fired"]


# --- commands -----------------------------------------------------------------------------------------------------------------------


def test_commands_from_the_alert_to_its_history(server: Alerting) -> None:
    number = server.fire("Disk \x1b[31m almost full", name="DiskFull", labels={"host": "db1"})
    code, said = server.run("alerts", "list", "alertname=DiskFull")
    assert code == 1
    assert "DiskFull" in said
    assert "\x1b" not in said, "what a program sends cannot steer the terminal"
    assert server.run("alerts", "list", "alertname=Nothing")[0] == 0
    code, said = server.run("alerts", "ack", str(number), "--note", "cleaning up", "--by", "maria", "--for", "2h")
    assert (code, f"{number} DiskFull: acknowledged" in said) == (0, True)
    assert "known to maria" in server.run("alerts", "list", "alertname=DiskFull")[1]
    assert server.run("alerts", "assign", str(number), "tom")[0] == 0
    code, said = server.run("alerts", "show", str(number))
    assert code == 1
    assert all(word in said for word in ("assigned to: tom", "known to: maria", "alert.acknowledged"))
    assert server.run("alerts", "unack", str(number))[0] == 0
    assert server.run("alerts", "resolve", str(number), "--reason", "bigger disk")[0] == 0
    code, said = server.run("alerts", "show", str(number))
    assert (code, "bigger disk" in said) == (0, True)
    code, said = server.run("alerts", "history", "--name", "DiskFull", "--json")
    assert (code, ids(json.loads(said)["alert_history"])) == (0, [number])
    assert "DiskFull" in server.run("alerts", "history", "host=db1")[1]
    assert server.run("alerts", "show", "twelve")[0] == 2
    code, said = server.run("alerts", "resolve", "no such alert")
    assert (code, "no active alert" in said) == (2, True)


def test_commands_that_mute(server: Alerting) -> None:
    number = server.fire("Muted by a command", labels={"host": "web9"})
    code, said = server.run("alerts", "silence", "host=web9", "--for", "2h", "--comment", "known")
    assert (code, "active alerts that it mutes: 1" in said, "Muted by a command" in said) == (0, True, True)
    assert "muted" in server.run("alerts", "list", "host=web9")[1]
    code, said = server.run("alerts", "silences")
    assert (code, 'host="web9"' in said) == (0, True)
    for silence in server.get("/api/v1/silences")["silences"]:
        assert server.run("alerts", "unsilence", silence["id"])[0] == 0
    code, said = server.run("alerts", "maintenance", "--for", "30m", "--comment", "upgrade", "--json")
    begun = json.loads(said)
    assert (code, begun["maintenance"], begun["created_by"]) == (0, True, "root")
    assert begun["mutes"] >= 1
    assert server.get(f"/api/v1/alerts/{number}")["muted_by"]
    assert server.run("alerts", "unsilence", begun["id"])[0] == 0
    assert not server.get(f"/api/v1/alerts/{number}")["muted_by"]
    code, said = server.run("alerts", "silence", "--for", "2h", "--comment", "x")
    assert (code, "say which alerts" in said) == (2, True)


def test_the_report_as_text_json_and_a_page_that_needs_nothing_else(server: Alerting) -> None:
    server.fire("<script>alert(1)</script>", name="<script>alert(1)</script>")
    code, text = server.run("alerts", "stats", "--over", "1h")
    assert (code, "Noisiest" in text, "By hour (UTC)" in text) == (0, True, True)
    code, said = server.run("alerts", "stats", "--json")
    assert (code, json.loads(said)["fired"] > 0) == (0, True)
    code, page = server.run("alerts", "stats", "--html", "--over", "1h", "--zone", "Europe/Berlin")
    assert (code, page.startswith("<!doctype html>"), "By hour (Europe/Berlin)" in page) == (0, True, True)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'src="' not in page
    assert server.run("alerts", "stats", "--html", "--zone", "Nowhere")[0] == 2


def test_without_a_server_commands_say_so(tmp_path: Path, server: Alerting) -> None:
    from tests.serving import keepwell

    done = keepwell("alerts", "list", "--data", str(tmp_path))
    assert (done.returncode, "no Keepwell is running" in done.stderr) == (2, True)
