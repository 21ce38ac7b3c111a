"""Audits of a real keepwell up: the calendar makes them, findings are told as an alert, waived, and shown."""

import json
import os
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from keepwell.rooms.audits.face import PATIENCE
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

        def shown(path: str) -> str:
            request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", headers={"accept": "text/html"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                return str(answer.read().decode())

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
        for number in range(501):
            (looked / f"open-{number:03}").touch()
            (looked / f"open-{number:03}").chmod(0o666)
        assert run("run", "permissions")[0] == 1
        for path in ("/audits", "/audits/permissions"):
            page = shown(path)
            assert "open-000" in page
            assert "and 2 more: <code>keepwell audit findings</code>" in page
        for file in looked.glob("open-*"):
            file.chmod(0o600)
        (looked / "upload").chmod(0o755)
        code, text = run("run", "permissions")
        assert (code, text) == (0, "permissions: nothing was found\n")
        code, text = run("run", "broken")
        assert code == 1
        assert "broken could not be made: find ended with status 1" in text
        assert run("run", "absent")[0] == 2
        assert run("unwaive", "permissions", finding["id"])[0] == 0
        for path in ("/audits", "/audits/permissions"):
            assert "Files and folders that every user may write" in shown(path)


def test_the_alert_of_an_audit_ends_with_its_section(tmp_path: Path) -> None:
    looked = tmp_path / "looked"
    (looked / "upload").mkdir(parents=True)
    (looked / "upload").chmod(0o777)
    directory, data = operations(tmp_path / "ops", OPERATIONS.format(folder=looked)), tmp_path / "data"
    with serving(directory, data) as server:
        wait_until(lambda: server.get("/api/v1/alerts")["active_alerts"] != [], what="an alert of the audit")
    operations(directory, "keepwell: 1\nservice: shop\n")
    with serving(directory, data) as server:
        assert server.get("/api/v1/alerts")["active_alerts"] == []


def test_an_audit_that_takes_longer_than_an_answer_is_waited_for(tmp_path: Path) -> None:
    """A program that answers once it may: the command asks again until the audit has ended."""
    slow, go_on = tmp_path / "bin", tmp_path / "go-on"
    slow.mkdir()
    (slow / "openssl").write_text(f"#!/bin/sh\nwhile [ ! -e {go_on} ]; do sleep 0.2; done\n")
    (slow / "openssl").chmod(0o755)
    audits = 'audits:\n  certificate: {certificates: {addresses: ["192.0.2.1:443"]}, every: yearly}\n'
    directory, data = operations(tmp_path / "ops", f"keepwell: 1\nservice: shop\n{audits}"), tmp_path / "data"
    with serving(directory, data, PATH=f"{slow}:{os.environ['PATH']}") as server:

        def made() -> list[str]:
            return [one["outcome"] for one in server.get("/api/v1/audits/certificate")["made"]]

        with ThreadPoolExecutor() as pool:
            run = pool.submit(keepwell, "audit", "run", "certificate", "--data", str(data), "--json")
            wait_until(lambda: made() == ["under way"], 30, "the beginning of the audit")
            time.sleep(PATIENCE + 1.0)
            assert not run.done()
            go_on.touch()
            told = json.loads(run.result().stdout)
        assert (told["outcome"], told["sentence"]) == ("failed", "192.0.2.1:443 showed no certificate")
        assert made() == ["failed"]
