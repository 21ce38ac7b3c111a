"""Rules over samples against a real ``keepwell up``: samples come, a webhook hears."""

from collections.abc import Iterator

import pytest

from tests.alerts_rules import Ruled, ruled
from tests.support import wait_until

RULES = """\
figures:
  error rate: sum(failed) / sum(all_of_them)
  Queue  Depth: queue_depth
rules:
  - {alert: ErrorRate, when: "error rate > 10% for 1s", severity: critical, recovery: "< 5%", every: 1s, runbook: errors}
  - {kpi: queue depth, warning: "> 10", critical: "> 20", every: 1s}
  - alert: Hot
    expr: 'temperature > 30'
    labels: {room: "{{ $labels.place }}", empty: ""}
    annotations: {text: "{{ $value }} degrees"}
    every: 1s
  - {alert: Waits, when: "orders per minute < 3", severity: warning}
  - {alert: Quiet, expr: 'never_measured > 1', no_data_for: 1s, every: 1s, severity: page}
  - {alert: Broken, expr: 'sum by (a) (two) > on(b) three', no_data_for: 1s, every: 1s}
  - {alert: "Off", expr: 'vector(1) > 0', enabled: false}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ruled]:
    """One server for all tests of this file: each brings samples of its own."""
    with ruled(tmp_path_factory.mktemp("rules"), RULES) as running:
        yield running


def test_words_wait_fire_and_recover(server: Ruled) -> None:
    server.push("failed 20\nall_of_them 100\n")
    (alert,) = server.until("ErrorRate", "firing")
    assert alert["labels"] == {"alertname": "ErrorRate", "severity": "critical", "service": "shop"}
    assert alert["annotations"] == {"summary": "error rate is 20 %; > 10% is a reason to tell", "runbook": "errors"}
    server.push("failed 7\n")
    wait_until(lambda: [one["value"] for one in server.active("ErrorRate")] == [0.07], 30, "7 %, not yet recovered")
    server.push("failed 4\n")
    server.told("ErrorRate", "firing", "resolved")


def test_a_kpi_tells_of_the_worse_one_only(server: Ruled) -> None:
    server.push('queue_depth{queue="mail"} 25\n')
    alerts = server.until("QueueDepth", "firing", "firing")
    assert {alert["labels"]["severity"] for alert in alerts} == {"warning", "critical"}
    server.told("QueueDepth", "firing")
    (notice,) = [one for one in server.hook.told() if one["alerts"][0]["labels"]["alertname"] == "QueueDepth"]
    labels = {"alertname": "QueueDepth", "severity": "critical", "service": "shop", "kpi": "queue depth", "queue": "mail"}
    assert notice["alerts"][0]["labels"] == labels


def test_series_of_an_expression_with_templates(server: Ruled) -> None:
    server.push('temperature{place="cellar"} 31.5\ntemperature{place="roof"} 20\n')
    (alert,) = server.until("Hot", "firing")
    assert alert["labels"] == {"alertname": "Hot", "place": "cellar", "room": "cellar", "service": "shop"}
    assert alert["annotations"]["text"] == "31.5 degrees"
    server.push('temperature{place="cellar"} NaN\n')
    server.told("Hot", "firing", "resolved")


def test_no_data_and_errors_have_alerts_of_their_own(server: Ruled) -> None:
    server.push('two{a="1"} 1\nthree{b="1", c="1"} 1\nthree{b="1", c="2"} 1\n')
    (quiet,) = server.until("NoData Quiet", "firing")
    assert quiet["labels"] == {"alertname": "NoData", "rule": "Quiet", "severity": "page", "service": "shop"}
    (broken,) = server.until("RuleError Broken", "firing")
    assert "Broken cannot be evaluated: " in broken["annotations"]["summary"]
    server.push("never_measured 0\n")
    server.told("NoData Quiet", "firing", "resolved")
