"""The further parts of the ``host`` kind on this machine: file systems, traffic, disks, processes and what the kernel counts."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Earlier
from tests.services.look import look
from tests.support import missing, need, wait_until

LOOK = """
import asyncio, json, sys
from tests.services.look import look
seen = asyncio.run(look("host", json.loads(sys.argv[1])))
print(json.dumps([seen.state, seen.sentence, dict(seen.values)]))
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB and 64 inodes."""
    if os.geteuid() != 0:
        missing("a file system is mounted by root only")
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,nr_inodes=64", "none", folder], capture_output=True, check=False)
    if done.returncode:
        missing("this machine mounts no tmpfs")
    yield folder
    subprocess.run(["umount", folder], check=True)


async def test_a_file_system_fills(small: Path) -> None:
    options = {"mounts": [str(small), "/"], "fail": "> 85%", "inodes": {"fail": "> 99%"}}
    empty = await look("host", {"mount": str(small), "growth": {"warn": "> 1MB"}, "full_in": {"fail": "< 2h"}})
    (small / "big").write_bytes(b"x" * 3_600_000)
    full = await look("host", options)
    aged = {name: 3600.0 if name.endswith("_age") else value for name, value in empty.counters.items()}
    grown = await look("host", {"mount": str(small), "growth": {"warn": "> 1MB"}, "full_in": {"fail": "< 2h"}}, earlier=Earlier(aged, 0.0))
    assert empty.state is State.OK, empty.sentence
    assert full.state is State.FAIL, full.sentence
    assert full.sentence.startswith(f"{small} is 8")
    assert grown.values["disk_growth_bytes_per_day"] == pytest.approx(24 * 3_600_000, rel=0.01)
    assert grown.state is State.FAIL, grown.sentence
    assert "at that rate it is full in " in grown.sentence


async def test_inodes_run_out(small: Path) -> None:
    for number in range(62):
        (small / str(number)).touch()
    seen = await look("host", {"mounts": [str(small)], "inodes": {"fail": "> 95%"}})
    assert seen.state is State.FAIL, seen.sentence
    assert "of its inodes in use" in seen.sentence


async def test_every_local_file_system() -> None:
    seen = await look("host", {"mounts": "all", "fail": "> 100%"})
    assert seen.state is State.OK, seen.sentence
    assert seen.values["file_systems"] >= 1


async def test_traffic_over_loopback() -> None:
    options = {"network": {"interfaces": ["lo"], "receive": {"warn": "> 5MB"}, "errors": {"fail": "> 1000"}, "drops": {"fail": "> 1000"}}}
    first = await look("host", options)
    before = asyncio.get_running_loop().time()
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind(("127.0.0.1", 0))
        for _ in range(1000):
            sender.sendto(b"x" * 60_000, receiver.getsockname())
            receiver.recv(65536)
    seen = await look("host", options, earlier=Earlier(first.counters, asyncio.get_running_loop().time() - before))
    assert seen.state is State.WARN, seen.sentence
    assert "lo receives " in seen.sentence
    assert "per second, warn above 5 MB" in seen.sentence


async def test_a_link_that_is_down() -> None:
    need("unshare")
    need("ip")
    if os.geteuid() != 0:
        missing("a network of its own needs root")
    options = json.dumps({"network": {"interfaces": ["kw0", "kw9"]}})
    script = 'mount -t sysfs none /sys && ip link add kw0 type veth peer name kw1 && exec "$@"'
    command = ["unshare", "--net", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", LOOK, options]
    done = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = await done.communicate()
    if b"not supported" in errors or b"Unknown device type" in errors:
        missing("this kernel makes no veth")
    state, sentence, _ = json.loads(output)
    assert state == "fail", errors
    assert sentence.startswith("the link of kw0 is down, expected up; there is no network interface kw9, expected one with its link up")


async def test_disks_that_write(tmp_path: Path) -> None:
    first = await look("host", {"disk_io": {}})
    if not first.counters:
        pytest.skip("this machine has no disk of its own")
    await asyncio.to_thread(_write, tmp_path / "file")
    seen = await look("host", {"disk_io": {"wait": {"fail": "> 1h"}, "busy": {"fail": "> 100%"}}}, earlier=Earlier(first.counters, 2.0))
    assert seen.state is State.OK, seen.sentence
    assert 0 <= seen.values["disk_io_busy_ratio"] <= 1
    assert seen.values["disk_io_wait_seconds"] >= 0


def _write(path: Path) -> None:
    with path.open("wb") as file:
        file.write(os.urandom(4_000_000))
        os.fsync(file.fileno())


@pytest.fixture
def zombie() -> Iterator[None]:
    """A process that ended, and whose end nobody asked for yet."""
    child = subprocess.Popen(["true"])
    wait_until(lambda: Path(f"/proc/{child.pid}/stat").read_text().rpartition(") ")[2][0] == "Z", what="the end of the child")
    yield
    child.wait()


@pytest.mark.usefixtures("zombie")
async def test_a_zombie_is_counted() -> None:
    before = await look("host", {"zombies": {"fail": "> 1000"}, "processes": {"fail": "> 1000000"}})
    seen = await look("host", {"zombies": {"fail": "> 0"}})
    assert before.state is State.OK, before.sentence
    assert seen.state is State.FAIL
    assert "defunct, fail above 0" in seen.sentence
    assert before.values["processes"] >= 2


async def test_open_files_pressure_uptime_and_load() -> None:
    options = {
        "descriptors": {"fail": "> 100%"},
        "uptime": {"fail": "< 1s"},
        "load_average": {"fail": "> 10000"},
        "pressure": {"cpu": {"fail": "> 100%"}, "memory": {"fail": "> 100%"}, "io": {"fail": "> 100%"}},
    }
    seen = await look("host", options)
    expected = State.OK if os.access("/proc/pressure/cpu", os.R_OK) else State.UNKNOWN
    assert seen.state is expected, seen.sentence
    assert seen.values["open_files"] > 10
    assert seen.values["uptime_seconds"] == pytest.approx(time.clock_gettime(time.CLOCK_BOOTTIME), abs=5)


async def test_clock_and_reboot_of_this_machine() -> None:
    """What this machine knows of them differs; that something is said does not."""
    seen = await look("host", {"clock": {}, "reboot": "warn"})
    assert "clock" in seen.sentence
    assert "reboot is pending" in seen.sentence
    assert seen.values["reboot_pending"] in (0, 1)
