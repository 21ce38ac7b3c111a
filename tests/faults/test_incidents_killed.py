"""keepwell up is killed again and again while severe alerts arrive and people answer: each alert has one incident, answers are kept."""

import asyncio
import random
import signal
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import pytest

from tests.alerts_server import Alerting
from tests.incidents_desk import life_on
from tests.serving import Served, keepwell, operations, token_in
from tests.support import wait_until

OPERATIONS = """\
keepwell: 1
service: shop
checks: {}
incidents: {severities: {P1: {respond: 15m, update: 30m}}}
"""
LIVES = 6
SEED = 20260302


def test_no_alert_is_without_its_incident_and_none_has_two(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    directory, data = operations(tmp_path / "ops", OPERATIONS), tmp_path / "data"
    token = _token(data)
    told: dict[int, str] = {}
    answered: set[int] = set()
    for life in range(LIVES):
        server = Served(directory, data).ready()
        alerting = Alerting(server, token)
        try:
            _post(alerting, told, f"L{life}")
            _answer(alerting, answered)
            _post(alerting, told, f"M{life}")
            time.sleep(chance.random() * 0.3)
        finally:
            server.signal(signal.SIGKILL)
            server.kill()
    server = Served(directory, data).ready()
    try:
        wait_until(lambda: _linked(server) >= set(told), 20, "an incident for every alert")
        incidents = server.get("/api/v1/incidents?limit=1000")["incidents"]
        linked = [alert["id"] for one in incidents for alert in one["alerts"]]
        assert len(linked) == len(set(linked))
        assert {one["id"] for one in incidents if one["acknowledged"]} >= answered
        for one in incidents:
            events = [entry["event"] for entry in server.get(f"/api/v1/incidents/{one['id']}")["timeline"]]
            assert events.count("incident.opened") == 1
        assert keepwell("journal", "verify", "--data", str(data)).returncode == 0
    finally:
        server.stop()


@pytest.mark.parametrize(("deed", "known"), [("acknowledge", {"A"}), ("merge", {"A", "B"})])
async def test_who_answers_has_acknowledged_the_alerts_too_wherever_it_is_killed(tmp_path: Path, deed: str, known: set[str]) -> None:
    """What is stored of the deed is all of it: an alert of an incident that was answered would else go on calling people."""
    after, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        after += 1
        place = tmp_path / f"{deed}-{after}.sqlite"
        status = await asyncio.to_thread(_killed, place, deed, after)
        async with life_on(place) as life:
            whole = (await life.rows())[0]
            assert whole.acknowledged is not None, after
            assert {one.name for one in whole.alerts} == known
            assert {alert.name for alert in life.desk.active() if alert.acknowledged} == known, f"killed after write {after}"
    assert status == 0
    assert after > 1, "it was never killed"


async def test_each_alert_has_one_incident_wherever_it_is_killed(tmp_path: Path) -> None:
    after, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        after += 1
        place = tmp_path / f"open-{after}.sqlite"
        status = await asyncio.to_thread(_killed, place, "open", after)
        async with life_on(place) as life:
            again = await life.restarted()
            assert [[one.name for one in incident.alerts] for incident in await again.rows()] == [["A"], ["B"]], after
            assert [(await again.events(number)).count("opened") for number in (1, 2)] == [1, 1]
    assert status == 0
    assert after > 2, "it was never killed between the alerts and their incidents"


def _killed(place: Path, deed: str, after: int) -> int:
    """How a life ended that is killed after so many writes of a deed."""
    argv = [sys.executable, "-m", "tests.faults.incidents_killed", str(place), deed, str(after)]
    return subprocess.run(argv, check=False).returncode


def _token(data: Path) -> str:
    return token_in(data, "alerts.write", "incidents.write")


def _post(alerting: Alerting, told: dict[int, str], prefix: str) -> None:
    """Four alerts, each of a group of its own."""
    for number in range(4):
        name = f"{prefix}{number}"
        told[alerting.fire(f"{name} is bad", name=name)] = name


def _answer(alerting: Alerting, answered: set[int]) -> None:
    """Acknowledges what is open; what was answered with 200 must be kept."""
    try:
        opened = alerting.get("/api/v1/incidents?state=open")["incidents"]
    except urllib.error.URLError:
        return
    for one in opened:
        status, _ = alerting.post(f"/api/v1/incidents/{one['id']}/acknowledge", {"by": "anna"})
        if status == 200:
            answered.add(one["id"])


def _linked(server: Served) -> set[int]:
    return {alert["id"] for one in server.get("/api/v1/incidents?limit=1000")["incidents"] for alert in one["alerts"]}
