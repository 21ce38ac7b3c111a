"""A database that takes nothing for a while, and a full disk: no alert is lost, none is told twice, and none is said to have ended."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.alerts_server import alerting
from tests.serving import KEEPWELL, Served, Target, operations, pause
from tests.support import missing, need, wait_until
from tests.webhook_listener import Listener, listening

CONFIGURATION = """\
keepwell: 1
service: shop
checks: {{api: {{http: {{url: "{target}/health"}}, every: 1s}}}}
receivers: {{hook: {{webhook: {{url: "{hook}"}}}}}}
routes: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
"""
FAILS, ENDS = ("CheckFailed", "firing"), ("CheckFailed", "resolved")


@contextmanager
def locked(data: Path) -> Iterator[None]:
    """Another program writes, and does not end."""
    holder = sqlite3.connect(data / "keepwell.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.rollback()
        holder.close()


def told(hook: Listener) -> list[tuple[str, str]]:
    """What was said of the check that failed."""
    return [one for one in hook.alerts() if one[0] == "CheckFailed"]


@pytest.mark.parametrize("seconds", [7, pytest.param(30, marks=pytest.mark.slow)])
def test_what_failed_while_the_database_was_locked_is_told_afterwards(tmp_path: Path, seconds: float) -> None:
    with Target(tmp_path) as target, listening() as hook, alerting(tmp_path, CONFIGURATION.format(target=target.url, hook=hook.url)) as up:
        up.server.until({"api": "ok"})
        with locked(up.server.data):
            target.answer(503)
            status, answer = up.post("/api/v1/alert", {"message": "by hand", "severity": "warning"})
            assert (status, answer["error"]["code"]) == (503, "storage.locked")
            pause(seconds)
            assert hook.alerts() == [], "nobody is told of what is not stored"
            assert up.get("/api/v1/alerts")["active_alerts"] == []
        wait_until(lambda: told(hook) == [FAILS], 30, "the notice of what failed meanwhile")
        with locked(up.server.data):
            target.answer(200)
            pause(7)
            assert told(hook) == [FAILS]
        wait_until(lambda: told(hook) == [FAILS, ENDS], 30, "the notice of the end")
        pause(2)
        assert told(hook) == [FAILS, ENDS]
        assert ("by hand", "firing") not in hook.alerts()
        assert "Traceback" not in up.server.log


def test_a_full_disk_delays_notices_and_loses_none(tmp_path: Path) -> None:
    """The data directory on a file system of 8 MB, in a mount namespace of the server's own."""
    if subprocess.run([need("unshare"), "--mount", "true"], capture_output=True, check=False).returncode:
        missing("mount namespaces are not permitted here")
    data = tmp_path / "data"
    data.mkdir()
    with Target(tmp_path) as target, listening() as hook:
        wrapper = tmp_path / "wrapper"
        mount = f"mount -t tmpfs -o size=8m,mode=0700 none {data}"
        wrapper.write_text(f'#!/bin/sh\n{mount} || exit 9\nexec {KEEPWELL} "$@"\n')
        wrapper.chmod(0o755)
        ops = operations(tmp_path / "ops", CONFIGURATION.format(target=target.url, hook=hook.url))
        server = Served(ops, data, program=("unshare", "--mount", "--propagation", "private", str(wrapper)))
        try:
            server.ready().until({"api": "ok"})
            filler = Path(f"/proc/{server.process.pid}/root{data}/filler")
            _fill(filler)
            target.answer(503)
            wait_until(lambda: server.get("/health")["status"] == "degraded", 30, "degraded health")
            assert hook.alerts() == []
            filler.unlink()
            wait_until(lambda: told(hook) == [FAILS], 30, "the notice of what failed meanwhile")
            _fill(filler)
            target.answer(200)
            pause(3)
            assert ENDS not in told(hook)
            filler.unlink()
            wait_until(lambda: told(hook) == [FAILS, ENDS], 30, "the notice of the end")
        finally:
            server.stop()
        assert "Traceback" not in server.log


def _fill(path: Path) -> None:
    try:
        with path.open("wb", buffering=0) as file:
            for size in (65536, 4096, 512):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue
    except OSError:
        pass
