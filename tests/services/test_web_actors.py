"""What is sent to a server. The record says who sent it: a name in a body is a fact, never the actor; and pages stay short."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runs_served import accept
from tests.serving import Served, keepwell, operations, serving, token_in
from tests.support import wait_until

OPERATIONS = """\
keepwell: 1
service: shop
checks: {{}}
incidents: {{severities: {{P1: {{respond: 15m}}}}}}
audits:
  permissions: {{world_writable: {{paths: [{folder}]}}, every: yearly}}
logs:
  shop:
    paths: ["{folder}/*.log"]
    rotate: {{keep: 3}}
    analyse: [{{name: words, in: {folder}/app.log, ask: top, by: message}}]
tasks:
  review: {{every: 5s}}
  look: {{every: 5s}}
"""
CHECKLIST = "# Checklist\n\n- [ ] Look at the orders\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, str]]:
    """A server, and the token ``robot`` that may do everything there."""
    folder = tmp_path_factory.mktemp("actors")
    looked = folder / "looked"
    looked.mkdir()
    (looked / "app.log").write_text("a line\n")
    directory = operations(folder / "ops", OPERATIONS.format(folder=looked))
    (directory / "runbooks").mkdir()
    (directory / "runbooks" / "checklist.md").write_text(CHECKLIST)
    accept(directory)
    token = token_in(folder / "data", name="robot")
    with serving(directory, folder / "data") as server:
        yield server, token


def post(served: tuple[Served, str], path: str, body: Any) -> tuple[int, Any]:
    """Status and answer of a POST by ``robot``."""
    server, token = served
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", json.dumps(body).encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def newest(data: Path, subject: str, *events: str) -> dict[str, Any]:
    """The newest entry of the journal with one of these events."""
    entries = json.loads(keepwell("journal", "list", "--limit", "1000", "--data", str(data), "--json").stdout)
    found = [one for one in entries if one["subject"].startswith(subject) and one["event"] in events]
    return max(found, key=lambda one: int(one["number"]))


@pytest.mark.parametrize(
    ("path", "body", "subject", "event"),
    [
        ("/api/v1/incidents", {"severity": "P1", "title": "orders are late"}, "incidents/", "incident.opened"),
        ("/api/v1/audits/permissions/run", {}, "audits/permissions", "audit.done"),
        ("/api/v1/logs/shop/analyse", {}, "logs/shop", "logs.analysed"),
        ("/api/v1/logs/shop/rotate", {}, "logs/shop", "logs.rotated"),
    ],
)
def test_the_record_names_who_sent_it(served: tuple[Served, str], path: str, body: Any, subject: str, event: str) -> None:
    status, answer = post(served, path, {**body, "by": "keepwell"})
    assert status == 200, answer
    entry = newest(served[0].data, subject, event)
    assert (entry["actor"], entry["facts"].get("by")) == ("robot", "keepwell")


@pytest.mark.parametrize(("name", "word"), [("review", "done"), ("look", "skip")])
def test_who_closed_a_task(served: tuple[Served, str], name: str, word: str) -> None:
    wait_until(lambda: post(served, f"/api/v1/tasks/{name}/{word}", {"by": "keepwell"})[0] == 200, 30, "a task that waits")
    entries = json.loads(keepwell("journal", "list", "--limit", "1000", "--data", str(served[0].data), "--json").stdout)
    found = [one["actor"] for one in entries if one["subject"] == f"tasks/{name}" and " by keepwell" in one["facts"].get("sentence", "")]
    assert found == ["robot"]


def test_who_ticked_a_step(served: tuple[Served, str]) -> None:
    status, run = post(served, "/api/v1/runs", {"runbook": "checklist"})
    assert status == 200, run
    step = run["steps"][0]["name"]
    wait_until(lambda: served[0].get(f"/api/v1/runs/{run['id']}")["sentence"] != "", 30, "a run that waits")
    status, answer = post(served, f"/api/v1/runs/{run['id']}/steps/{step}/tick", {"by": "keepwell"})
    assert status == 200, answer
    entry = newest(served[0].data, f"runs/{run['id']}", "run.step-ticked")
    assert (entry["actor"], entry["facts"].get("by")) == ("robot", "keepwell")
    assert served[0].get(f"/api/v1/runs/{run['id']}")["steps"][0]["by"] == "keepwell"


def test_what_is_over_is_a_conflict_and_no_fault(served: tuple[Served, str]) -> None:
    _, opened = post(served, "/api/v1/incidents", {"severity": "P1", "title": "over soon"})
    assert post(served, f"/api/v1/incidents/{opened['id']}/resolve", {})[0] == 200
    status, answer = post(served, f"/api/v1/incidents/{opened['id']}/resolve", {})
    assert (status, answer["error"]["code"]) == (409, "incidents.resolved")


def test_a_page_shows_the_first_hundred_and_counts_the_rest(served: tuple[Served, str]) -> None:
    port = served[0].port
    for number in range(103):
        silence = {"matchers": [f"job=job{number}"], "comment": "moving", "for": "1h"}
        assert post(served, "/api/v1/silences", silence)[0] == 200
        assert post(served, "/api/v1/incidents", {"severity": "P1", "title": f"number {number}"})[0] == 200
    opened = len(served[0].get("/api/v1/incidents?state=open&limit=1000")["incidents"])
    for path, words, marks in (
        ("/alerts", "and 3 more: <code>keepwell alerts silences", "moving</bdi>"),
        ("/incidents", f"and {opened - 100} that were opened before", 'class="name"'),
    ):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            page = answer.read().decode()
        assert words in page
        assert page.count(marks) >= 100


def test_no_answer_is_kept_by_a_browser_that_does_not_say_so(served: tuple[Served, str]) -> None:
    for path in ("/api/v1/checks", "/health", "/metrics", "/api/v1/openapi.json"):
        with urllib.request.urlopen(f"http://127.0.0.1:{served[0].port}{path}", timeout=10) as answer:
            assert answer.headers["cache-control"] == "no-store"
    with urllib.request.urlopen(f"http://127.0.0.1:{served[0].port}/", timeout=10) as answer:
        style = re.search(r'href="(/static/[^"]+keepwell.css)"', answer.read().decode())
    assert style is not None
    with urllib.request.urlopen(f"http://127.0.0.1:{served[0].port}{style[1]}", timeout=10) as answer:
        assert "immutable" in answer.headers["cache-control"]
