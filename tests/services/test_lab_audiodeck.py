"""The stand-in AudioDeck against real clients: its manager, its logs, its faults, and a copy of it that serves the copy."""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from keepwell.kernel.problems import NotFound
from lab.audiodeck.faults import BUSY, FAULTS, LEAK_BYTES
from lab.audiodeck.laboratory import AudioDeckLaboratory
from lab.audiodeck.layout import LOGS, Layout
from tests.support import free_port, until


@pytest.fixture
async def audiodeck(tmp_path: Path) -> AsyncIterator[AudioDeckLaboratory]:
    it = AudioDeckLaboratory(tmp_path / "root with spaces")
    await it.start()
    yield it
    await it.stop()


async def ask(address: str, path: str, **settings: Any) -> tuple[int, Any]:
    """Status and JSON of one request."""
    method = "POST" if settings else "GET"
    async with aiohttp.ClientSession() as session, session.request(method, address + path, **settings) as response:
        return response.status, await response.json()


async def run(layout: Layout, *argv: str) -> tuple[int, str]:
    """A program of the layout's own: its exit status and what it printed."""
    environment = {**os.environ, "PATH": f"{layout.programs}:{os.environ['PATH']}"}
    done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_answers_as_its_manual_expects(audiodeck: AudioDeckLaboratory) -> None:
    status, health = await ask(audiodeck.address, "/health")
    assert (status, health["status"], health["version"]) == (200, "healthy", "9.0.0")
    assert health["services"] == {"audio": "operational", "devices": "operational", "network": "operational"}
    assert set(health["metrics"]) == {"memoryUsage", "responseTime", "activeConnections"}
    status, played = await ask(audiodeck.address, "/api/audio/test", json={"file": "test-tone.mp3", "volume": 0.1})
    assert (status, played["file"]) == (200, "test-tone.mp3")
    assert played["peak"] > 0


async def test_its_manager_speaks_systemds_words(audiodeck: AudioDeckLaboratory) -> None:
    layout = audiodeck.layout
    assert await run(layout, "systemctl", "is-active", "audiodeck") == (0, "active\n")
    before = audiodeck.manager.pid
    assert (await run(layout, "systemctl", "restart", "--", "audiodeck"))[0] == 0
    assert audiodeck.manager.pid not in (None, before)
    assert "Active: active (running)" in (await run(layout, "systemctl", "status", "audiodeck", "--no-pager", "-l"))[1]
    shown = await run(layout, "systemctl", "show", "--property=LoadState,ActiveState,SubState", "--", "audiodeck")
    assert shown == (0, "LoadState=loaded\nActiveState=active\nSubState=running\n")
    assert (await run(layout, "systemctl", "stop", "audiodeck"))[0] == 0
    assert await run(layout, "systemctl", "is-active", "audiodeck") == (3, "inactive\n")
    status, said = await run(layout, "systemctl", "start", "shop")
    assert (status, said) == (5, "Unit shop.service could not be found.\n")


async def test_a_killed_server_is_failed_until_it_is_started(audiodeck: AudioDeckLaboratory) -> None:
    await audiodeck.break_("service-down")
    assert await run(audiodeck.layout, "systemctl", "is-active", "audiodeck") == (3, "failed\n")
    await audiodeck.repair("service-down")
    assert (await ask(audiodeck.address, "/health"))[0] == 200


async def test_logs_are_reopened_on_reload_and_no_line_is_lost(audiodeck: AudioDeckLaboratory) -> None:
    log = audiodeck.layout.logs / "application.log"

    async def login() -> None:
        assert (await ask(audiodeck.address, "/api/admin/login", json={}))[0] == 401

    await login()
    log.rename(log.with_name("application.log.1"))
    await login()  # still into the renamed file
    await run(audiodeck.layout, "systemctl", "reload", "audiodeck")

    async def reopened() -> bool:
        return "logs reopened" in (audiodeck.layout.logs / "audit.log").read_text()

    await until(reopened, 20, "reopened logs")
    await login()
    assert [text.read_text().count("authentication failed") for text in (log.with_name("application.log.1"), log)] == [2, 1]


async def test_played_time_stands_in_its_logs(audiodeck: AudioDeckLaboratory) -> None:
    audiodeck.layout.clock.write_text(str(datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC).timestamp()))
    await ask(audiodeck.address, "/api/admin/login", json={})
    assert "[2031-05-06 07:08:09] WARNING - authentication failed from 127.0.0.1" in (audiodeck.layout.logs / "audit.log").read_text()
    assert "[2031-05-06 07:08:09] CPU: " in (audiodeck.layout.logs / "metrics.log").read_text()


