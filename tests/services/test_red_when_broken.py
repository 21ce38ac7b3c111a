"""The floors of what import is for: what it made of two manuals is red when its matter is broken, and hardly ever when nothing is."""

import pytest

from bench.injected import Injection, injections, judges_nothing, why_not
from bench.red_when_broken import Measured, Red, Row, measure

FLOOR = 95.0
CEILING = 1.0


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure()


@pytest.mark.slow
@pytest.mark.xdist_group("systemd-host")
@pytest.mark.timeout(900)
def test_imported_checks_are_red_when_their_matter_is_broken(measured: Measured) -> None:
    wrong = [f"{row.check} under {row.fault}: {row.state}: {row.sentence}" for row in measured.rows if not row.is_right]
    assert len(measured.rows) >= 60, "a measurement of little says little"
    assert measured.right >= FLOOR, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.xdist_group("systemd-host")
@pytest.mark.timeout(900)
def test_imported_checks_are_quiet_when_nothing_is_broken(measured: Measured) -> None:
    assert measured.looks >= 1500
    assert measured.false_alarms <= CEILING, "\n".join(f"{red.check}: {red.state}: {red.sentence}" for red in measured.wrong)


def test_a_row_is_right_only_when_red_with_its_words_and_well_before_and_after() -> None:
    right = Row("c", "f", "refused", "fail", "connection refused", (True, True))
    assert right.is_right
    for wrong in (
        Row("c", "f", "refused", "ok", "connection refused", (True, True)),
        Row("c", "f", "refused", "unknown", "connection refused", (True, True)),
        Row("c", "f", "refused", "fail", "answered 500", (True, True)),
        Row("c", "f", "refused", "fail", "connection refused", (False, True)),
        Row("c", "f", "refused", "fail", "connection refused", (True, False)),
    ):
        assert not wrong.is_right


def test_only_what_is_no_fact_counts_as_a_false_alarm() -> None:
    red = (Red("cpu", "warn", "busy", is_true=True), Red("health", "fail", "refused", is_true=False))
    measured = Measured((), 200, red, (), (), ())
    assert (measured.false_alarms, [each.check for each in measured.wrong]) == (0.5, ["health"])


@pytest.mark.parametrize(
    ("kind", "settings", "base", "faults"),
    [
        ("http", {"target": "api", "path": "/health"}, "http://localhost:3001", ["audio-stopped", "audio-errors"]),
        ("http", {"url": "http://localhost:3001/", "fail": "> 500ms"}, "", ["audio-stopped", "audio-errors", "audio-slow"]),
        ("http", {"url": "http://elsewhere:3001/"}, "", []),
        ("process", {"match": "audiodeck-server", "memory": {}, "cpu": {}}, "", ["audio-stopped", "memory-leak", "runaway-worker"]),
        ("host", {"mount": "/srv"}, "", ["disk-full /srv"]),
        ("command", {"run": ["test", "-f", "/srv/mark"]}, "", ["file-gone /srv/mark"]),
        ("command", {"run": ["true"]}, "", []),
        ("postgres", {"target": "db"}, "", ["database-down", "database-full"]),
        ("systemd", {"unit": "audiodeck.service"}, "", ["audio-stopped"]),
        ("systemd", {"unit": "elsewhere"}, "", []),
        ("prometheus", {"target": "prometheus", "query": "up"}, "http://prometheus:9090", ["prometheus-stopped"]),
        ("prometheus", {"query": "up", "no_data": "fail"}, "", ["prometheus-stopped", "prometheus-empty"]),
        ("alertmanager", {"target": "alertmanager"}, "", ["alertmanager-stopped", "alert-active"]),
        ("file", {"path": "/srv/mark", "age": {}}, "", ["file-gone /srv/mark"]),
        ("file", {"path": "/srv/logs", "type": "directory"}, "", ["folder-gone /srv/logs"]),
        ("file", {"path": "/srv", "world_writable": {}}, "", ["world-writable"]),
        ("updates", {}, "", ["security-update"]),
        ("dns", {"name": "api.shop.test"}, "", ["names-forgotten"]),
        ("dns", {"name": "api.shop.test", "server": "127.0.0.1"}, "", ["names-forgotten", "names-stopped"]),
        ("redis", {"address": "redis://127.0.0.1:6379"}, "", ["cache-down"]),
        ("tls", {"file": "/etc/ssl/shop.pem"}, "", ["file-gone /etc/ssl/shop.pem"]),
        ("nothing known", {}, "", []),
    ],
)
def test_faults_follow_from_what_a_check_looks_at(kind: str, settings: dict[str, object], base: str, faults: list[str]) -> None:
    assert [injection.fault for injection in injections(kind, settings, base)] == faults


def test_limits_are_named_by_their_number() -> None:
    found = injections("http", {"url": "http://localhost:3001/", "warn": "> 100ms"}, "")
    assert Injection("audio-slow", r"(warn|fail) above 100\b") in found


def test_what_nothing_can_answer_is_named_with_its_reason() -> None:
    assert "Kubernetes" in why_not("command", {"run": ["kubectl", "get", "nodes"]})
    assert "Kubernetes" in why_not("kubernetes", {"nodes": True})
    assert "Docker" in why_not("docker", {"container": "web"})
    assert why_not("command", {"run": ["pg_isready"]}) == ""
    assert why_not("file", {"path": "/var/lib/docker"}) == ""
    assert judges_nothing("command", {"shell": "ss -Htn | wc -l"})
    assert not judges_nothing("command", {"shell": "ss -Htn | wc -l", "value": {"warn": "> 10"}})
