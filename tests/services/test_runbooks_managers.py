"""Service managers: what each is asked and how its answer is read, and steps that go through a real supervisord and a real systemd."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keepwell.kernel.problems import AnswerError
from keepwell.ports.fakes import result
from keepwell.rooms.runbooks.managers.command import DRIVER as COMMAND
from keepwell.rooms.runbooks.managers.docker import DRIVER as DOCKER
from keepwell.rooms.runbooks.managers.supervisor import DRIVER as SUPERVISOR
from keepwell.rooms.runbooks.managers.systemd import DRIVER as SYSTEMD
from keepwell.rooms.runbooks.services import Manager, UnitState
from tests.runs_served import running
from tests.supervisord import HEAD
from tests.support import need, wait_until


@pytest.mark.parametrize(
    ("driver", "settings", "printed", "status", "state"),
    [
        (SYSTEMD, {}, "LoadState=loaded\nActiveState=active\nSubState=running\n", 0, UnitState(True, "active (running)")),
        (SYSTEMD, {}, "LoadState=loaded\nActiveState=failed\nSubState=failed\n", 0, UnitState(False, "failed (failed)")),
        (SYSTEMD, {}, "LoadState=loaded\nActiveState=activating\nSubState=start\n", 0, UnitState(None, "activating (start)")),
        (SUPERVISOR, {}, "shop    RUNNING   pid 9, uptime 0:00:03\n", 0, UnitState(True, "RUNNING pid 9, uptime 0:00:03")),
        (SUPERVISOR, {}, "other RUNNING pid 1\nshop FATAL Exited too quickly\n", 3, UnitState(False, "FATAL Exited too quickly")),
        (SUPERVISOR, {}, "shop  STARTING  \n", 3, UnitState(None, "STARTING")),
        (DOCKER, {}, '{"Status": "running"}', 0, UnitState(True, "running")),
        (DOCKER, {}, '{"Status": "running", "Health": {"Status": "starting"}}', 0, UnitState(None, "running starting")),
        (DOCKER, {}, '{"Status": "running", "Health": {"Status": "unhealthy"}}', 0, UnitState(False, "running unhealthy")),
        (DOCKER, {}, '{"Status": "exited"}', 0, UnitState(False, "exited")),
    ],
)
def test_answers_that_can_be_read(driver: Manager, settings: dict[str, str], printed: str, status: int, state: UnitState) -> None:
    read = driver.read(driver.options.model_validate(settings), "shop", result(printed, status=status))
    assert (read.running, read.words) == (state.running, state.words)


@pytest.mark.parametrize(
    ("driver", "printed", "sentence"),
    [
        (SYSTEMD, "LoadState=not-found\nActiveState=inactive\n", "systemd knows no unit shop"),
        (SYSTEMD, "\x00garbage", "systemctl gave no usable answer"),
        (SUPERVISOR, "shop: ERROR (no such process)\n", "supervisord knows no program shop"),
        (SUPERVISOR, "", "supervisorctl gave no usable answer"),
        (DOCKER, "[]", "docker gave no usable answer"),
        (DOCKER, "Error: No such container: shop", "docker gave no usable answer: Error: No such container"),
    ],
)
def test_answers_that_cannot(driver: Manager, printed: str, sentence: str) -> None:
    with pytest.raises(AnswerError, match=sentence.replace("(", "\\(")):
        driver.read(driver.options(), "shop", result(printed, status=1))


def test_commands() -> None:
    assert SYSTEMD.command(SYSTEMD.options(), "restart", "shop.service").argv == ("systemctl", "restart", "--", "shop.service")
    of_the_user = SYSTEMD.command(SYSTEMD.options.model_validate({"user": True}), "stop", "shop").argv
    assert of_the_user[2].endswith('exec systemctl --user "$@"')
    assert of_the_user[3:] == ("systemctl", "stop", "--", "shop")
    chosen = SUPERVISOR.options.model_validate({"configuration": "/etc/s.conf"})
    assert SUPERVISOR.command(chosen, "restart", "shop").argv == ("supervisorctl", "-c", "/etc/s.conf", "restart", "shop")
    assert SUPERVISOR.command(chosen, "reload", "shop").argv == ("supervisorctl", "-c", "/etc/s.conf", "signal", "HUP", "shop")
    assert DOCKER.command(DOCKER.options(), "reload", "shop").argv == ("docker", "kill", "--signal=HUP", "shop")
    words = {"status": ("ctl", "is"), "start": ("ctl", "up"), "stop": ("ctl", "down"), "restart": ("ctl", "again")}
    own = COMMAND.options.model_validate(words)
    assert COMMAND.command(own, "restart", "shop").argv == ("ctl", "again")
    assert COMMAND.read(own, "shop", result("down", status=3)) == UnitState(False, "down")
    with pytest.raises(AnswerError, match="nothing says how shop is told to reload"):
        COMMAND.command(own, "reload", "shop")
    with pytest.raises(AnswerError, match="ctl is ended with 1: who are you"):
        COMMAND.read(own, "shop", result(stderr="who are you", status=1))


PROGRAM = """\
[program:shop]
command={python} -c "import os, time; open('{folder}/pids', 'a').write(str(os.getpid()) + chr(10)); time.sleep(600)"
startsecs=1
stdout_logfile=NONE
stderr_logfile=NONE
[program:broken]
command=/bin/false
autostart=false
startsecs=1
startretries=0
stdout_logfile=NONE
stderr_logfile=NONE
"""


@contextmanager
def supervised(folder: Path) -> Iterator[Path]:
    """A supervisord with two programs, one of which never comes up; gives its configuration."""
    configuration = folder / "supervisord.conf"
    configuration.write_text((HEAD + PROGRAM).format(folder=folder, python=sys.executable))
    with (folder / "supervisord.out").open("w") as said:
        process = subprocess.Popen([need("supervisord"), "-c", str(configuration)], stdout=said, stderr=said)
        try:
            wait_until(lambda: len(pids(folder)) == 1, 30, "supervisord starts its program")
            yield configuration
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def pids(folder: Path) -> list[int]:
    """The processes that the program was, one after the other."""
    try:
        return [int(line) for line in (folder / "pids").read_text().split()]
    except FileNotFoundError:
        return []


BOOK = """\
```sh {"name": "assess", "operation": "systemd.status"}
systemctl status shop
```

```sh {"name": "restart", "operation": "systemd.restart"}
# Quick restart attempt
systemctl restart shop
```
"""
BROKEN = '```sh {"name": "start", "operation": "systemd.start"}\nsystemctl start broken\n```\n'


def test_a_step_restarts_a_service_through_supervisord(tmp_path: Path) -> None:
    need("supervisorctl")
    with supervised(tmp_path) as configuration:
        managed = f"{{supervisor: {{configuration: {configuration}}}}}"
        settings = f"policy: {{destructive: allow}}\nservices:\n  shop: {managed}\n  broken: {managed}\n"
        with running(tmp_path, {"p1": BOOK, "broken": BROKEN}, settings) as runs:
            done = runs.run("p1")
            assert done["state"] == "done", done
            assess, restart = done["steps"]
            assert assess["sentence"].startswith("shop is RUNNING pid ")
            assert restart["sentence"].startswith("shop is RUNNING pid ")
            first, second = pids(tmp_path)
            assert not os.path.exists(f"/proc/{first}")
            assert os.path.exists(f"/proc/{second}")
            failed = runs.run("broken")
            assert failed["state"] == "failed"
            assert "broken" in runs.output(failed["id"], "start")
            assert runs.server.get("/api/v1/runbooks/p1")["steps"][1]["service"] == "restart shop"
