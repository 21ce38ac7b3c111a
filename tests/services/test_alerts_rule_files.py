"""Alerts of Prometheus' own rule files against a real ``keepwell up``: told, and the same alerts still after a restart."""

from pathlib import Path

import pytest

from tests.alerts_rules import ruled

CONFIGURATION = """\
samples: {external_labels: {region: north}}
rule_files: [rules.yml]
"""
FILE = """\
groups:
  - name: rooms
    interval: 1s
    rules:
      - {alert: Hot, expr: 'temperature > 30', labels: {severity: page}, annotations: {text: "{{ $value }} degrees"}}
      - {alert: Warm, expr: 'temperature > 25', for: 1h}
"""


@pytest.mark.parametrize("kill", [False, True])
def test_alerts_of_rule_files_outlive_the_server(tmp_path: Path, kill: bool) -> None:
    with ruled(tmp_path, CONFIGURATION, {"rules.yml": FILE}) as server:
        server.push('temperature{place="cellar"} 31.5\n')
        (hot,) = server.until("Hot", "firing")
        assert hot["labels"] == {"alertname": "Hot", "place": "cellar", "severity": "page", "region": "north", "service": "shop"}
        assert hot["annotations"] == {"text": "31.5 degrees"}
        assert hot["generator_url"] == "http://shop.test/prometheus/api/v1/query?query=temperature%20%3E%2030"
        (warm,) = server.until("Warm", "pending")
        server.told("Hot", "firing")
        server.again(kill=kill)
        (same,) = server.until("Hot", "firing")
        assert (same["id"], same["firing_since"]) == (hot["id"], hot["firing_since"])
        assert [alert["id"] for alert in server.until("Warm", "pending")] == [warm["id"]]
        rule = server.server.get("/prometheus/api/v1/rules?type=alert")["data"]["groups"][0]["rules"][0]
        assert (rule["state"], rule["alerts"][0]["state"]) == ("firing", "firing")
        server.push('temperature{place="cellar"} 20\n')
        server.until("Warm")
        server.told("Hot", "firing", "resolved")


def test_alerts_of_files_that_are_gone_end(tmp_path: Path) -> None:
    with ruled(tmp_path, CONFIGURATION, {"rules.yml": FILE}) as server:
        server.push('temperature{place="cellar"} 31.5\n')
        server.told("Hot", "firing")
        path = server.server.directory / "rules.yml"
        path.write_text("groups: []\n")
        server.call("POST", "/api/v1/reload")
        server.told("Hot", "firing", "resolved")
        assert server.active("Warm") == []
