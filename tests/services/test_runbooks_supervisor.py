"""Steps that restart programs of a real supervisord: killed, failing, unknown and stubborn ones, and Keepwell killed meanwhile."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.minders import killed_with_its_steps
from tests.runs_served import Runs, running
from tests.supervisord import HEAD
from tests.support import need, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PROGRAM = """\
[program:{name}]
command={python} {folder}/program {name}
stdout_logfile=NONE
stderr_logfile=NONE
startsecs=1
startretries=1
stopwaitsecs=5
{more}
"""
WORKS = """\
import os, signal, sys, time
from pathlib import Path
name, folder = sys.argv[1], Path(__file__).parent
with (folder / f"{name}.pids").open("a") as file:
    print(os.getpid(), file=file)
if name == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if name == "failing":
    sys.exit(3)
time.sleep(600)
"""
PROGRAMS = {"shop": "autorestart=false", "stubborn": "", "failing": "autostart=false", "worker": ""}
BOOKS = {
    f"{verb}-{name}": f'```sh {{"name": "{verb}", "operation": "systemd.{verb}"}}\nsystemctl {verb} {name}\n```\n'
    for verb in ("restart", "status", "stop", "reload")
    for name in (*PROGRAMS, "missing")
}


class Supervised:
    """A supervisord with its programs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.configuration = folder / "supervisord.conf"
        text = "".join(PROGRAM.format(folder=folder, python=sys.executable, name=name, more=more) for name, more in PROGRAMS.items())
        self.configuration.write_text(HEAD.format(folder=folder) + text + "[group:queue]\nprograms=worker\n")
        (folder / "program").write_text(WORKS)

    def processes(self, name: str) -> list[int]:
        """The processes that a program was, one after the other."""
        path = self._folder / f"{name}.pids"
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @contextmanager
    def served(self) -> Iterator[None]:
        """It runs for the length of a ``with``."""
        with (self._folder / "supervisord.out").open("w") as said:
            process = subprocess.Popen([need("supervisord"), "-c", str(self.configuration)], stdout=said, stderr=said)
            try:
                wait_until(lambda: all(self.processes(name) for name in ("shop", "stubborn", "worker")), 30, "programs of supervisord")
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(30)


@pytest.fixture
def supervised(tmp_path: Path) -> Supervised:
    need("supervisorctl")
    return Supervised(tmp_path)


@pytest.fixture
def runs(tmp_path: Path, supervised: Supervised) -> Iterator[Runs]:
    names = {"worker": ", program: 'queue:worker'"}
    services = "".join(
        f"  {name}: {{supervisor: {{configuration: {supervised.configuration}{names.get(name, '')}}}}}\n" for name in (*PROGRAMS, "missing")
    )
    with supervised.served(), running(tmp_path, BOOKS, f"policy: {{destructive: allow}}\nservices:\n{services}") as server:
        yield server


def test_a_killed_program_comes_back_and_one_of_a_group(supervised: Supervised, runs: Runs) -> None:
    (first,) = supervised.processes("shop")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{first}").exists(), 10, "the end of the program")
    looked = runs.run("status-shop")
    assert looked["state"] == "done", looked
    assert looked["steps"][0]["sentence"].startswith("shop is EXITED")
    for name in ("shop", "worker"):
        before = supervised.processes(name)
        run = runs.run(f"restart-{name}")
        process = supervised.processes(name)[-1]
        assert run["state"] == "done", run
        assert run["steps"][0]["sentence"].startswith(f"{name} is RUNNING pid {process}, ")
        assert process not in before
    reloaded = runs.run("reload-worker")  # SIGHUP ends what does not know it, and supervisord starts it again
    assert reloaded["steps"][0]["sentence"].endswith(": it was started anew, where it should have been reloaded")


def test_what_does_not_come_up_is_said(runs: Runs) -> None:
    failed = runs.run("restart-failing")
    assert failed["state"] == "failed"
    assert re.search(r"it ended with status 7 \(.*\); failing is FATAL Exited too quickly", failed["sentence"]), failed
    for verb in ("restart", "status"):
        missing = runs.run(f"{verb}-missing")
        assert missing["state"] == "failed"
        assert missing["sentence"].endswith("supervisord knows no program missing")


def test_a_supervisord_that_is_gone_is_said(tmp_path: Path, supervised: Supervised) -> None:
    settings = f"policy: {{destructive: allow}}\nservices:\n  shop: {{supervisor: {{configuration: {supervised.configuration}}}}}\n"
    with running(tmp_path, {"restart-shop": BOOKS["restart-shop"]}, settings) as server:
        run = server.run("restart-shop")
        assert run["state"] == "failed"
        assert "supervisorctl gave no usable answer: unix://" in run["sentence"]


def test_a_restart_in_flight_is_done_once(supervised: Supervised, runs: Runs) -> None:
    """The program ignores SIGTERM, so that supervisord takes five seconds; Keepwell and the step are killed meanwhile."""
    assert len(supervised.processes("stubborn")) == 1
    number = runs.begin("restart-stubborn")
    wait_until(lambda: runs.run("status-stubborn")["steps"][0]["sentence"].startswith("stubborn is STOPPING"), 20, "a stop under way")
    killed_with_its_steps(runs)
    run = runs.until(number, "done", "failed", "asks", seconds=90)
    assert run["state"] == "done", run
    assert len(supervised.processes("stubborn")) == 2
