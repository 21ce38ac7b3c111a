"""Incidents of a real keepwell up: an alert opens one, people answer it, pages and the review show it, a crash loses none."""

import signal
import urllib.request
from pathlib import Path

from tests.alerts_server import Alerting
from tests.serving import KEEPWELL, Served, keepwell, operations, token_in
from tests.support import wait_until

OPERATIONS = """\
keepwell: 1
service: shop
checks: {}
incidents:
  severities: {P1: {respond: 15m, update: 30m, means: Down}, P2: {respond: 1h}}
  diagnostics:
    kernel: {shell: "echo token=abcdefghijkl; uname -s"}
    never: {run: [uname, -r]}
"""


def _text(server: Served, path: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"accept": "text/html"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def _accept_one(directory: Path) -> None:
    """Accepts both diagnostics, then changes the text of one: it may not run any more."""
    assert keepwell("accept", str(directory), "--yes").returncode == 0
    file = directory / "keepwell.yaml"
    file.write_text(file.read_text().replace("uname, -r", "uname, -m"))


def test_an_alert_opens_an_incident_that_is_answered_kept_and_reviewed(tmp_path: Path) -> None:
    directory, data = operations(tmp_path / "ops", OPERATIONS), tmp_path / "data"
    _accept_one(directory)
    token = token_in(data, "alerts.write")
    server = Served(directory, data).ready()
    alerting = Alerting(server, token)
    try:
        assert alerting.run("incidents", "list") == (0, "no incident is open\n")
        alerting.fire("the api is down", name="ApiDown")
        wait_until(lambda: alerting.run("incidents", "list")[0] == 1, what="an incident")
        wait_until(lambda: all(one["outcome"] != "under way" for one in server.get("/api/v1/incidents/1")["evidence"]), what="evidence")
        told = {one["name"]: one for one in server.get("/api/v1/incidents/1")["evidence"]}
        assert told["never"]["outcome"].startswith("not run: ")
        assert told["never"]["output"] is None
        _, output = alerting.run("incidents", "output", "1", told["kernel"]["output"])
        assert output == "token=[redacted]\nLinux\n"
        assert alerting.run("incidents", "ack", "1", "--by", "anna", "--note", "on it") == (0, "incident 1: acknowledged\n")
    finally:
        server.signal(signal.SIGKILL)
        server.kill()
    again = Served(directory, data, program=(KEEPWELL,)).ready()
    alerting = Alerting(again, alerting.token)
    try:
        (one,) = again.get("/api/v1/incidents?state=open")["incidents"]
        assert (one["acknowledged"]["by"], one["acknowledged"]["note"]) == ("anna", "on it")
        assert "ApiDown: the api is down" in _text(again, "/incidents")
        assert "evidence kernel on local" in _text(again, "/incidents/1")
        assert alerting.run("incidents", "note", "1", "restarted it")[0] == 0
        assert alerting.run("incidents", "severity", "1", "P2", "--note", "only one room") == (0, "incident 1: is P2 now\n")
        assert alerting.run("incidents", "mitigate", "1")[0] == 0
        assert alerting.run("incidents", "resolve", "1", "--note", "disk replaced")[0] == 0
        code, review = alerting.run("incidents", "review", "1")
        assert code == 0
        assert review.startswith("# Incident 1: ApiDown: the api is down\n")
        assert "| anna |" in review
        assert alerting.run("incidents", "resolve", "1")[0] == 2
        assert alerting.run("incidents", "show", "1")[0] == 0
        assert alerting.run("incidents", "show", "9") == (2, alerting.run("incidents", "show", "9")[1])
        status, refused = alerting.post("/api/v1/incidents", {"title": "x", "severity": "P1"})
        assert (status, refused["error"]["code"]) == (403, "refused.permission")
        code, text = alerting.run("incidents", "open", "x", "--severity", "P9")
        assert code == 2
        assert "there is no severity 'P9'" in text
    finally:
        again.stop()


def test_a_run_of_its_runbook_is_in_its_timeline_and_another_is_not(tmp_path: Path) -> None:
    text = (
        OPERATIONS.split("incidents:")[0] + "incidents:\n  severities: {P1: {runbook: ./runbooks/p1.md}, P2: {runbook: runbooks/p2.md}}\n"
    )
    directory, data = operations(tmp_path / "ops", text), tmp_path / "data"
    for name in ("p1", "p2"):
        (directory / "runbooks").mkdir(exist_ok=True)
        steps = f'# {name}\n\n```sh {{"name": "restart"}}\necho started\n```\n\n- [ ] Is there sound?\n'
        (directory / "runbooks" / f"{name}.md").write_text(steps)
    assert keepwell("accept", str(directory), "--yes").returncode == 0
    token = token_in(data, "alerts.write")
    server = Served(directory, data).ready()
    alerting = Alerting(server, token)
    try:
        assert alerting.run("incidents", "open", "no sound", "--severity", "P1")[0] == 0
        assert alerting.run("run", "p2")[0] == 1
        assert alerting.run("run", "p1")[0] == 1  # it waits for a person
        assert alerting.run("runs", "tick", "2", "is-there-sound", "--note", "loud and clear")[0] == 0
        wait_until(lambda: server.get("/api/v1/runs/2")["state"] == "done", what="the run")
        _, told = alerting.run("incidents", "show", "1")
        said = [line.strip() for line in told.partition("Timeline")[2].splitlines()]
        wanted = (
            "opened as P1",
            "run 2 of runbooks/p1.md",
            "run 2: restart done",
            "run 2 waits",
            "run 2: is-there-sound ticked: loud and clear",
            "run 2 done",
        )
        places = [next((at for at, line in enumerate(said) if part in line), None) for part in wanted]
        assert None not in places, told
        assert places == sorted(places), told  # type: ignore[type-var]
        assert "p2.md" not in told
        assert alerting.run("incidents", "open", "rooms are silent", "--severity", "P2")[0] == 0
        assert alerting.run("incidents", "merge", "2", "--into", "1") == (0, "incident 1: has incident 2 as a part\n")
        assert "part of incident 1" in alerting.run("incidents", "show", "2")[1]
        _, told = alerting.run("incidents", "show", "1")
        assert "incident 2 is part of it: rooms are silent" in told
        assert "it is part of" not in told
        assert alerting.run("incidents", "open", "no sound", "--severity", "P1")[0] == 0
        assert alerting.run("run", "p1")[0] == 1
        assert alerting.run("incidents", "merge", "3", "--into", "1")[0] == 0
        assert alerting.run("incidents", "show", "1")[1].count("run 3 of runbooks/p1.md") == 1
        assert 'href="/runs/2"' in _text(server, "/incidents/1")
        assert "run 2 of runbooks/p1.md" in alerting.run("incidents", "review", "1")[1]
    finally:
        server.stop()
