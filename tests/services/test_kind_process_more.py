"""The further options of the ``process`` kind, with processes started for the test on this machine."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from keepwell.rooms.checks.model import Earlier
from tests.services.look import look
from tests.support import missing, need

PROGRAM = """
import ctypes, os, sys, threading
ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
files = [open(os.devnull) for _ in range(int(sys.argv[2]))]
stay = threading.Event()
for _ in range(int(sys.argv[3])):
    threading.Thread(target=stay.wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


class Started:
    """Processes with a name of this test alone."""

    def __init__(self) -> None:
        self.name = f"kw{uuid.uuid4().hex[:8]}"
        self.all: list[subprocess.Popen[str]] = []

    def start(self, files: int = 0, threads: int = 0, before: tuple[str, ...] = ()) -> int:
        argv = [*before, sys.executable, "-c", PROGRAM, self.name, str(files), str(threads)]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.all.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    def stop(self) -> None:
        for process in self.all:
            process.kill()
            process.communicate()
        self.all.clear()


@pytest.fixture
def started() -> Iterator[Started]:
    need("ps")
    made = Started()
    yield made
    made.stop()


async def test_threads_open_files_and_their_share(started: Started) -> None:
    need("prlimit")
    pid = started.start(files=60, threads=5, before=("prlimit", "--nofile=80:200"))
    options = {"name": started.name, "threads": {"fail": "> 5"}, "open_files": {"warn": "> 100"}, "open_files_share": {}}
    seen = await look("process", options)
    assert seen.state is State.FAIL
    assert seen.sentence.startswith("6 threads run, fail above 5; ")
    assert seen.values["open_files"] == pytest.approx(63, abs=3)
    assert seen.values["open_files_ratio"] == pytest.approx(63 / 80, abs=0.05)
    assert f"process {pid} has " in seen.sentence


async def test_a_pid_file_with_and_without_its_process(started: Started, tmp_path: Path) -> None:
    file = tmp_path / "shop.pid"
    missing_file = await look("process", {"pid_file": str(file)})
    file.write_text(f"{started.start()}\n")
    runs = await look("process", {"pid_file": str(file), "name": started.name})
    file.write_text(f"{os.getpid()}\n")
    stranger = await look("process", {"pid_file": str(file), "name": started.name})
    ours = await look("process", {"pid_file": str(file), "count": ">= 2"})  # this process and its child
    assert (missing_file.state, runs.state, stranger.state, ours.state) == (State.FAIL, State.OK, State.FAIL, State.OK)
    assert missing_file.sentence == f"{file} does not exist"
    assert stranger.sentence == f'no process of {file} named "{started.name}", expected >= 1'


async def test_a_restart_is_seen_once(started: Started) -> None:
    options = {"name": started.name, "restarted": "warn"}
    started.start()
    first = await look("process", options)
    same = await look("process", options, earlier=Earlier(first.counters, 1.0))
    started.stop()
    down = await look("process", options, earlier=Earlier(same.counters, 1.0))
    started.start()
    anew = await look("process", options, earlier=Earlier(down.counters, 1.0))
    settled = await look("process", options, earlier=Earlier(anew.counters, 1.0))
    states = [seen.state for seen in (first, same, down, anew, settled)]
    assert states == [State.OK, State.OK, State.FAIL, State.WARN, State.OK], anew.sentence
    assert "started anew since the last look (1 s ago)" in anew.sentence


async def test_the_user_who_runs_it(started: Started) -> None:
    need("setpriv")
    if os.geteuid() != 0:
        missing("only root starts processes as others")
    started.start(before=("setpriv", "--reuid=nobody", "--clear-groups"))
    good = await look("process", {"name": started.name, "user": "nobody"})
    started.start()
    bad = await look("process", {"name": started.name, "user": "nobody"})
    assert (good.state, bad.state) == (State.OK, State.FAIL), bad.sentence
    assert '1 of them run by "root", expected "nobody"' in bad.sentence


async def test_a_process_in_no_unit(started: Started) -> None:
    started.start()
    seen = await look("process", {"unit": f"{started.name}.service"})
    assert seen.state is State.FAIL
    assert seen.sentence == f"no process of the unit {started.name}.service, expected >= 1"
