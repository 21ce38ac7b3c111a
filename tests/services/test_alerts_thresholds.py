"""Thresholds changed while Keepwell runs: versions, what they change, and that they are obeyed."""

import json
import urllib.error
from collections.abc import Iterator
from typing import Any

import pytest

from tests.alerts_rules import Ruled, ruled
from tests.serving import keepwell

RULES = """\
figures: {load: load, orders: orders}
rules:
  - {alert: high_error_rate, group: json_interface, when: "load > 10%", every: 1s, severity: warning}
  - {kpi: orders, warning: "> 10", critical: "> 20", every: 1s}
  - {alert: NoNumber, expr: 'load > on() orders', every: 1s}
"""
CONFIG = "/api/v1/alerts/config"


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    """A server for each test: versions count up."""
    with ruled(tmp_path_factory.mktemp("thresholds"), RULES) as running:
        yield running


def ask(server: Ruled, method: str, body: Any, path: str = CONFIG) -> Any:
    return server.call(method, path, json.dumps(body).encode())


def refused(server: Ruled, method: str, body: Any, path: str = CONFIG) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, method, body, path)
    return caught.value.code, json.load(caught.value)["error"]["message"]


def test_a_threshold_is_changed_obeyed_listed_and_taken_back(server: Ruled) -> None:
    server.push("load 0.07\n")
    assert server.server.get(CONFIG)["rules"]["json_interface"] == {"high_error_rate": {"enabled": True, "threshold": 0.1}}
    answer = ask(server, "PUT", {"rules": {"json_interface": {"high_error_rate": {"threshold": 0.05, "enabled": True}}}, "reason": "less"})
    assert answer["version"] == 1
    assert [change["sentence"] for change in answer["changes"]] == ["json_interface/high_error_rate: threshold as in the file -> 0.05"]
    assert answer["rules"]["json_interface"]["high_error_rate"]["threshold"] == 0.05
    assert answer["file"]["json_interface"]["high_error_rate"]["threshold"] == 0.1
    (alert,) = server.until("high_error_rate", "firing")
    assert alert["annotations"]["summary"] == "load is 7 %; > 5 % is a reason to tell"
    server.again(kill=True)
    assert server.server.get(CONFIG)["version"] == 1
    assert [one["id"] for one in server.until("high_error_rate", "firing")] == [alert["id"]]
    (listed,) = [rule for rule in server.server.get("/api/v1/alerts/rules")["rules"] if rule["name"] == "high_error_rate"]
    assert (listed["state"], listed["overridden"], listed["threshold"]) == ("firing", True, 0.05)
    back = ask(server, "POST", {"to": 0, "reason": "too many"}, f"{CONFIG}/revert")
    assert (back["version"], back["overrides"]) == (2, {})
    server.told("high_error_rate", "firing", "resolved")
    versions = server.server.get(f"{CONFIG}/versions")["versions"]
    assert [(one["version"], one["reverts"], one["reason"], len(one["changes"])) for one in versions] == [
        (2, 0, "too many", 1),
        (1, None, "less", 1),
    ]
    assert server.server.get(f"{CONFIG}/diff?from=1&to=2")["changes"][0]["after"] is None


def test_put_replaces_and_patch_amends(server: Ruled) -> None:
    ask(server, "PATCH", {"rules": {"rules": {"Orders": {"warning": 5}}}})
    both = ask(server, "PATCH", {"rules": {"json_interface": {"high_error_rate": {"threshold": "20%"}}}})
    assert both["overrides"] == {"json_interface/high_error_rate": {"threshold": 0.2}, "rules/Orders": {"warning": 5.0}}
    same = ask(server, "PATCH", {"rules": {"json_interface": {"high_error_rate": {"threshold": 0.2}}}})
    assert (same["version"], same["changes"]) == (2, [])
    one = ask(server, "PUT", {"rules": {"rules": {"Orders": {"critical": 30, "warning": 10}}}})
    assert one["overrides"] == {"rules/Orders": {"critical": 30.0}}
    assert ask(server, "PATCH", {"rules": {"rules": {"Orders": {"critical": None}}}})["overrides"] == {}
    assert refused(server, "PATCH", {"rules": {}, "version": 1})[0] == 409


def test_what_cannot_be_changed_is_said_all_at_once(server: Ruled) -> None:
    wrong = {
        "json_interface": {"high_eror_rate": {"threshold": 1}, "high_error_rate": {"threshold": "5s", "treshold": 3, "enabled": 1}},
        "rules": {"Orders": {"warning": 25}, "NoNumber": {"threshold": 1}},
    }
    status, message = refused(server, "PUT", {"rules": wrong})
    assert (status, message) == (400, 'there is no rule "json_interface/high_eror_rate"')
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask(server, "PUT", {"rules": wrong})
    problems = [(one["message"], one["hint"]) for one in json.load(caught.value)["error"]["problems"]]
    assert problems[0][1] == 'did you mean "json_interface/high_error_rate"?'
    assert [message for message, _ in problems[1:]] == [
        'json_interface/high_error_rate: threshold "5s" is no ratio as the file has it: > 10%',
        'json_interface/high_error_rate has no "treshold" that can be changed',
        "json_interface/high_error_rate: enabled is true or false, not 1.0",
        "rules/Orders: critical > 20 is not worse than warning > 25",
        'rules/NoNumber has no "threshold" that can be changed',
    ]
    assert server.server.get(CONFIG)["version"] == 0
    assert refused(server, "POST", {"to": 7}, f"{CONFIG}/revert")[0] == 404
    assert refused(server, "POST", {"to": 2**63}, f"{CONFIG}/revert")[0] == 422
    assert refused(server, "GET", None, f"{CONFIG}/versions?before={2**63}")[0] == 422


def test_a_rule_that_is_switched_off_ends_its_alerts(server: Ruled) -> None:
    server.push("load 0.5\n")
    server.told("high_error_rate", "firing")
    ask(server, "PATCH", {"rules": {"json_interface": {"high_error_rate": {"enabled": False}}}})
    server.told("high_error_rate", "firing", "resolved")


def run(server: Ruled, *arguments: str) -> tuple[int, str]:
    done = keepwell("rules", *arguments, "--data", str(server.server.data))
    return done.returncode, done.stdout + done.stderr


def words(line: str) -> str:
    return " ".join(line.split())


def test_commands(server: Ruled) -> None:
    server.push("load 0.07\norders 3\n")
    assert run(server, "thresholds", "--versions") == (0, "nothing was ever changed: all thresholds are those of the file\n")
    status, text = run(server, "set", "json_interface/high_error_rate", "threshold=5%", "--reason", "the release is noisy")
    assert (status, text) == (0, "json_interface/high_error_rate: threshold as in the file -> 0.05\nversion 1 is in force\n")
    server.until("high_error_rate", "firing")
    status, text = run(server, "list")
    (line,) = [line for line in text.splitlines() if "high_error_rate" in line]
    assert (status, words(line)) == (0, "firing json_interface/high_error_rate warning load > 5 % (changed) 7 %")
    _, text = run(server, "thresholds")
    (line,) = [line for line in text.splitlines() if "high_error_rate" in line and "threshold" in line]
    assert words(line) == "json_interface/high_error_rate threshold > 5 % > 10 %"
    status, text = run(server, "set", "Orders", "warning=50")
    assert status == 2
    assert "rules/Orders: critical > 20 is not worse than warning > 50" in text
    status, text = run(server, "revert", "0")
    assert text.endswith("version 2 is in force\n")
    assert "the release is noisy" in run(server, "thresholds", "--versions")[1]
