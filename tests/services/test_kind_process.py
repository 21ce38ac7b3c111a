"""The ``process`` kind on this machine, with processes started for the test."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.support import need, wait_until

NAME_ITSELF = """
import ctypes, sys
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
memory = bytearray(int(sys.argv[2]))
print("ready", flush=True)
while sys.argv[3] == "busy": pass
sys.stdin.read()
"""


class Processes:
    """Processes with a name of this test alone."""

    def __init__(self) -> None:
        self.name = f"kw{uuid.uuid4().hex[:8]}"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, name: str = "", memory: int = 0, work: str = "idle") -> int:
        arguments = [sys.executable, "-c", NAME_ITSELF, name or self.name, str(memory), work]
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()


@pytest.fixture
def processes() -> Iterator[Processes]:
    need("ps")
    made = Processes()
    yield made
    made.stop()


async def test_processes_are_counted_by_name(processes: Processes) -> None:
    none = await look("process", {"name": processes.name})
    processes.start()
    processes.start(memory=50_000_000)
    two = await look("process", {"name": processes.name, "count": "== 2"})
    assert (none.state, two.state) == (State.FAIL, State.OK), two.sentence
    assert none.sentence == f'no process named "{processes.name}", expected >= 1'
    assert two.values["count"] == 2
    assert two.values["memory_bytes"] > 50_000_000
    assert two.values["oldest_seconds"] < 60


async def test_a_name_with_spaces_and_one_that_is_too_long(processes: Processes) -> None:
    processes.start(f"{processes.name} a b")
    processes.start(f"{processes.name}-is-a-long-name")
    spaces = await look("process", {"name": f"{processes.name} a b"})
    long = await look("process", {"name": f"{processes.name}-is-a-long-name"})
    assert (spaces.values["count"], long.values["count"]) == (1, 1)


async def test_command_lines_are_matched_without_the_looker_itself(processes: Processes) -> None:
    processes.start()
    found = await look("process", {"match": f"{processes.name} 0 idle$"})
    own = await look("process", {"match": "comm:90="})  # stands only in the command line of the look itself
    assert found.values["count"] == 1
    assert own.state is State.FAIL


async def test_our_own_process_is_no_match(processes: Processes) -> None:
    """A process that looks, with the pattern in its own command line, finds nothing."""
    word = f"needle{uuid.uuid4().hex}"
    program = (
        "import asyncio; from tests.services.look import look; import sys; "
        "print(asyncio.run(look('process', {'match': sys.argv[1]})).values['count'])"
    )
    started = await asyncio.create_subprocess_exec(sys.executable, "-c", program, word, stdout=subprocess.PIPE)
    output, _ = await started.communicate()
    assert output.decode().strip() == "0.0"


async def test_a_defunct_process_does_not_count(processes: Processes) -> None:
    pid = processes.start()
    os.kill(pid, 9)
    wait_until(lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] == "Z", what="the end of the process")
    seen = await look("process", {"name": processes.name})
    assert seen.state is State.FAIL
    assert "(and 1 defunct), expected >= 1" in seen.sentence


async def test_memory_is_judged(processes: Processes) -> None:
    processes.start(memory=80_000_000)
    seen = await look("process", {"name": processes.name, "memory": {"warn": "> 70MB", "fail": "> 500MB"}})
    assert seen.state is State.WARN
    assert "warn above 70 MB" in seen.sentence


async def test_processor_use(processes: Processes) -> None:
    processes.start(work="busy")
    processes.start()
    processes.start(f"{processes.name}idle")
    busy = await look("process", {"name": processes.name, "cpu": {"fail": "> 1%"}})
    idle = await look("process", {"name": f"{processes.name}idle", "cpu": {"fail": "> 1%"}})
    assert busy.state is State.FAIL, busy.sentence
    assert 0.01 < busy.values["cpu_ratio"] < 1.3
    assert len(busy.counters) == 2
    assert (idle.state, idle.values["cpu_ratio"]) == (State.OK, 0)
