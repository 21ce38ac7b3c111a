"""A database that takes nothing for a while, a full disk, a damaged file: looking goes on, nothing that was shown is lost."""

import asyncio
import shutil
import sqlite3
import subprocess
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from tests.misbehaving import MISBEHAVIOURS, misbehaving
from tests.serving import KEEPWELL, Served, Target, keepwell, operations, pause, serving
from tests.support import missing, need, wait_until

CHECK = "keepwell: 1\nservice: shop\nchecks:\n  api: {http: {url: %s/health}, every: 1s}\n"


def directory(tmp_path: Path, target: Target) -> Path:
    return operations(tmp_path / "ops", CHECK % target.url)


def test_a_locked_database_delays_storing_never_looking(tmp_path: Path) -> None:
    with Target(tmp_path) as target, serving(directory(tmp_path, target), tmp_path / "data") as server:
        server.until({"api": "ok"})
        holder = sqlite3.connect(tmp_path / "data" / "keepwell.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        target.answer(503)
        wait_until(lambda: server.get("/health")["status"] == "degraded", 20, "degraded health")
        assert "locked" in server.get("/health")["services"]["storage"] or "another program" in server.get("/health")["services"]["storage"]
        before = server.get("/api/v1/checks/api")
        assert before["state"] == "ok", "what is not stored must not be shown"
        started = server.get("/api/system/performance")["engine"]["started"]
        since = datetime.now(UTC).isoformat()
        pause(3.5)
        until = datetime.now(UTC).isoformat()
        assert server.get("/api/system/performance")["engine"]["started"] >= started + 2
        holder.rollback()
        holder.close()
        server.until({"api": "fail"}, 20)
        wait_until(lambda: server.get("/api/v1/checks/api")["observations"][0]["at"] > until, 20, "an observation made after it was free")
        seen = server.get("/api/v1/checks/api")
        assert len(seen["changes"]) == 2
        assert server.get("/health")["status"] == "healthy"
        meanwhile = [row["at"] for row in seen["observations"] if since < row["at"] < until]
        assert len(meanwhile) >= 2, "observations made meanwhile were kept"


def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    """The data directory on a file system of 4 MB, in a mount namespace of the server's own."""
    if subprocess.run([need("unshare"), "--mount", "true"], capture_output=True, check=False).returncode:
        missing("mount namespaces are not permitted here")
    data, filler = tmp_path / "data", tmp_path / "data" / "filler"
    data.mkdir()
    with Target(tmp_path) as target:
        wrapper = tmp_path / "wrapper"
        mount = f"mount -t tmpfs -o size=4m,mode=0700 none {data}"
        wrapper.write_text(f'#!/bin/sh\n{mount} || exit 9\nexec {KEEPWELL} "$@"\n')
        wrapper.chmod(0o755)
        server = Served(directory(tmp_path, target), data, program=("unshare", "--mount", "--propagation", "private", str(wrapper)))
        try:
            server.ready().until({"api": "ok"})
            inside = Path(f"/proc/{server.process.pid}/root{filler}")
            try:
                with inside.open("wb") as file:
                    while file.write(b"x" * 65536):
                        file.flush()
            except OSError:
                pass
            target.answer(503)
            wait_until(lambda: server.get("/health")["status"] == "degraded", 30, "degraded health")
            assert "full" in server.get("/health")["services"]["storage"]
            assert server.states() == {"api": "ok"}
            inside.unlink()
            server.until({"api": "fail"}, 30)
            assert server.get("/health")["status"] == "healthy"
        finally:
            server.stop()


def test_a_damaged_or_foreign_database_is_one_sentence(tmp_path: Path) -> None:
    with Target(tmp_path) as target:
        ops, data = directory(tmp_path, target), tmp_path / "data"
        with serving(ops, data) as server:
            server.until({"api": "ok"})
        database = data / "keepwell.sqlite"
        whole = database.read_bytes()
        for content in (whole[: len(whole) // 2], b"not a database at all" * 500):
            database.write_bytes(content)
            for rest in data.glob("keepwell.sqlite-*"):
                rest.unlink()
            done = keepwell("up", str(ops), "--data", str(data), "--listen", "127.0.0.1:0")
            assert done.returncode == 2, done.stderr
            assert "Traceback" not in done.stderr
            assert "is damaged" in done.stderr
            assert database.read_bytes() == content, "a damaged database is left as it was found"
        shutil.copy(database, tmp_path / "kept")
        database.write_bytes(whole)
        with serving(ops, data) as server:
            assert len(server.get("/api/v1/checks/api")["changes"]) == 1


async def test_a_target_of_every_misbehaviour_is_the_target_s_fault(tmp_path: Path) -> None:
    """Endless bodies, garbage, redirects for ever, silence: each is fail with one sentence, and no check disturbs another."""
    async with AsyncExitStack() as stack:
        ports = {kind: await stack.enter_async_context(misbehaving(kind)) for kind in MISBEHAVIOURS}
        await asyncio.to_thread(look_at_all, tmp_path, ports)


def look_at_all(tmp_path: Path, ports: dict[str, int]) -> None:
    lines = ["keepwell: 1", "service: zoo", "checks:"]
    for kind, port in ports.items():
        options = f"{{url: http://127.0.0.1:{port}/, expect: {{body: never-there}}}}"
        lines.append(f"  {kind}: {{http: {options}, every: 3s, timeout: 1s}}")
    with serving(operations(tmp_path / "ops", "\n".join(lines)), tmp_path / "data") as server:
        wait_until(lambda: all(check["last_at"] for check in server.get("/api/v1/checks")["checks"]), 30, "a look at each")
        checks = server.get("/api/v1/checks")["checks"]
        assert {check["name"]: check["state"] for check in checks} == dict.fromkeys(ports, "fail")
        assert all(check["sentence"] and "\n" not in check["sentence"] for check in checks)
        assert server.get("/health")["status"] == "healthy"
