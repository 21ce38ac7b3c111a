"""``python -m lab.speech``: what it says and takes, and that nothing of it is left, however it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.speech.supervisor import ROOT
from tests.support import need, wait_until

pytestmark = pytest.mark.xdist_group("lab-speech")


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    need("postgres")
    need("redis-server")
    need("setpriv")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_as_a_program_it_takes_lines_and_leaves_nothing() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "lab.speech"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        first = json.loads(program.stdout.readline())
        assert all(map(alive, first["pids"]))
        for line, on in (("break cache-down", ["cache-down"]), ("repair cache-down", [])):
            print(line, file=program.stdin, flush=True)
            answer = json.loads(program.stdout.readline())
            assert [fault["name"] for fault in answer["faults"] if fault["on"]] == on
        print("break nothing", file=program.stdin, flush=True)
        assert "no fault named" in json.loads(program.stdout.readline())["problem"]
        program.stdin.close()
        assert program.wait(20) == 0
    assert not any(map(alive, first["pids"]))
    assert not Path(first["folder"]).exists()


def test_everything_ends_when_the_program_is_killed() -> None:
    folder = Path(tempfile.mkdtemp(prefix="killed-"))
    folder.chmod(0o711)
    command = [sys.executable, "-m", "lab.speech"]
    environment = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment) as program:
        assert program.stdout is not None
        first = json.loads(program.stdout.readline())
        program.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, first["pids"])), 10, "the end of the servers")
    shutil.rmtree(folder)
