"""``keepwell demo`` as a person meets it: something is broken, and alerts say so; it is repaired, and they end."""

import json
import urllib.request
from pathlib import Path

import pytest

from tests.demonstrating import demonstration
from tests.serving import keepwell
from tests.support import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def firing(page: str) -> set[str]:
    with urllib.request.urlopen(f"{page}api/v1/alerts?state=firing", timeout=10) as answer:
        return {alert["name"] for alert in json.load(answer)["active_alerts"]}


def test_what_is_broken_is_an_alert(tmp_path: Path) -> None:
    with demonstration(tmp_path) as told:
        page = told["page"]
        assert not [line for line in keepwell("validate", told["operations"]).stderr.splitlines() if "waits" in line]
        with urllib.request.urlopen(f"{page}api/v1/alerts/rules", timeout=10) as answer:
            assert "waiting" not in {rule["state"] for rule in json.load(answer)["rules"]}
        assert keepwell("demo", "break", "api-errors", **told["environment"]).returncode == 0
        wanted = {"CheckFailed", "Availability", "ErrorRate"}
        wait_until(lambda: wanted <= firing(page), 60, "alerts of what is broken")
        assert keepwell("demo", "repair", "api-errors", **told["environment"]).returncode == 0
        wait_until(lambda: "CheckFailed" not in firing(page), 60, "the end of the failure")
