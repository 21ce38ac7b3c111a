"""Kinds that ask programs of a host, where those programs misbehave: absent, hanging, flooding, dying, speaking in tongues.

Each look ends soon, says what was seen, is never ``ok``, and leaves neither a process nor a file descriptor.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from keepwell.kernel.states import State
from keepwell.machine.clock import SystemClock
from keepwell.machine.local_files import LocalFiles
from keepwell.machine.local_runner import LocalRunner
from keepwell.ports.fakes import FakeHttp, FakeSecrets
from keepwell.ports.host import Host
from keepwell.rooms.checks.model import Check, CheckOptions, Observation
from keepwell.rooms.checks.work.observe import observe

DEADLINE = 0.2
PROGRAMS = ("df", "ps", "stat", "find", "du", "date", "sha256sum", "ss", "systemctl", "apt-get", "dnf", "grep", "timeout", "chronyc")
FAULTS: Mapping[str, str] = {
    "hangs": "exec /bin/sleep 600",
    "hangs in mid answer": "printf '12345 '; exec /bin/sleep 600",
    "leaves a child that holds its output": "/bin/sleep 600 & exec /bin/sleep 600",
    "floods without end": "exec /usr/bin/yes 0",
    "floods and ends": "exec /usr/bin/head -c 100000000 /dev/zero",
    "dies": "kill -SEGV $$",
    "fails without a word": "exit 7",
    "fails with many": "exec >&2; /usr/bin/head -c 300000 /dev/urandom; exit 1",
    "says nothing": "exit 0",
    "is not UTF-8": r"printf '\377\376\000\200\n'",
    "negative and not a number": r"printf '%s\n' -5 nan inf -1e999 '-1 -1 -1' 'NaN NaN /'",
    "huge numbers": r"printf '%s\n' 99999999999999999999999999999999 '9 9 9 9' '1e400 1e400 a'",
}
LOOKS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "df": ("host", {"mount": "/", "inodes": {}, "growth": {}}),
    "every df": ("host", {"mounts": "all"}),
    "states of processes": ("host", {"zombies": {}}),
    "clock": ("host", {"clock": {}}),
    "owners of ports": ("ports", {"others": "ok", "owners": True, "expect": [1]}),
    "file": ("file", {"path": "/etc/passwd", "age": {}, "sha256": "0" * 64}),
    "folder": ("file", {"path": "/etc", "newest": {}, "size": {}, "world_writable": {}}),
    "packages": ("updates", {}),
    "process": ("process", {"name": "init", "user": "root", "threads": {}, "open_files": {}}),
    "environment of a process": ("env", {"process": "init", "required": ["A"]}),
    "environment of a unit": ("env", {"unit": "shop", "required": ["A"]}),
}


def children() -> set[int]:
    """The processes that this one started and that did not end."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread that has just ended
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is the only one on PATH; afterwards nothing is left running."""
    before, open_before = children(), descriptors()
    yield tmp_path
    assert children() <= before
    assert descriptors() <= open_before


async def seen(folder: Path, kind: str, options: Mapping[str, Any]) -> Observation:
    driver = import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options))
    common = CheckOptions(every=timedelta(minutes=1), timeout=timedelta(seconds=DEADLINE))
    runner = LocalRunner(environment={"PATH": str(folder)}, grace=0.2, drain=0.05)
    host = Host("local", runner, LocalFiles(), FakeHttp(), SystemClock(), FakeSecrets({}))
    return await observe(Check("look", kind, common, driver, settings), host, None)


def misbehave(folder: Path, fault: str) -> None:
    for program in PROGRAMS:
        path = folder / program
        path.write_text(f"#!/bin/sh\n{FAULTS[fault]}\n")
        path.chmod(0o755)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("what", LOOKS)
async def test_a_program_that_misbehaves(what: str, fault: str, folder: Path) -> None:
    misbehave(folder, fault)
    started = time.monotonic()
    observation = await seen(folder, *LOOKS[what])
    assert time.monotonic() - started < 5
    assert observation.state in (State.FAIL, State.UNKNOWN), observation.sentence
    assert observation.sentence
    assert observation.sentence.isprintable()
    assert len(observation.sentence) < 2000
    assert "internal fault" not in observation.sentence
    assert all(abs(value) < float("inf") for value in observation.values.values())


@pytest.mark.parametrize("what", [what for what in LOOKS if what not in ("clock", "packages")])
async def test_a_program_that_is_not_there(what: str, folder: Path) -> None:
    observation = await seen(folder, *LOOKS[what])
    assert observation.state is State.UNKNOWN
    assert observation.sentence.startswith("could not look: there is no program ")


@pytest.mark.parametrize("what", ["clock", "packages"])
async def test_a_host_without_any_such_program(what: str, folder: Path) -> None:
    """The scripts that choose among programs find none; what they need otherwise is there."""
    for program in ("date", "find", "sh"):
        (folder / program).symlink_to(f"/bin/{program}")
    observation = await seen(folder, *LOOKS[what])
    assert observation.state is State.UNKNOWN
    assert "neither " in observation.sentence


WITHOUT_DESCRIPTORS = """
import asyncio, json, os, resource, sys
from tests.services.look import look, this_host
from importlib import import_module
kind, options = sys.argv[1], json.loads(sys.argv[2])
import_module(f"keepwell.rooms.checks.kinds.{kind}")

async def main():
    await look(kind, options)  # everything that is imported or opened once is there now
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, 4096))
    async with this_host() as host:
        while True:
            try:
                held.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
        seen = await observed(kind, options, host)
        for descriptor in held:
            os.close(descriptor)
    print(seen.state, seen.sentence)

async def observed(kind, options, host):
    from datetime import timedelta
    from keepwell.rooms.checks.model import Check, CheckOptions
    from keepwell.rooms.checks.work.observe import observe
    driver = import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER
    settings = driver.options.model_validate_json(json.dumps(options))
    return await observe(Check("look", kind, CheckOptions(timeout=timedelta(seconds=5)), driver, settings), host, None)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("host", {"mount": "/"}),
        ("host", {"memory": {}}),
        ("ports", {"expect": [1]}),
        ("file", {"path": "/etc/passwd", "age": {}}),
        ("env", {"file": "/etc/hostname", "required": ["A"]}),
        ("process", {"name": "init"}),
    ],
)
def test_no_file_descriptor_is_left(kind: str, options: Mapping[str, Any]) -> None:
    argv = [sys.executable, "-c", WITHOUT_DESCRIPTORS, kind, json.dumps(options)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.startswith("unknown could not look: "), (done.stdout, done.stderr)
    assert "no file descriptor left" in done.stdout
