"""keepwell plan and keepwell validate as a user runs them."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.config.acceptance import accept_in

CONFIGURATION = """\
keepwell: 1
service: shop
targets:
  api: {url: "http://shop:hunter2@127.0.0.1:1", depends_on: [db]}
  db: {postgres: "secret:file:/nowhere/dsn"}
checks:
  health: {http: {target: api, path: /health}, every: 30s}
  disk: {host: {mount: /}, every: 1m}
  queue: {command: {shell: "ls /var/spool | wc -l", value: {warn: "> 10"}}, every: 30s}
  marked: {command: {run: [touch, MARK]}, every: 5m}
  unit: {process: {match: "shop --serve"}, every: 1m}
tasks:
  clean: {run: runbooks/clean.md, every: "daily 02:30", zone: Asia/Tokyo, window: night, expected_duration: 15m}
  often: {run: runbooks/absent.md, every: "*/5 * * * *"}
  escape: {run: ../../etc/passwd, every: weekly}
  review: {every: daily}
windows:
  night: {on: "daily 02:00-04:00", zone: Asia/Tokyo}
logs: {app: {paths: [/var/log/app.log], rotate: {every: day}}}
backups: {files: {files: {paths: [/srv/shop]}, to: far, every: weekly}}
repositories: {far: {archive: {path: /srv/far}}}
"""
RUNBOOK = """\
---
title: Cleaning
---
# Cleaning

```sh {"name": "stop", "line": "3", "operation": "systemd.stop"}
systemctl stop shop
```

