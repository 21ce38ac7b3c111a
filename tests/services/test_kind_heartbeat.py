"""Heartbeats against ``keepwell up``: jobs call with curl, restarts forget nothing."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Served, operations, serving
from tests.support import need, wait_until

KEY = "5bf66975-d4c7-4bf5-bcc8-b8d8a82ea278"
RUN = "b28cf04b-3ac1-4d0b-a95c-6a0f2ab8e4f2"
TEXT = """\
keepwell: 1
service: shop
checks:
  backup:
    heartbeat: {slug: backup, period: 1d, grace: 1h}
    every: 1s
  rotation:
    heartbeat: {key: "secret:PING_KEY", period: 1s, grace: 2s, late: 1s}
    every: 1s
  both:
    heartbeat: {key: "secret:PING_KEY", slug: sync, cadence: "daily 03:00", zone: Europe/Zurich}
    every: 1s
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(operations(tmp_path / "ops", TEXT), tmp_path / "data", PING_KEY=KEY) as server:
        yield server


def curl(server: Served, path: str, *options: str) -> tuple[int, str]:
    """Status and body."""
    argv = [need("curl"), "-sS", "-m", "10", "-w", "\n%{http_code}", *options, f"http://127.0.0.1:{server.port}{path}"]
    body, _, status = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    return int(status), body


def shown(server: Served, name: str) -> dict[str, Any]:
    answer: dict[str, Any] = server.get(f"/api/v1/checks/{name}")
    return answer


def test_jobs_call(served: Served) -> None:
    served.until({"backup": "unknown", "both": "unknown"})
    assert curl(served, "/ping/backup") == (200, "OK")
    served.until({"backup": "ok"})
    assert curl(served, "/ping/backup/start", "-X", "POST", "-d", "beginning") == (200, "OK")
    assert curl(served, f"/ping/backup/start?rid={RUN}") == (200, "OK")
    assert curl(served, f"/ping/backup/3?rid={RUN}", "--data-raw", "disk full\nsecond line") == (200, "OK")
    served.until({"backup": "fail"})
    failed = shown(served, "backup")
    assert 'with exit status 3: "disk full"' in failed["sentence"]
    assert failed["values"]["exit_status"] == 3
    assert failed["values"]["runs_under_way"] == 1
    assert 0 <= failed["values"]["run_seconds"] < 10
    newest = served.get("/api/v1/checks/backup/pings")["pings"]
    assert [(ping["signal"], ping["status"]) for ping in newest] == [("fail", 3), ("start", None), ("start", None), ("success", None)]
    assert [ping["body"] for ping in newest] == ["disk full\nsecond line", "", "beginning", ""]
    assert newest[0]["rid"] == RUN
    assert curl(served, "/api/v1/checks/nobody/pings")[0] == 404
    assert curl(served, "/ping/backup", "--head", "-o", "/dev/null") == (200, "")
    served.until({"backup": "ok"})
    assert curl(served, "/ping/backup/log", "-d", "only so") == (200, "OK")
    assert curl(served, f"/ping/{KEY}/sync/fail") == (200, "OK")
    served.until({"both": "fail"})
    headers = subprocess.run(
        [need("curl"), "-sSi", f"http://127.0.0.1:{served.port}/ping/backup"], capture_output=True, text=True, check=True
    ).stdout.lower()
    assert "ping-body-limit: 10000" in headers
    assert "content-type: text/plain" in headers


def test_what_is_refused(served: Served) -> None:
    assert curl(served, "/ping/nobody") == (404, "not found")
    assert curl(served, "/ping/sync") == (404, "not found")
    assert curl(served, "/ping/backup/256") == (404, "not found")
    assert curl(served, "/ping/a/b/c") == (404, "not found")
    assert curl(served, "/ping/backup?rid=7") == (400, "invalid uuid format")
    assert curl(served, "/ping/backup", "-H", "Host: evil.example")[0] == 403
    assert curl(served, "/ping/backup", "-X", "POST", "-H", "Origin: http://evil.example")[0] == 403
    assert curl(served, "/ping/backup", "-H", "Sec-Fetch-Site: cross-site")[0] == 403
    assert curl(served, "/ping/backup", "-X", "DELETE")[0] == 405
    assert curl(served, "/api/v1/checks/backup/run", "-X", "POST")[0] == 401
    assert curl(served, "/ping/../api/v1/reload", "-X", "POST", "--path-as-is")[0] in (401, 404)
    assert curl(served, "/ping/%2e%2e/api/v1/reload", "-X", "POST", "--path-as-is")[0] in (401, 404)
    assert shown(served, "backup")["values"].get("pings_total", 0) == 0


def test_a_job_may_send_all_that_it_printed(served: Served, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"line\n" * 1_000_000)
    assert curl(served, "/ping/backup/1", "--data-binary", f"@{tmp_path}/large") == (200, "OK")
    (newest,) = served.get("/api/v1/checks/backup/pings")["pings"]
    assert len(newest["body"]) == 10_000
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(80 * 2**20)
    assert curl(served, "/ping/backup", "--data-binary", f"@{tmp_path}/huge")[0] == 413
    assert curl(served, "/api/v1/reload", "--data-binary", f"@{tmp_path}/large")[0] in (401, 413)


def test_too_many_calls(served: Served) -> None:
    statuses = [curl(served, "/ping/backup")[0] for _ in range(40)]
    assert statuses[0] == 200
    assert 429 in statuses
    assert set(statuses) == {200, 429}


def test_late_and_missing(served: Served) -> None:
    assert curl(served, f"/ping/{KEY}") == (200, "OK")
    served.until({"rotation": "warn"}, 8)
    assert shown(served, "rotation")["sentence"].startswith("late: a run was due at ")
    served.until({"rotation": "fail"}, 8)
    assert shown(served, "rotation")["sentence"].startswith("missing: a run was due at ")
    assert KEY not in json.dumps(served.get("/api/v1/checks"))
    assert KEY not in served.log


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    directory = operations(tmp_path / "ops", TEXT)
    with serving(directory, tmp_path / "data", PING_KEY=KEY) as server:
        for word in ("start", "7", "start"):
            assert curl(server, f"/ping/backup/{word}", "-d", "broke") == (200, "OK")
        server.kill()
    with serving(directory, tmp_path / "data", PING_KEY=KEY) as server:
        server.until({"backup": "fail"})
        values = shown(server, "backup")["values"]
        assert (values["pings_total"], values["exit_status"], values["runs_under_way"]) == (3, 7, 1)
        # What it heard goes on when the check is called otherwise, and ends to be heard when it is taken out.
        (directory / "keepwell.yaml").write_text(TEXT.replace("  backup:\n", "  nightly:\n"))
        assert curl(server, "/ping/backup") == (200, "OK")
    (directory / "keepwell.yaml").write_text(TEXT.replace("slug: backup", "slug: renamed"))
    with serving(directory, tmp_path / "data", PING_KEY=KEY) as server:
        assert curl(server, "/ping/backup")[0] == 404
        wait_until(lambda: curl(server, "/ping/renamed")[0] == 200)


def test_without_a_server(tmp_path: Path) -> None:
    from tests.serving import keepwell

    seen = keepwell("check", str(operations(tmp_path / "ops", TEXT)), "backup", "--json")
    assert seen.returncode == 3
    (told,) = json.loads(seen.stdout)
    assert told["sentence"].startswith("could not look: only a running server hears a job's calls")
