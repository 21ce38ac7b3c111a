"""What the laboratory's manual becomes, exactly; and that what the manuals of real teams become is valid."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.result import Imported
from keepwell.rooms.manual.importing.work import import_file
from tests.support import outside

MANUAL = Path(__file__).resolve().parents[2] / "lab" / "manual.md"
REAL = ["audiodeck-connect", "smart-campus-assistant", "speech-to-text", "voice-agent", "whisper-background-server"]


def imported() -> Imported:
    return import_manual(MANUAL.read_bytes(), "manual.md", sound=verbs.check_problem)


def written() -> dict[str, Any]:
    return dict(yaml.safe_load(imported().files["keepwell.yaml"]))


def test_its_checks() -> None:
    parsed = written()
    assert (parsed["keepwell"], parsed["service"]) == (1, "tonehouse")
    assert parsed["targets"] == {
        "api": {"url": "http://127.0.0.1:3001"},
        "http": {"url": "http://127.0.0.1:3080"},
        "https": {"url": "https://127.0.0.1:3443"},
    }
    assert parsed["checks"] == {
        "health": {
            "http": {
                "target": "api",
                "path": "/health",
                "expect": {
                    "status": 200,
                    "json.status": "healthy",
                    "json.services.audio": "operational",
                    "json.services.devices": "operational",
                    "json.services.network": "operational",
                },
                "warn": "> 250ms",
                "fail": "> 500ms",
            },
            "every": "30s",
        },
        "api-status": {"http": {"target": "api", "path": "/api/status"}, "every": "30s"},
        "api-system-performance": {"http": {"target": "api", "path": "/api/system/performance"}, "every": "30s"},
        "api-system-memory": {"http": {"target": "api", "path": "/api/system/memory"}, "every": "30s"},
        "http-health": {"http": {"target": "http", "path": "/health"}, "every": "30s"},
        "https-health": {
            "http": {"target": "https", "path": "/health", "authority": "/srv/tonehouse/tls/ca.pem"},
            "every": "30s",
        },
        "process-tonehoused": {
            "process": {
                "match": "/srv/tonehouse/bin/tonehoused",
                "memory": {"warn": "> 120MB", "fail": "> 160MB"},
                "cpu": {"warn": "> 70%", "fail": "> 90%"},
            },
            "every": "30s",
        },
        "disk-srv-tonehouse": {"host": {"mount": "/srv/tonehouse", "warn": "> 95%", "fail": "> 98%"}, "every": "1m"},
    }


def test_what_is_not_a_check() -> None:
    parsed = written()
    assert parsed["rules"] == [
        {"alert": "Availability", "kpi": "uptime", "warning": "< 99.5%", "critical": "< 99%"},
        {"alert": "ErrorRate", "kpi": "error rate", "warning": "> 1%", "critical": "> 5%"},
    ]
    assert {task["run"]: task["every"] for task in parsed["tasks"].values()} == {"runbooks/daily.md": "daily"}
    assert {name: level["respond"] for name, level in parsed["incidents"]["severities"].items()} == {
        "P1": "15m",
        "P2": "1h",
        "P3": "4h",
        "P4": "2d",
    }


def test_every_line_that_a_comment_names_says_what_the_check_does() -> None:
    lines = MANUAL.read_text("utf-8").splitlines()
    text = imported().files["keepwell.yaml"].splitlines()
    comment = text[text.index("  api-status:") - 1]
    assert lines[int(comment.rpartition(" ")[2]) - 1] == "curl -fsS http://127.0.0.1:3001/api/status"


async def test_its_directory_validates(tmp_path: Path) -> None:
    await import_file(MANUAL, tmp_path / "ops", sound=verbs.check_problem)
    checks = verbs.load_checks(str(tmp_path / "ops"))
    assert len(checks) == 8
    assert not any(check.waiting for check in checks), "nothing in it runs a command"


@pytest.mark.parametrize("name", REAL)
async def test_what_a_real_manual_becomes_validates_and_waits_for_acceptance(name: str, tmp_path: Path) -> None:
    done = await import_file(outside("manuals", f"{name}.md"), tmp_path / "ops", sound=verbs.check_problem)
    try:
        checks = verbs.load_checks(str(tmp_path / "ops"))
    except ConfigurationError as error:
        pytest.fail("\n".join(f"{problem.where}: {problem.message}" for problem in error.problems))
    assert len(checks) == done.counts["checks"]
    assert all(check.waiting for check in checks if check.kind == "command")
    told = json.loads((tmp_path / "ops" / "import-report.json").read_text("utf-8"))
    assert len(told["items"]) == sum(told["summary"]["dispositions"].values()) == sum(told["summary"]["fates"].values())
