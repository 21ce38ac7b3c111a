"""A run of tests that leaves a process or a temporary file fails and names it; one that leaves nothing passes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MARK

ROOT = Path(__file__).resolve().parents[2]
LEAVES_A_PROCESS = """
import subprocess, sys
def test_it(): subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)", "the-one-left"], start_new_session=True)
"""
LEAVES_A_FILE = "import tempfile\ndef test_it(): assert tempfile.mkstemp(prefix='forgotten-')"
LEAVES_NOTHING = """
import subprocess, sys, tempfile
def test_it(tmp_path):
    tmp_path.joinpath("own").touch()
    tempfile.TemporaryFile().close()
    assert subprocess.run([sys.executable, "-c", ""]).returncode == 0
"""
SLOW = "import pytest\n@pytest.mark.slow\ndef test_it(): raise AssertionError('it ran')"


def run(text: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    test = folder / "test_inner.py"
    test.write_text(text)
    environment = {name: value for name, value in os.environ.items() if name != MARK and not name.startswith(("PYTEST_", "COV_"))}
    environment |= {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-rs",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
        f"--rootdir={folder}",
        *options,
        test,
    ]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("text", "named", "options"),
    [(LEAVES_A_PROCESS, "the-one-left", ("-n", "1")), (LEAVES_A_FILE, "temporary file forgotten-", ())],
    ids=["a process, started by a worker", "a file"],
)
def test_what_is_left_fails_the_run(text: str, named: str, options: tuple[str, ...], tmp_path: Path) -> None:
    answer = run(text, tmp_path, *options)
    assert answer.returncode == 1
    assert "left behind by the tests" in answer.stdout
    assert named in answer.stdout
    assert "1 error" in answer.stdout.splitlines()[-1]
    assert list(tmp_path.glob("keepwell-tests-*")) == []


def test_a_tidy_run_passes(tmp_path: Path) -> None:
    answer = run(LEAVES_NOTHING, tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_slow_test_is_named_as_left_out_and_runs_when_asked(tmp_path: Path) -> None:
    named = run(SLOW, tmp_path, "-W", "ignore")
    assert (named.returncode, "make test-slow runs it" in named.stdout) == (0, True)
    assert "it ran" in run(SLOW, tmp_path, "-W", "ignore", "--slow").stdout
