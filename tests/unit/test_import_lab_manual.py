"""What the laboratory's manual becomes, exactly; and what the manual of a real team becomes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from keepwell.composition import verbs
from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.manual.decide import import_manual
from keepwell.rooms.manual.model import Fate, Imported
from keepwell.rooms.manual.work import import_file
from tests.support import outside

MANUAL = Path(__file__).resolve().parents[2] / "lab" / "manual.md"


def settings(imported: Imported) -> dict[str, Any]:
    """The checks of the YAML text, each with its settings and interval."""
    return dict(yaml.safe_load(imported.yaml)["checks"])


def lines(imported: Imported) -> dict[str, tuple[int, ...]]:
    """The lines that each check comes from."""
    return {draft.name: draft.lines for draft in imported.checks}


def left(imported: Imported) -> dict[int, str]:
    """The items that nothing carries, by line."""
    return {item.line: item.reason for item in imported.items if item.fate is Fate.NOT_IMPORTED}


def test_the_laboratorys_manual() -> None:
    imported = import_manual(MANUAL.read_text("utf-8"), "manual.md")
    parsed = yaml.safe_load(imported.yaml)
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


def test_every_line_that_a_check_names_says_what_the_check_does() -> None:
    text = MANUAL.read_text("utf-8").splitlines()
    imported = import_manual("\n".join(text), "manual.md")
    quoted = {name: [text[line - 1] for line in numbers] for name, numbers in lines(imported).items()}
    assert quoted["api-status"] == ["curl -fsS http://127.0.0.1:3001/api/status"]
    assert quoted["process-tonehoused"][0] == "pgrep -f /srv/tonehouse/bin/tonehoused"
    assert quoted["disk-srv-tonehouse"][0] == "df -h /srv/tonehouse"
    assert [line for line in quoted["health"] if "curl" in line] == ["curl -fsS http://127.0.0.1:3001/health"] * 2
    assert any(line.startswith("| **Response Time**") for line in quoted["health"])
    written = imported.yaml.splitlines()
    numbers = ", ".join(map(str, sorted(lines(imported)["health"])[:-1])) + f" and {max(lines(imported)['health'])}"
    assert written[written.index("  health:") - 1] == f"  # from lines {numbers} of manual.md"


def test_what_the_laboratorys_manual_holds_that_nothing_carries() -> None:
    text = MANUAL.read_text("utf-8").splitlines()
    reasons = left(import_manual("\n".join(text), "manual.md"))
    assert {text[line - 1].split("|")[1].strip(): reason for line, reason in reasons.items() if "|" in text[line - 1]} == {
        "**Uptime**": "it is a share or a sum over time, which no single look at the service gives",
        "**Error Rate**": "it is a share or a sum over time, which no single look at the service gives",
    }
    posts = [reason for line, reason in reasons.items() if "curl" in text[line - 1]]
    assert posts == ["it sends a POST request; only requests that read (GET) are imported"] * 2
    assert len(reasons) == 4


async def test_the_laboratorys_directory_validates(tmp_path: Path) -> None:
    await import_file(MANUAL, tmp_path / "ops")
    checks = verbs.load_checks(str(tmp_path / "ops"))
    assert len(checks) == 8
    assert not any(check.waiting for check in checks), "nothing in it runs a command"


def test_the_manual_of_a_real_team() -> None:
    imported = import_manual(outside("manuals", "audiodeck-connect.md").read_text("utf-8"), "audiodeck-connect.md")
    assert imported.service == "audiodeck-connect"
    assert imported.targets == {"api": "http://localhost:3001"}
    assert lines(imported) == {
        "health": (35, 85, 180, 223, 473, 502, 628, 49, 152),
        "api-status": (38,),
        "api-system-performance": (41,),
        "api-system-memory": (44,),
        "process-audiodeck-server": (167, 236, 153, 154),
        "unit-audiodeck": (218, 219, 463, 471, 626, 631),
        "disk-opt-audiodeck": (227,),
        "disk-var-log-audiodeck": (228,),
    }
    checks = settings(imported)
    health = checks["health"]["http"]
    assert (health["path"], health["warn"], health["fail"]) == ("/health", "> 100ms", "> 500ms")
    assert health["expect"]["json.services.network"] == "operational"
    process = checks["process-audiodeck-server"]["process"]
    assert process["match"] == "audiodeck-server"
    assert process["memory"] == {"warn": "> 200MB", "fail": "> 300MB"}
    assert process["cpu"] == {"warn": "> 70%", "fail": "> 90%"}
    assert checks["unit-audiodeck"]["command"] == {"run": ["systemctl", "is-active", "audiodeck"]}
    assert checks["disk-opt-audiodeck"]["host"] == {"mount": "/opt/audiodeck"}
    assert checks["disk-var-log-audiodeck"]["host"] == {"mount": "/var/log/audiodeck"}


def test_what_the_manual_of_a_real_team_holds_that_nothing_carries() -> None:
    reasons = left(import_manual(outside("manuals", "audiodeck-connect.md").read_text("utf-8"), "audiodeck-connect.md"))
    assert reasons[155] == reasons[156] == "it is a share or a sum over time, which no single look at the service gives"
    assert reasons[116] == reasons[244] == "it sends a POST request; only requests that read (GET) are imported"
    assert reasons[467] == "systemctl restart does not ask whether a unit runs"
    assert reasons[480] == "it collects a list into a file and judges nothing"


@pytest.mark.parametrize(
    "name", ["audiodeck-connect", "smart-campus-assistant", "speech-to-text", "voice-agent", "whisper-background-server"]
)
async def test_what_a_real_manual_becomes_validates_and_waits_for_acceptance(name: str, tmp_path: Path) -> None:
    imported = await import_file(outside("manuals", f"{name}.md"), tmp_path / "ops")
    try:
        checks = verbs.load_checks(str(tmp_path / "ops"))
    except ConfigurationError as error:
        pytest.fail("\n".join(f"{problem.where}: {problem.message}" for problem in error.problems))
    assert {check.name for check in checks} == {draft.name for draft in imported.checks}
    assert {check.name for check in checks if check.waiting} == {draft.name for draft in imported.checks if draft.kind == "command"}
