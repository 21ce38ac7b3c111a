"""What people see of notices, escalations and who is on call, and what they do about them: a real ``keepwell up`` with a real webhook."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.alerts_server import Alerting, alerting
from tests.support import wait_until
from tests.webhook_listener import Listener, listening

CONFIGURATION = """
keepwell: 1
service: shop
checks: {{}}
receivers:
  hook: {{webhook: {{url: "{url}"}}}}
contacts:
  anna: {{email: anna@shop.example.org}}
  ben: {{email: ben@shop.example.org}}
routes: {{receiver: hook, group_wait: 0s, group_by: [alertname], escalate: primary}}
escalations:
  primary: [{{after: 1h, to: week}}]
rotas:
  week: {{people: [anna, ben], handover: "Monday 09:00", zone: Europe/Berlin, starts: 2026-01-05}}
"""


@pytest.fixture(scope="module")
def hook() -> Iterator[Listener]:
    with listening() as found:
        yield found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, hook: Listener) -> Iterator[Alerting]:
    with alerting(tmp_path_factory.mktemp("told"), CONFIGURATION.format(url=hook.url)) as running:
        yield running


def notices(server: Alerting, receiver: str, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = server.get(f"/api/v1/outbox?receiver={receiver}&state={state}")["notices"]
    return found


def page(server: Alerting, path: str) -> str:
    """The HTML of a page."""
    import urllib.request

    with urllib.request.urlopen(f"{server.address}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def test_an_alert_tells_what_was_sent_and_where_its_escalation_is(server: Alerting, hook: Listener) -> None:
    number = server.fire("The API does not answer", name="ApiDown")
    wait_until(lambda: ("ApiDown", "firing") in hook.alerts(), 15, "the notice")
    wait_until(lambda: [one["state"] for one in server.get(f"/api/v1/alerts/{number}")["notices"]] == ["delivered"], 15, "its end")
    shown = server.get(f"/api/v1/alerts/{number}")
    assert [(one["policy"], one["step"]) for one in shown["escalations"]] == [("primary", 1)]
    assert "step 1 of 1 (week) 1h after its begin" in shown["escalations"][0]["message"]
    assert "step 1 of 1 (week)" in page(server, "/alerts")
    assert "step 1 of 1 (week)" in server.run("alerts", "show", str(number))[1]
    server.post(f"/api/v1/alerts/{number}/acknowledge")
    assert server.get(f"/api/v1/alerts/{number}")["escalations"] == []
    server.post(f"/api/v1/alerts/{number}/resolve")
    past = server.get(f"/api/v1/alerts/{number}")
    assert past["notices"], "an alert that has ended still shows what was sent"


def test_a_notice_that_is_not_taken_is_shown_tried_again_or_dropped(server: Alerting, hook: Listener) -> None:
    hook.status = 404
    try:
        server.fire("refused one", name="RefusedOne")
        wait_until(lambda: bool(notices(server, "hook", "refused")), 15, "a refusal")
        (refused,) = notices(server, "hook", "refused")
        assert "404" in refused["error"]
        assert "Try again" in page(server, "/alerts")
        hook.status = 200
        status, again = server.post(f"/api/v1/outbox/{refused['id']}/retry")
        assert (status, again["state"]) in [(200, "waiting"), (200, "delivered")]
        wait_until(lambda: server.get(f"/api/v1/outbox/{refused['id']}")["state"] == "delivered", 15, "the delivery")
        hook.status = 500
        server.fire("failed one", name="FailedOne")
        wait_until(lambda: any(one["tries"] for one in notices(server, "hook", "waiting")), 15, "a try")
        waiting = notices(server, "hook", "waiting")[0]
        status, dropped = server.post(f"/api/v1/outbox/{waiting['id']}/drop")
        assert (status, dropped["state"]) == (200, "dropped")
        first = server.get("/api/v1/outbox?limit=1")
        assert first["next"] == first["notices"][0]["id"]
        assert server.get(f"/api/v1/outbox?before={first['next']}")["notices"][0]["id"] < first["next"]
    finally:
        hook.status = 200


def test_who_is_on_call(server: Alerting) -> None:
    (rota,) = server.get("/api/v1/on-call?ahead=21d")["rotas"]
    assert (rota["rota"], rota["zone"]) == ("week", "Europe/Berlin")
    people = [shift["person"] for shift in rota["shifts"]]
    assert set(people) == {"anna", "ben"}
    assert all(one != after for one, after in itertools.pairwise(people)), "in turn"
    assert datetime.fromisoformat(rota["shifts"][0]["end"]) > datetime.now(UTC)
    code, said = server.run("alerts", "oncall", "--json")
    assert (code, json.loads(said)["rotas"][0]["rota"]) == (0, "week")
    assert people[0] in server.run("alerts", "oncall")[1]
    assert f"<b><bdi>{people[0]}</bdi></b>" in page(server, "/alerts")
    assert server.refused("/api/v1/on-call?ahead=9999y")[0] == 400


def test_a_test_reaches_a_receiver_and_names_one_that_there_is_not(server: Alerting, hook: Listener) -> None:
    status, answer = server.post("/api/v1/test-alert", {"receivers": ["hook"], "message": "Does it ring?"})
    assert status == 200
    assert [(one["receiver"], one["state"]) for one in answer["receivers"]] == [("hook", "delivered")]
    assert "Does it ring?" in json.dumps(hook.told()[-1])
    status, answer = server.post("/api/v1/test-alert", {"receivers": ["nobody"]})
    assert (status, "nobody" in answer["error"]["message"]) == (404, True)


def test_without_receivers_nobody_is_told_and_it_is_said(tmp_path: Path) -> None:
    with alerting(tmp_path) as bare:
        status, answer = bare.post("/api/v1/test-alert")
        assert status in (200, 404), answer
        assert "receiver" in json.dumps(answer)
        assert bare.get("/api/v1/on-call")["rotas"] == []
        assert "there are no rotas" in bare.run("alerts", "oncall")[1]