@pytest.mark.parametrize("fault", ["api-errors", "audio-broken"])
async def test_faults_that_its_health_shows(audiodeck: AudioDeckLaboratory, fault: str) -> None:
    await audiodeck.break_(fault)
    status, health = await ask(audiodeck.address, "/health")
    assert (status == 500) if fault == "api-errors" else (health["services"]["audio"] == "unavailable")
    await audiodeck.repair(fault)
    assert (await ask(audiodeck.address, "/health"))[1]["status"] == "healthy"


async def test_faults_of_memory_ports_logs_and_files(audiodeck: AudioDeckLaboratory) -> None:
    layout = audiodeck.layout

    async def leaked() -> bool:
        return bool((await ask(audiodeck.address, "/api/system/memory"))[1]["rss"] > LEAK_BYTES)

    async def listens() -> bool:
        ports = (await run(layout, "ss", "-Hltnp"))[1]
        return ports.count(f"pid={audiodeck.manager.pid},") == 2

    async def flooded() -> bool:
        return (layout.logs / "error.log").read_text().count("playback underrun") > 20_000

    for fault, seen in (("memory-leak", leaked), ("port-opened", listens), ("log-flood", flooded)):
        await audiodeck.break_(fault)
        await until(seen, 60, fault)
        await audiodeck.repair(fault)
    await audiodeck.break_("world-writable")
    assert layout.program.stat().st_mode & 0o002
    await audiodeck.break_("certificate-expired")
    assert (layout.home / "config" / "cert.pem").read_bytes() == (layout.root / "tls" / "expired.pem").read_bytes()
    with pytest.raises(NotFound, match="no backup"):
        await audiodeck.break_("backup-corrupted")
    with pytest.raises(NotFound, match="no fault named"):
        await audiodeck.break_("fire")
    on = {fault["name"] for fault in audiodeck.state()["faults"] if fault["on"]}  # type: ignore[attr-defined]
    assert on == {"world-writable", "certificate-expired"}
    assert {fault.name for fault in FAULTS} >= on


def processor_seconds(pid: int) -> float:
    """What a process used of the processors (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


async def test_a_busy_processor_ends_with_its_fault_and_with_the_server(audiodeck: AudioDeckLaboratory) -> None:
    pid = audiodeck.manager.pid
    assert pid is not None
    await audiodeck.break_(BUSY)
    before = processor_seconds(pid)

    async def worked() -> bool:
        return processor_seconds(pid) > before + 1

    await until(worked, 30, "a second of work")
    assert (await ask(audiodeck.address, "/health"))[0] == 200
    await audiodeck.repair(BUSY)

    async def rests() -> bool:
        used = processor_seconds(pid)
        await asyncio.sleep(1)
        return processor_seconds(pid) < used + 0.3

    await until(rests, 30, "rest")
    await audiodeck.break_(BUSY)
    await audiodeck.manager.do("stop")  # ends although it is busy
    assert audiodeck.manager.pid is None


async def test_what_is_lost_by_hand_can_be_repaired(audiodeck: AudioDeckLaboratory) -> None:
    layout = audiodeck.layout
    before = layout.settings.read_bytes(), layout.program.read_bytes()
    await audiodeck.break_("settings-lost")
    await audiodeck.break_("program-lost")
    assert layout.program.read_bytes() == b""
    assert (await ask(audiodeck.address, "/health"))[1]["services"]["audio"] == "unavailable"
    await audiodeck.repair("program-lost")
    await audiodeck.repair("settings-lost")
    assert (layout.settings.read_bytes(), layout.program.read_bytes()) == before
    assert (await ask(audiodeck.address, "/health"))[1]["status"] == "healthy"


async def test_a_restored_copy_serves_the_copy(audiodeck: AudioDeckLaboratory, tmp_path: Path) -> None:
    copy = Layout(tmp_path / "restored")
    shutil.copytree(audiodeck.layout.home, copy.home)
    (copy.home / "devices.json").write_text(json.dumps([{"name": "of the copy"}]))
    port = free_port()
    argv = (str(copy.program), "--parent", str(os.getpid()), "--port", str(port))
    started = await asyncio.create_subprocess_exec(*argv)

    async def answers() -> bool:
        try:
            return bool((await ask(f"http://127.0.0.1:{port}", "/api/status"))[1]["devices"] == ["of the copy"])
        except aiohttp.ClientError:
            return False

    try:
        await until(answers, 30, "an answer of the copy")
    finally:
        started.terminate()
        await started.wait()
    assert {file.name for file in copy.logs.iterdir()} == {f"{name}.log" for name in LOGS if name != "health"}
