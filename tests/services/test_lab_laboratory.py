"""The laboratory against real clients: what it answers is its real state, each fault is real, and nothing of it is left behind."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from keepwell.demo.laboratory.condition import memory_bytes
from keepwell.demo.laboratory.faults import FAULTS, LEAK_BYTES, SLOW_SECONDS
from keepwell.demo.laboratory.supervisor import Laboratory, LaboratoryError
from keepwell.kernel.problems import NotFound
from tests.support import need, until, wait_until


@pytest.fixture
async def laboratory(tmp_path: Path) -> AsyncIterator[Laboratory]:
    it = Laboratory(tmp_path / "lab with spaces", front=False)
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def fronted(tmp_path: Path) -> AsyncIterator[Laboratory]:
    need("nginx")
    it = Laboratory(tmp_path / "lab")
    await it.start()
    yield it
    await it.stop()


async def ask(url: str, *, method: str = "GET", authority: Path | None = None, **settings: Any) -> tuple[int, Any, float]:
    """Status, body (JSON where it is JSON) and seconds of one request over a fresh connection."""
    trust = ssl.create_default_context(cafile=str(authority)) if authority else True
    start = asyncio.get_running_loop().time()
    async with aiohttp.ClientSession() as session, session.request(method, url, ssl=trust, **settings) as response:
        text = await response.text()
        body = json.loads(text) if response.content_type == "application/json" else text
        return response.status, body, asyncio.get_running_loop().time() - start


def resident(pid: int) -> int:
    """Bytes of resident memory, from proc_pid_statm(5)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_health_is_computed_from_the_state_of_the_server(laboratory: Laboratory) -> None:
    pid = laboratory.pids()[0]
    status, health, _ = await ask(laboratory.addresses.api + "/health")
    assert status == 200
    assert health["status"] == "healthy"
    assert health["services"] == {"audio": "operational", "devices": "operational", "network": "operational"}
    assert set(health) == {"status", "timestamp", "version", "uptime", "services", "metrics"}
    assert health["metrics"]["memoryUsage"] == pytest.approx(resident(pid), rel=0.1)
    assert health["metrics"]["activeConnections"] == 1

    (laboratory.folder / "devices.json").write_text("[]")
    _, health, _ = await ask(laboratory.addresses.api + "/health")
    assert (health["status"], health["services"]["devices"]) == ("degraded", "unavailable")


async def test_connections_and_response_times_are_counted(laboratory: Laboratory) -> None:
    address = laboratory.addresses.api
    port = int(address.rpartition(":")[2])
    _, waiting = await asyncio.open_connection("127.0.0.1", port)
    _, health, _ = await ask(address + "/health")
    assert health["metrics"]["activeConnections"] == 2
    assert health["metrics"]["responseTime"] == 0, "nothing was answered before"
    waiting.close()
    await ask(address + "/api/system/performance")
    _, performance, _ = await ask(address + "/api/system/performance")
    assert performance["requests"] == 2
    assert 0 < performance["responseTime"]["mean"] < 1000
    assert 0 <= performance["cpuPercent"] < 200


async def test_status_and_memory(laboratory: Laboratory) -> None:
    _, status, _ = await ask(laboratory.addresses.api + "/api/status")
    assert status["pid"] == laboratory.pids()[0]
    assert status["devices"] == ["hall-left", "hall-right"]
    _, memory, _ = await ask(laboratory.addresses.api + "/api/system/memory")
    assert memory["peak"] >= memory["rss"] > 1_000_000
    assert memory_bytes()["rss"] > 1_000_000


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ('{"file": "tone.wav", "volume": 0.1}', 200, {"file": "tone.wav", "seconds": 0.5, "peak": 0.0488}),
        ('{"file": "../devices.json"}', 404, None),
        ('{"file": "none.wav"}', 404, None),
        ('{"volume": 3}', 400, None),
        ('{"volume": "loud"}', 400, None),
        ("[]", 400, None),
        ("no json", 400, None),
    ],
)
async def test_the_audio_test_reads_a_sound_of_its_own_folder_only(
    laboratory: Laboratory, body: str, status: int, answer: dict[str, Any] | None
) -> None:
    seen, said, _ = await ask(laboratory.addresses.api + "/api/audio/test", method="POST", data=body)
    assert seen == status
    assert said == answer if answer else "error" in said


async def test_a_sound_that_is_none_is_refused(laboratory: Laboratory) -> None:
    (laboratory.folder / "audio" / "noise.wav").write_bytes(b"RIFF????WAVE")
    status, said, _ = await ask(laboratory.addresses.api + "/api/audio/test", method="POST", data='{"file": "noise.wav"}')
    assert (status, said) == (422, {"error": "The sound cannot be read."})


async def test_a_slow_server_and_a_repaired_one(laboratory: Laboratory) -> None:
    await laboratory.break_("api-slow")
    _, _, slow = await ask(laboratory.addresses.api + "/health")
    assert slow > SLOW_SECONDS
    await laboratory.repair("api-slow")
    _, _, quick = await ask(laboratory.addresses.api + "/health")
    assert quick < SLOW_SECONDS


