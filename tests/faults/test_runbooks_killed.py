"""SIGKILL at every point of a run: each step takes effect once, whatever is killed when; and what nobody can know, a person is asked."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.runs_served import Runs, running
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]


def cases(folder: Path, every: int) -> list[Mapping[str, Any]]:
    """Each case."""
    command = [sys.executable, "-m", "tests.faults.runbooks_killed", str(folder), str(every)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=2400, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def faults(found: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The cases in which anything is wrong."""
    good = {"outcome": "done", "sentence": "3 steps done", "effects": ["first", "second", "third"], "left": [], "chain": True}
    return [case for case in found if any(case.get(name) != value for name, value in good.items())]


@pytest.mark.slow
@pytest.mark.timeout(2500)
def test_a_kill_at_any_point_does_no_step_twice_and_loses_none(tmp_path: Path) -> None:
    found = cases(tmp_path, 1)
    assert faults(found) == []
    assert sum(case["killed"] for case in found) >= 100


@pytest.mark.timeout(600)
def test_a_kill_at_some_points_does_no_step_twice_and_loses_none(tmp_path: Path) -> None:
    found = cases(tmp_path, 29)
    assert faults(found) == []
    assert sum(case["killed"] for case in found) >= 4


LONG = """\
```sh {{"name": "long"{more}}}
echo x >> {folder}/effects
while [ ! -e {folder}/go ]; do sleep 0.05; done
echo ended
```
"""


def _effects(folder: Path) -> int:
    try:
        return len((folder / "effects").read_text().split())
    except FileNotFoundError:
        return 0


def _minders(folder: Path) -> list[int]:
    """The processes that mind scripts below a folder."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            arguments = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"keepwell-minder" in arguments and any(argument.startswith(os.fsencode(folder)) for argument in arguments):
            found.append(int(name))
    return found


def _begun(runs: Runs, folder: Path) -> None:
    """A run whose step is under way."""
    runs.begin("long")
    wait_until(lambda: _effects(folder) == 1, 30, "the step has begun")


def test_a_step_outlives_the_server_and_its_end_is_known(tmp_path: Path) -> None:
    with running(tmp_path, {"long": LONG.format(folder=tmp_path, more="")}) as runs:
        _begun(runs, tmp_path)
        runs.again(kill=True)
        assert runs.show(1)["state"] == "running"
        (tmp_path / "go").touch()
        done = runs.until(1, "done", "failed", "asks")
        assert (done["state"], runs.output(1, "long"), _effects(tmp_path)) == ("done", "ended\n", 1)


def test_a_step_outlives_a_graceful_stop(tmp_path: Path) -> None:
    with running(tmp_path, {"long": LONG.format(folder=tmp_path, more="")}) as runs:
        _begun(runs, tmp_path)
        runs.again(kill=False)
        (tmp_path / "go").touch()
        assert (runs.until(1, "done", "failed", "asks")["state"], _effects(tmp_path)) == ("done", 1)


@pytest.mark.parametrize(
    ("more", "state", "effects"),
    [
        ("", "asks", 1),
        (', "idempotent": "true"', "done", 2),
        (', "verify": "test -e {folder}/effects"', "done", 1),
        (', "verify": "test -e {folder}/other"', "done", 2),
    ],
)
def test_when_nobody_knows_how_it_ended(tmp_path: Path, more: str, state: str, effects: int) -> None:
    """The server and whoever minds the step are killed at once, as when the machine loses its power."""
    text = LONG.format(folder=tmp_path, more=more.format(folder=tmp_path))
    if "other" in more:
        text = text.replace("echo ended", f"touch {tmp_path}/other")
    with running(tmp_path, {"long": text}) as runs:
        _begun(runs, tmp_path)
        runs.server.signal(signal.SIGSTOP)
        for pid in _minders(tmp_path):
            os.killpg(pid, signal.SIGKILL)
        (tmp_path / "go").touch()
        runs.again(kill=True)
        found = runs.until(1, "done", "failed", "asks")
        assert (found["state"], _effects(tmp_path)) == (state, effects), found
        if state == "asks":
            assert "nothing tells how it ended" in found["steps"][0]["sentence"]
            again = runs.said("runs", "resume", "1", "--repeat")
            assert (again["state"], again["steps"][0]["attempt"], _effects(tmp_path)) == ("done", 2, 2)
