"""SIGKILL at every point between an alert and its delivery: none is lost, none is said to have ended that fires, and what arrives twice has
one key."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.webhook_listener import Call, listening

ROOT = Path(__file__).resolve().parents[2]


def cases(folder: Path, every: int) -> list[tuple[Mapping[str, Any], list[Call]]]:
    """Each case, with what arrived in it."""
    with listening() as hook:
        command = [sys.executable, "-m", "tests.faults.alerts_killed", str(folder), hook.url, str(every)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=1500, check=False)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [(case, [call for call in hook.calls if case["url"].endswith(call.path)]) for case in found]


def faults(case: Mapping[str, Any], calls: Sequence[Call]) -> list[str]:
    """What is wrong with what arrived."""
    wrong = [f"{case['kill_at']}: {fault}" for fault in case["faults"]]
    bodies: dict[str, bytes] = {}
    told: dict[str, str] = {}
    for call in calls:
        if bodies.setdefault(call.headers["idempotency-key"], call.body) != call.body:
            wrong.append(f"{case['kill_at']}: two notices have one key")
        for alert in call.told["alerts"]:
            name, status = alert["labels"]["alertname"], alert["status"]
            if status == "resolved" and not ended(case["notes"], name, call.at):
                wrong.append(f"{case['kill_at']}: {name} was said to have ended while it fired")
            told[name] = status
    wrong += [f"{case['kill_at']}: nobody heard of {name}" for name in "bc" if name not in told]
    wrong += [f"{case['kill_at']}: nobody heard of the end of {name}" for name, status in told.items() if status != "resolved"]
    return wrong


def ended(notes: Sequence[tuple[float, str, Sequence[str]]], name: str, at: float) -> bool:
    """Whether its source had begun to say so by then."""
    before = [names for when, what, names in notes if what == "tells" and when <= at]
    return any(name in names for names in before) and name not in before[-1]


@pytest.mark.slow
@pytest.mark.timeout(1600)
def test_a_kill_at_any_point_loses_no_alert(tmp_path: Path) -> None:
    found = cases(tmp_path, 1)
    assert [fault for case, calls in found for fault in faults(case, calls)] == []
    assert sum(case["killed"] for case, _ in found) >= 100


@pytest.mark.timeout(600)
def test_a_kill_at_some_points_loses_no_alert(tmp_path: Path) -> None:
    found = cases(tmp_path, 29)
    assert [fault for case, calls in found for fault in faults(case, calls)] == []
    assert sum(case["killed"] for case, _ in found) >= 5
