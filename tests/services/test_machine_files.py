"""Files of this machine: what is read, and that nothing holds the reader up."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

import keepwell
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.machine.local_files import LocalFiles


async def test_a_file_and_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    assert await LocalFiles().read(str(path)) == b"0123456789"
    assert await LocalFiles().read(str(path), limit=4) == b"0123"
    assert await LocalFiles().read(str(path), limit=0) == b""


async def test_facts(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    path.chmod(0o640)
    os.utime(path, (1_700_000_000, 1_700_000_000.5))
    (tmp_path / "link").symlink_to(path)
    facts = await LocalFiles().facts(str(tmp_path / "link"))
    assert (facts.size, facts.mode & 0o7777, facts.owner, facts.group) == (5, 0o640, os.geteuid(), path.stat().st_gid)
    assert (facts.modified, facts.is_directory) == (1_700_000_000.5, False)
    assert (await LocalFiles().facts(str(tmp_path))).is_directory


async def test_names_are_sorted(tmp_path: Path) -> None:
    for name in ("b", "a", "C"):
        (tmp_path / name).touch()
    assert await LocalFiles().names(str(tmp_path)) == ("C", "a", "b")


async def test_the_kernels_files_are_read_although_their_size_is_zero() -> None:
    assert b"MemTotal:" in await LocalFiles().read("/proc/meminfo")
    assert (await LocalFiles().read("/proc/self/comm")).strip()
    assert "online" in await LocalFiles().names("/sys/devices/system/cpu")
    assert (await LocalFiles().facts("/proc/self")).is_directory


async def test_what_is_missing_is_the_targets(tmp_path: Path) -> None:
    files = LocalFiles()
    missing = str(tmp_path / "missing")
    for look in (files.read, files.facts, files.names):
        with pytest.raises(AnswerError) as caught:
            await look(missing)
        assert str(caught.value) == f"{missing} does not exist"
    (tmp_path / "file").touch()
    with pytest.raises(AnswerError):
        await files.read(str(tmp_path / "file" / "below"))
    with pytest.raises(AnswerError):
        await files.read("/proc/999999999/stat")


async def test_what_cannot_be_read_is_ours_and_holds_nobody_up(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    started = time.monotonic()
    for path, reason in (
        (str(fifo), "not a regular file"),
        ("/dev/zero", "not a regular file"),
        (str(tmp_path), "it is a directory"),
        (str(loop), "Too many levels of symbolic links"),
    ):
        with pytest.raises(AskError) as caught:
            await LocalFiles().read(path)
        assert str(caught.value) == f"{path} cannot be read: {reason}"
    assert time.monotonic() - started < 10
    (tmp_path / "file").touch()
    with pytest.raises(AskError, match="is not a path"):
        await LocalFiles().read("a\0b")


READ_AS_ANOTHER = """
import asyncio, os, sys
from keepwell.kernel.problems import AskError
from keepwell.machine.local_files import LocalFiles
asyncio.run(LocalFiles().read("/etc/passwd"))  # whatever is imported late may be out of the other user's reach
os.setuid(54321)
try:
    asyncio.run(LocalFiles().read(sys.argv[1]))
except AskError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become another user")
def test_what_this_user_may_not_read_is_ours() -> None:
    source = str(Path(keepwell.__file__).parents[1])
    with tempfile.NamedTemporaryFile(dir="/tmp") as private:  # not below tmp_path, where another user may not even look
        done = subprocess.run(
            [sys.executable, "-c", READ_AS_ANOTHER, private.name], capture_output=True, text=True, timeout=30, check=True,
            env={**os.environ, "PYTHONPATH": source},
        )  # fmt: skip
    assert done.stdout == f"{private.name} cannot be read: this user may not read it\n"
