"""A rotation that is killed anywhere goes on: no line lost, none doubled, nothing rotated twice."""

import gzip
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.logs_writer import writing

KEPT = {".1": "newest", ".2.gz": "packed", ".3": "left behind"}
POLICY = """\
keepwell: 1
service: shop
logs:
  shop:
    paths: ["{folder}/*.log"]
    rotate: {rotate}
    watch: [{{name: all, pattern: line}}]
"""
RENAMED = "{keep: 30, compress: after 1, create: '640', archive: archive, reopen: HUP, release: 10s}"


def run(folder: Path, moment: int) -> "subprocess.CompletedProcess[str]":
    """One life that rotates under the one key."""
    argv = [
        sys.executable,
        "-m",
        "tests.faults.logs_killed",
        str(folder / "ops"),
        str(folder / "keepwell.sqlite"),
        "tasks/rotate/1",
        str(moment),
    ]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def prepared(folder: Path) -> Path:
    """A folder of logs in which a rotation was interrupted before: number 3 is not compressed yet."""
    archive = folder / "log" / "archive"
    archive.mkdir(parents=True)
    for end, word in KEPT.items():
        content = "".join(f"{word} {number}\n" for number in range(50)).encode()
        (archive / f"app.log{end}").write_bytes(gzip.compress(content) if end.endswith(".gz") else content)
    (folder / "ops").mkdir()
    (folder / "ops" / "keepwell.yaml").write_text(POLICY.format(folder=folder / "log", rotate=RENAMED))
    return folder / "log"


def lines_of(log: Path) -> list[str]:
    """Every line in every file."""
    files = [path for path in log.rglob("app.log*") if path.is_file()]
    assert not [path for path in files if path.name.endswith(".part")]
    contents = (gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes() for path in files)
    return [line for content in contents for line in content.decode().splitlines()]


def killed_at(folder: Path, moment: int) -> bool:
    """Whether so many moments there are; kills at that one, goes on, and looks at what is there."""
    log = prepared(folder)
    with writing(log / "app.log", 2000) as writer:
        writer.wrote(10_000)
        first = run(folder, moment)
        again = run(folder, 0)
        assert again.returncode == 0, again.stdout + again.stderr
        third = run(folder, 0)
        assert third.returncode == 0, third.stdout
        written = writer.end()
    lines = lines_of(log)
    wanted = [f"{word} {number}" for word in KEPT.values() for number in range(50)]
    assert sorted(line for line in lines if not line.startswith("line ")) == sorted(wanted)
    numbers = sorted(int(line.split()[1]) for line in lines if line.startswith("line "))
    assert numbers == list(range(written))
    names = sorted(path.name for path in (log / "archive").iterdir())
    assert names == ["app.log.1", "app.log.2.gz", "app.log.3.gz", "app.log.4.gz"], (moment, first.stdout, again.stdout)
    if first.returncode == 0:
        assert int(first.stdout.split()[0]) < moment
        return False
    assert first.returncode == -signal.SIGKILL, first.stderr
    return True


@pytest.mark.parametrize("moment", [4, 9, 15, 30])
def test_killed_at_some_moments(tmp_path: Path, moment: int) -> None:
    assert killed_at(tmp_path, moment)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_every_moment(tmp_path: Path) -> None:
    moment = 1
    while killed_at(tmp_path / str(moment), moment):
        moment += 1
    assert moment > 40
    print(f"killed at {moment - 1} moments")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_copying_killed_at_every_moment_loses_and_doubles_nothing_of_a_writer_that_waits(tmp_path: Path) -> None:
    """Nobody writes meanwhile: what is written between copy and cut is lost by design, and said."""
    moment, is_killed = 1, True
    while is_killed:
        folder = tmp_path / str(moment)
        log = prepared(folder)
        (folder / "ops" / "keepwell.yaml").write_text(
            POLICY.format(folder=log, rotate="{keep: 30, archive: archive, copy_and_truncate: 'it cannot open anew'}")
        )
        (log / "app.log").write_text("".join(f"line {number}\n" for number in range(100)))
        is_killed = run(folder, moment).returncode == -signal.SIGKILL
        assert run(folder, 0).returncode == 0
        numbers = sorted(int(line.split()[1]) for line in lines_of(log) if line.startswith("line "))
        assert numbers == list(range(100)), moment
        assert os.path.getsize(log / "app.log") == 0
        moment += 1
