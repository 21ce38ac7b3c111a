"""Audits of a real keepwell up: the calendar makes them, findings are told as an alert, waived, and shown."""

import urllib.request
from pathlib import Path

from tests.serving import keepwell, operations, serving
from tests.support import wait_until

OPERATIONS = """\
keepwell: 1
service: shop
checks: {{}}
audits:
  permissions: {{world_writable: {{paths: [{folder}]}}, every: 2s, severity: minor}}
  broken: {{world_writable: {{paths: [{folder}/absent]}}, every: yearly}}
"""


def test_an_audit_recurs_is_told_of_waived_and_shown(tmp_path: Path) -> None:
    looked = tmp_path / "looked"
    (looked / "upload").mkdir(parents=True)
    (looked / "upload").chmod(0o777)
    directory, data = operations(tmp_path / "ops", OPERATIONS.format(folder=looked)), tmp_path / "data"
    with serving(directory, data) as server:

        def run(*arguments: str) -> tuple[int, str]:
            done = keepwell("audit", *arguments, "--data", str(data))
            return done.returncode, done.stdout + done.stderr

        def alerts() -> list[tuple[str, str]]:
            return [(one["name"], one["labels"]["audit"]) for one in server.get("/api/v1/alerts")["active_alerts"]]

        wait_until(lambda: ("AuditFindings", "permissions") in alerts(), 30, "an alert of the audit")
        (finding,) = server.get("/api/v1/findings")["findings"]
        assert finding["finding"].startswith(f'every user may write the folder "{looked}/upload"')
        code, text = run("list")
        assert code == 1
        assert "1 finding" in text
        code, text = run("waive", "permissions", finding["id"], "--for", "30d", "--reason", "moved in May", "--by", "anna")
        assert (code, text.startswith("waived until ")) == (0, True)
        wait_until(lambda: alerts() == [], 30, "the end of the alert")
        assert run("findings")[0] == 0
        (looked / "upload").chmod(0o755)
        code, text = run("run", "permissions")
        assert (code, text) == (0, "permissions: nothing was found\n")
        code, text = run("run", "broken")
        assert code == 1
        assert "broken could not be made: find ended with status 1" in text
        assert run("run", "absent")[0] == 2
        assert run("unwaive", "permissions", finding["id"])[0] == 0
        for path in ("/audits", "/audits/permissions"):
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"accept": "text/html"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert "Files and folders that every user may write" in answer.read().decode()
