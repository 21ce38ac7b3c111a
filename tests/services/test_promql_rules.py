"""Rule files in a running server, and the commands about them."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.serving import Served, keepwell, operations, serving
from tests.support import wait_until

CONFIGURATION = 'keepwell: 1\nservice: ruled\nrule_files: ["rules/*.yml"]\n'
OUTSIDE = "samples: {external_labels: {cluster: berlin}}\nweb: {external_url: https://keepwell.example.com/}\n"
RULES = """\
groups:
  - name: own
    interval: 1s
    rules:
      - {record: own:answer, expr: vector(41) + 1, labels: {unit: none}}
      - {record: own:double, expr: own:answer * 2}
      - alert: Doubled
        expr: own:double > 80
        for: 2s
        labels: {severity: page}
        annotations:
          summary: '{{ $value | humanize }} and {{ query "own:answer" | first | value }}'
          where: '{{ $externalLabels.cluster }}, {{ $externalURL }}'
      - {record: own:broken, expr: own:answer + on () group_left () (own:answer or own:double or vector(1))}
"""


def ask(server: Served, expression: str) -> list[Any]:
    answer = server.get(f"/prometheus/api/v1/query?query={quote(expression)}")
    return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]


def rules(server: Served) -> dict[str, Any]:
    groups = server.get("/prometheus/api/v1/rules")["data"]["groups"]
    return {rule["name"]: rule for group in groups for rule in group["rules"]}


def test_rules_are_evaluated_shown_kept_and_read_again(tmp_path: Path) -> None:
    folder = operations(tmp_path / "ops", CONFIGURATION + OUTSIDE)
    (folder / "rules").mkdir()
    path = folder / "rules" / "own.yml"
    path.write_text(RULES)
    with serving(folder, tmp_path / "data") as server:
        wait_until(lambda: bool(ask(server, 'ALERTS{alertstate="firing"}')), 60, "an alert that fires")
        assert ask(server, "own:answer") == [({"__name__": "own:answer", "unit": "none"}, 42.0)]
        assert ask(server, "own:double") == [({"__name__": "own:double", "unit": "none"}, 84.0)]
        (alert,) = server.get("/prometheus/api/v1/alerts")["data"]["alerts"]
        assert (alert["labels"], alert["state"]) == ({"alertname": "Doubled", "severity": "page", "unit": "none"}, "firing")
        assert alert["annotations"] == {"summary": "84 and 42", "where": "berlin, https://keepwell.example.com"}
        assert {name: rule["health"] for name, rule in rules(server).items()}["own:double"] == "ok"

        path.write_text(RULES.replace("own:answer * 2", "own:answer *"))
        refused = keepwell("reload", "--data", str(server.data))
        assert refused.returncode == 1
        assert "own.yml:6:" in refused.stderr
        assert rules(server)["own:double"]["query"] == "own:answer * 2"
        assert "many-to-many" in rules(server)["own:broken"]["lastError"]
        health = server.get("/health")
        assert health["status"] == "degraded"
        assert health["services"]["rules"].startswith("rule own:broken of group own cannot be evaluated: found duplicate series")

        (folder / "keepwell.yaml").write_text(CONFIGURATION + OUTSIDE.replace("berlin", "paris"))
        path.write_text(RULES.replace("vector(41)", "vector(10)").replace("own:broken", "own:other"))
        assert keepwell("reload", "--data", str(server.data)).returncode == 0
        wait_until(lambda: ask(server, "own:double") == [({"__name__": "own:double", "unit": "none"}, 22.0)], 60, "the new rules")
        wait_until(lambda: not ask(server, "ALERTS"), 60, "the end of the alert")
        path.write_text(RULES.replace("own:broken", "own:other"))
        assert keepwell("reload", "--data", str(server.data)).returncode == 0
        wait_until(
            lambda: "paris, https://keepwell.example.com" in json.dumps(server.get("/prometheus/api/v1/alerts")), 60, "the new label"
        )
        path.write_text(RULES.replace("vector(41)", "vector(10)").replace("own:broken", "own:other"))
        assert keepwell("reload", "--data", str(server.data)).returncode == 0
        wait_until(lambda: not ask(server, "ALERTS"), 60, "the end of the alert again")
        assert server.get("/prometheus/api/v1/alerts")["data"]["alerts"] == []
        assert server.get("/health")["services"]["rules"].startswith("rule own:other of group own cannot be evaluated")
        moment = quote("max_over_time(own:answer[10m])")
        assert server.get(f"/prometheus/api/v1/query?query={moment}")["data"]["result"][0]["value"][1] == "42"


WAITING = """\
groups:
  - name: waiting
    interval: 1s
    rules: [{alert: Slow, expr: vector(1), for: 30m}]
