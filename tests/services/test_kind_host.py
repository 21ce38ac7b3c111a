"""The ``host`` kind on this machine: its numbers are those that the kernel gives Python."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Earlier
from tests.services.look import look


async def test_a_file_system_as_statvfs_sees_it(tmp_path: Path) -> None:
    seen = await look("host", {"mount": str(tmp_path), "warn": ">= 0%"})
    facts = os.statvfs(tmp_path)
    used = (facts.f_blocks - facts.f_bfree) * facts.f_frsize
    assert seen.state is State.WARN
    assert seen.values["disk_used_bytes"] == pytest.approx(used, rel=0.05)
    assert seen.values["disk_used_ratio"] == pytest.approx(used / (used + facts.f_bavail * facts.f_frsize), rel=0.05)
    assert str(tmp_path) in seen.sentence


async def test_inodes_and_free_bytes(tmp_path: Path) -> None:
    facts = os.statvfs(tmp_path)
    if not facts.f_files:
        pytest.skip("this file system counts no inodes")
    seen = await look("host", {"mount": str(tmp_path), "free": {"fail": "< 1B"}, "inodes": {"fail": ">= 100%"}})
    assert seen.state is State.OK, seen.sentence
    assert seen.values["disk_inodes_used_ratio"] == pytest.approx((facts.f_files - facts.f_ffree) / facts.f_files, abs=0.05)


async def test_a_path_that_does_not_exist(tmp_path: Path) -> None:
    seen = await look("host", {"mount": str(tmp_path / "nothing")})
    assert seen.state is State.FAIL
    assert "expected a path on a file system" in seen.sentence


async def test_memory_swap_and_load() -> None:
    options = {"memory": {"fail": "> 100%"}, "swap": {"fail": "> 100%"}, "load": {"fail": "> 1000"}}
    seen = await look("host", options)
    assert seen.state is State.OK, seen.sentence
    assert seen.values["memory_size_bytes"] == pytest.approx(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), rel=0.1)
    assert 0 < seen.values["memory_used_ratio"] < 1
    assert seen.values["load_1m"] == pytest.approx(os.getloadavg()[0], abs=2)
    assert seen.values["cpus"] >= 1


@pytest.fixture
def busy() -> Iterator[None]:
    """One processor is kept busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as worker:
        yield
        worker.kill()


@pytest.mark.usefixtures("busy")
async def test_busy_processors() -> None:
    seen = await look("host", {"cpu": {"fail": "> 0%"}})
    assert seen.state is State.FAIL, seen.sentence
    assert 0.3 / (os.cpu_count() or 1) < seen.values["cpu_used_ratio"] <= 1
    assert seen.sentence.endswith(" busy in the last 1 s, fail above 0 %") or "busy in the last 1." in seen.sentence


async def test_the_earlier_look_counts() -> None:
    first = await look("host", {"cpu": {}})
    await asyncio.sleep(0.1)
    seen = await look("host", {"cpu": {"fail": "> 100%"}}, earlier=Earlier(first.counters, 0.1))
    assert seen.state is State.OK
    assert "in the last 100 ms" in seen.sentence
    assert seen.counters["cpu_total_ticks"] > first.counters["cpu_total_ticks"]