```sh {"name": "clean", "line": "9", "disposition": "refused", "rule": "KW301", "missing": "BUCKET"}
# first
touch MARK; printf '\x1b[2J'
```
"""
REPORT = {
    "summary": {"dispositions": {"carried": 7, "missing": 1}},
    "missing": [{"name": "BUCKET", "wanting": "value", "written": "$BUCKET", "asks": "Which bucket?", "lines": [9]}],
}


def keepwell(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("keepwell")
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=60, env={**os.environ}, check=False)


@pytest.fixture
def ops(tmp_path: Path) -> Path:
    """A directory in which everything is planned that can be; what it would run leaves a mark."""
    folder = tmp_path / "ops"
    (folder / "runbooks").mkdir(parents=True)
    mark = str(tmp_path / "mark")
    (folder / "keepwell.yaml").write_text(CONFIGURATION.replace("MARK", mark))
    (folder / "runbooks" / "clean.md").write_text(RUNBOOK.replace("MARK", mark))
    (folder / "runbooks" / "other.md").write_text("# By hand\n")
    (folder / "import-report.json").write_text(json.dumps(REPORT))
    return folder


def test_a_plan_for_people(ops: Path) -> None:
    answer = keepwell("plan", str(ops), "--days", "2")
    assert (answer.returncode, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert lines[0] == "shop: 5 checks, 6 tasks, 4 runbooks; 3 waiting for acceptance, 1 missing, 2 faults"
    assert lines[1].startswith("2 days from ")
    assert "nothing was run" in lines[1]
    assert lines[2] == "items of the manual: 7 carried, 1 missing"
    for expected in (
        "  every 30s: 2 checks",
        "    health  http     GET http://shop:[redacted]@127.0.0.1:1/health",
        "    disk    host     mount /",
        "    queue   command  ls /var/spool | wc -l  (waits for acceptance)",
        "    unit    process  match shop --serve",
        "  */5 * * * *, UTC: 1 task",
        "    02:30 Asia/Tokyo  clean          runbooks/clean.md, 2 steps, about 15m, in its window night",
        "    00:00 UTC         review         a person does it",
        '    often          line 14: "runbooks/absent.md" does not exist',
        '    escape         line 15: "../../etc/passwd" leaves the operations directory, so it is not read',
        "     1 stop   systemd.stop  systemctl stop shop",
        "  runbooks/other.md  no step  By hand",
        "  night  daily 02:00-04:00 Asia/Tokyo",
        "    00:00 UTC         logs/app       rotation app",
        f"Waiting for acceptance: 3 texts (keepwell accept {ops} shows them whole)",
        "Missing: 1 thing that nobody supplied",
        "  BUCKET  value     line 9: Which bucket?",
    ):
        assert expected in lines, answer.stdout
    refused = next(line for line in lines if line.startswith("     2 clean"))
    assert "REFUSED (KW301): touch " in refused
    assert "\x1b" not in answer.stdout
    assert "hunter2" not in answer.stdout
    assert not (ops.parent / "mark").exists()


def test_a_plan_as_json_has_all_of_it(ops: Path) -> None:
    answer = keepwell("plan", str(ops), "--json", "--days", "2", "--user", "operator")
    assert answer.returncode == 0, answer.stderr
    plan = json.loads(answer.stdout)
    assert plan["summary"] == {"checks": 5, "tasks": 6, "runbooks": 4, "steps": 2, "waiting": 3, "missing": 1, "faults": 2}
    assert (plan["service"], plan["host"], plan["user"]) == ("shop", "local", "operator")
    checks = {check["name"]: check for check in plan["checks"]}
    assert (checks["disk"]["every"], checks["disk"]["accepted"], checks["disk"]["text"]) == ("1m", None, None)
    assert (checks["queue"]["accepted"], checks["queue"]["why_not"]) == (False, "nobody accepted it yet")
    tasks = {task["name"]: task for task in plan["tasks"]}
    assert [len(tasks[name]["instants"]) for name in ("clean", "often", "review")] == [2, 1, 2]
    first = tasks["clean"]["instants"][0]
    assert datetime.fromisoformat(first["at"]) == datetime.fromisoformat(first["utc"])
    assert first["at"].endswith("+09:00")
    assert first["in_window"] is True
    assert [runbook["path"] for runbook in plan["runbooks"]][:2] == ["runbooks/clean.md", "runbooks/absent.md"]
    assert plan["runbooks"][0]["steps"][1]["missing"] == ["BUCKET"]
    assert [(tasks[name]["does"], tasks[name]["line"]) for name in ("logs/app", "backups/files")] == [
        ("rotation app", 19),
        ("backup files", 20),
    ]
    assert plan["windows"] == [{"name": "night", "on": "daily 02:00-04:00", "zone": "Asia/Tokyo"}]
    assert plan["missing"][0]["places"] == ["runbooks/clean.md#clean"]
    assert plan["dispositions"] == {"carried": 7, "missing": 1}
    assert "hunter2" not in answer.stdout


def test_what_was_accepted_no_longer_waits(ops: Path) -> None:
    user = verbs.effective_user()
    accept_in(ops, [text for text in verbs.executables(str(ops), user) if text.name == "checks/queue"], by="ann", at=datetime.now(UTC))
    plan = json.loads(keepwell("plan", str(ops), "--json").stdout)
    assert [one["name"] for one in plan["waiting"]] == ["runbooks/clean.md#stop", "checks/marked"]
    assert {check["name"]: check["accepted_by"] for check in plan["checks"]}["queue"] == "ann"
    other = json.loads(keepwell("plan", str(ops), "--json", "--user", "somebody-else").stdout)
    why = {one["name"]: one["why"] for one in other["waiting"]}["checks/queue"]
    assert "the user was" in why
    assert not (ops.parent / "mark").exists()


def test_a_directory_that_is_invalid_cannot_be_planned(ops: Path) -> None:
    for arguments in (["--days", "0"], ["--days", "367"], ["--days", "many"]):
        assert keepwell("plan", str(ops), *arguments).returncode == 2
    (ops / "keepwell.yaml").write_text("keepwell: 1\nservice: shop\nrules: {}\n")
    answer = keepwell("plan", str(ops))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "expected a list" in answer.stderr


def test_validate_has_nothing_to_say_of_it_but_which_runbooks_are_never_run(ops: Path) -> None:
    answer = keepwell("validate", str(ops))
    assert (answer.returncode, answer.stdout) == (0, f"{ops} is valid\n"), answer.stderr
    told = json.loads(keepwell("validate", str(ops), "--json").stdout)
    assert (told["valid"], told["problems"]) == (True, [])
    assert [warning["message"] for warning in told["warnings"]] == [
        'runbooks/absent.md is never run as it is written: "runbooks/absent.md" does not exist',
        '../../etc/passwd is never run as it is written: "../../etc/passwd" leaves the operations directory, so it is not read',
    ]