"""


def for_state(server: Served) -> list[tuple[float, float]]:
    """When the alert was seen, and since when it was active then (seconds since 1970)."""
    answer = server.get(f"/prometheus/api/v1/query?query={quote('ALERTS_FOR_STATE[1h]')}")
    return [(float(at), float(value)) for one in answer["data"]["result"] for at, value in one["values"]]


def test_after_a_crash_an_alert_goes_on_waiting_from_where_the_disk_says_it_stood(tmp_path: Path) -> None:
    folder = operations(tmp_path / "ops", CONFIGURATION)
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yml").write_text(WAITING)

    def has_waited(server: Served) -> bool:
        seen = for_state(server)
        return bool(seen) and seen[-1][0] - seen[0][1] >= 12

    with serving(folder, tmp_path / "data") as server:
        wait_until(lambda: has_waited(server), 90, "an alert that waits for twelve seconds")
        server.kill()
    with serving(folder, tmp_path / "data") as server:
        wait_until(lambda: len({value for _, value in for_state(server)}) == 2, 60, "an alert that goes on waiting")
        seen = for_state(server)
        (alert,) = server.get("/prometheus/api/v1/alerts")["data"]["alerts"]
    before = [one for one in seen if one[1] == seen[0][1]]
    first = next(one for one in seen if one[1] != seen[0][1])
    assert alert["state"] == "pending"
    away = first[0] - before[-1][0]
    # While nobody looked no time passed for it. What it had waited before counts: anew it would be active since the restart.
    assert before[0][1] < first[1] <= before[0][1] + away + 1


def test_validate_names_the_problems_of_rule_files(tmp_path: Path) -> None:
    folder = operations(tmp_path / "ops", CONFIGURATION.replace('["rules/*.yml"]', "[rules/own.yml, rules/none.yml]"))
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yml").write_text(RULES.replace("humanize", "humanise").replace("> 80", "> "))
    done = keepwell("validate", str(folder))
    assert done.returncode == 1
    assert "own.yml:8:" in done.stdout
    assert "own.yml:12:" in done.stdout
    assert 'the rule file "rules/none.yml" does not exist' in done.stdout
    assert "3 problems" in done.stdout


def test_check_tells_of_every_file(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(RULES)
    bad.write_text("groups: [{name: a, rules: [{record: x, expr: 'rate(y)', for: 1m}]}]")
    done = keepwell("rules", "check", str(good), str(bad), str(tmp_path / "none.yml"), "--json")
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(one["valid"], one.get("rules"), len(one.get("problems", ()))) for one in answer["files"]] == [
        (True, 4, 0),
        (False, None, 2),
        (False, None, 1),
    ]
    assert keepwell("rules", "check", str(good)).returncode == 0


def test_test_shows_what_was_expected_and_what_came(tmp_path: Path) -> None:
    (tmp_path / "own.yml").write_text(RULES[: RULES.index("      - {record: own:broken")])
    tests = tmp_path / "tests.yml"
    tests.write_text(
        """\
rule_files: [own.yml]
tests:
  - name: right
    promql_expr_test: [{expr: own:double, eval_time: 1m, exp_samples: [{labels: 'own:double{unit="none"}', value: 84}]}]
  - name: wrong
    promql_expr_test: [{expr: own:double, eval_time: 1m, exp_samples: [{labels: 'own:double', value: 1}]}]
"""
    )
    done = keepwell("rules", "test", str(tests))
    assert done.returncode == 1
    assert 'tests.yml:6: test "wrong": own:double at 1m' in done.stdout
    assert 'expected: {__name__="own:double"} 1\n' in done.stdout
    assert 'got:      {__name__="own:double", unit="none"} 84\n' in done.stdout
    assert keepwell("rules", "test", str(tests), "--run", "^right").returncode == 0