async def test_errors_are_answered_and_logged(laboratory: Laboratory) -> None:
    await laboratory.break_("api-errors")
    status, _, _ = await ask(laboratory.addresses.api + "/api/status")
    assert status == 500
    await laboratory.repair("api-errors")
    status, _, _ = await ask(laboratory.addresses.api + "/api/status")
    assert status == 200
    logs = laboratory.folder / "logs"
    assert "ERROR GET /api/status failed" in (logs / "error.log").read_text()
    access = logs / "access.log"  # written after the answer
    wait_until(lambda: '"GET /api/status HTTP/1.1" 200' in access.read_text(), what="the line of the last request")
    assert '"GET /api/status HTTP/1.1" 500' in access.read_text()
    assert "listening on" in (logs / "application.log").read_text()


async def test_a_killed_server_comes_back_at_the_same_address(laboratory: Laboratory) -> None:
    before = laboratory.pids()
    await laboratory.break_("api-down")
    await laboratory.break_("api-down")
    assert laboratory.pids() == ()
    assert not alive(before[0])
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(laboratory.addresses.api + "/health")
    await laboratory.repair("api-down")
    assert laboratory.pids() != before
    assert (await ask(laboratory.addresses.api + "/health"))[0] == 200


async def test_without_its_tone_the_server_is_degraded(laboratory: Laboratory) -> None:
    await laboratory.break_("audio-broken")
    _, health, _ = await ask(laboratory.addresses.api + "/health")
    assert (health["status"], health["services"]["audio"]) == ("degraded", "unavailable")
    status, _, _ = await ask(laboratory.addresses.api + "/api/audio/test", method="POST", data="{}")
    assert status == 404
    await laboratory.repair("audio-broken")
    _, health, _ = await ask(laboratory.addresses.api + "/health")
    assert health["status"] == "healthy"


async def test_a_leak_takes_memory_and_its_repair_gives_it_back(laboratory: Laboratory) -> None:
    async def used() -> int:
        return int((await ask(laboratory.addresses.api + "/api/system/memory"))[1]["rss"])

    before = await used()

    async def leaked() -> bool:
        return await used() > before + 0.9 * LEAK_BYTES

    async def given_back() -> bool:
        return await used() < before + 0.2 * LEAK_BYTES

    await laboratory.break_("memory-leak")
    await until(leaked, 30, "the leak")
    await asyncio.sleep(1)
    assert await used() < before + 1.1 * LEAK_BYTES, "it is bounded"
    await laboratory.repair("memory-leak")
    await until(given_back, 10, "the end of the leak")


async def test_the_front_serves_the_server_plainly_and_with_tls(fronted: Laboratory) -> None:
    authority = fronted.folder / "tls" / "ca.pem"
    assert fronted.addresses.http is not None
    assert fronted.addresses.https is not None
    assert (await ask(fronted.addresses.http + "/health"))[1]["status"] == "healthy"
    assert (await ask(fronted.addresses.https + "/health", authority=authority))[1]["status"] == "healthy"
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await ask(fronted.addresses.https + "/health")
    await fronted.break_("api-down")
    assert (await ask(fronted.addresses.http + "/health"))[0] == 502


async def test_an_expired_certificate(fronted: Laboratory) -> None:
    authority = fronted.folder / "tls" / "ca.pem"
    await fronted.break_("certificate-expired")
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="expired"):
        await ask(f"{fronted.addresses.https}/health", authority=authority)
    assert (await ask(f"{fronted.addresses.http}/health"))[0] == 200
    await fronted.repair("certificate-expired")
    assert (await ask(f"{fronted.addresses.https}/health", authority=authority))[0] == 200


async def test_a_stopped_front_that_returns_with_the_certificate_of_the_moment(fronted: Laboratory) -> None:
    await fronted.break_("web-down")
    assert len(fronted.pids()) == 1
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(f"{fronted.addresses.http}/health")
    await fronted.break_("certificate-expired")
    assert len(fronted.pids()) == 1, "the other fault does not start it"
    await fronted.repair("web-down")
    with pytest.raises(aiohttp.ClientConnectorCertificateError, match="expired"):
        await ask(f"{fronted.addresses.https}/health", authority=fronted.folder / "tls" / "ca.pem")


async def test_faults_have_names_and_sentences_and_unknown_ones_are_refused(laboratory: Laboratory) -> None:
    assert {fault.name for fault in laboratory.faults()} == {fault.name for fault in FAULTS if not fault.needs_front}
    assert all(fault.does.endswith(".") and fault.seen.endswith(".") for fault in FAULTS)
    for name in ("web-down", "../../etc/passwd", ""):
        with pytest.raises(NotFound, match="no fault named"):
            await laboratory.break_(name)
    await laboratory.break_("audio-broken")
    assert [fault["name"] for fault in laboratory.state()["faults"] if fault["on"]] == ["audio-broken"]  # type: ignore[attr-defined]


async def test_a_server_that_cannot_start_says_why_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    laboratory = Laboratory(tmp_path, front=False)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.log").mkdir()
    with pytest.raises(LaboratoryError, match="tonehoused ended while it started") as raised:
        await laboratory.start()
    assert "IsADirectoryError" in raised.value.problems[0].hint
    assert laboratory.pids() == ()


_HOLDER = """
import asyncio, sys
from pathlib import Path
from keepwell.demo.laboratory.supervisor import Laboratory

async def hold():
    laboratory = Laboratory(Path(sys.argv[1]))
    await laboratory.start()
    print(*laboratory.pids(), flush=True)
    await asyncio.sleep(60)

asyncio.run(hold())
"""


def test_the_servers_end_when_their_holder_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pids = [int(word) for word in holder.stdout.readline().split()]
        assert pids
        assert all(map(alive, pids))
        holder.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, pids)), 10, "the end of the servers")
