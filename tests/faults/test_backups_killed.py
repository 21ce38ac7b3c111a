"""Keepwell is killed while a backup is written or deleted: at every call that changes the file system, and at any time in between.

Whatever lies in the repository afterwards and counts as a copy can be restored, byte by byte; the next backup goes well and clears away.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from keepwell.rooms.backups.archive.compare import compare
from keepwell.rooms.backups.archive.extract import extract
from keepwell.rooms.backups.archive.reading import check_parts, members_of
from keepwell.rooms.backups.archive.repository import Repository
from keepwell.rooms.backups.archive.signing import public_in
from tests.backups import fill

CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path

from keepwell.rooms.backups.archive.repository import Repository
from keepwell.rooms.backups.archive.signing import signer_in
from keepwell.rooms.backups.archive.writing import Means, Wanted, write_copy
from keepwell.rooms.backups.sources.files import DRIVER, FilesOptions

folder = Path(sys.argv[1])
CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.chmod"}

def die_at(last):
    count = 0
    def hook(event, arguments):
        nonlocal count
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if event in CHANGES or writes:
            count += 1
            if count == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

def do(deed, argument):
    repository = Repository(folder / "repository")
    if deed == "write":
        options = FilesOptions(paths=(str(folder / "source"),))
        wanted = Wanted("settings", "shop", "local", "tests", argument, {}, DRIVER.seen(options, ()))
        write_copy(repository, wanted, Means(lambda: datetime.now(UTC), signer_in(folder / "data")))
    else:
        repository.remove("settings", argument)

# Each deed in a fork of its own: what it imports was imported before.
for line in sys.stdin:
    deed, last, argument = line.split()
    child = os.fork()
    if child == 0:
        die_at(int(last))
        do(deed, argument)
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Killed:
    """Does things to a repository and is killed at the ``last`` change of the file system that it makes (0: never)."""

    def __init__(self, folder: Path, *before: str) -> None:
        command = [sys.executable, "-c", "\n".join((*before, CHILD)), str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, deed: str, last: int, argument: str) -> bool:
        """Whether it came to its end."""
        self.begin(deed, last, argument)
        return self.ended()

    def begin(self, deed: str, last: int, argument: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{deed} {last} {argument}\n")
        self._process.stdin.flush()

    def ended(self) -> bool:
        assert self._process.stdout is not None
        status = int(self._process.stdout.readline())
        assert status in (0, signal.SIGKILL), f"it ended with {status}"
        return status == 0

    def kill_child(self) -> None:
        """Kills what was begun, wherever it is."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGKILL)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    fill(tmp_path / "source")
    return tmp_path


@pytest.fixture
def doing(folder: Path) -> Iterator[Killed]:
    killed = Killed(folder)
    yield killed
    killed.close()


def copies_that_count(folder: Path, known: Collection[str] = ()) -> list[str]:
    """Restores every copy that counts and is not known from before, and compares it with what was backed up; gives the ids of all."""
    repository = Repository(folder / "repository")
    public = public_in(folder / "data")
    found = repository.copies("settings", public)
    for one in found:
        assert one.fault == "", f"{one.id}: {one.fault}"
        assert one.manifest is not None
        if one.id in known:
            continue
        place = repository.copy("settings", one.id)
        check_parts(place, one.manifest, lambda: None)
        into = folder / f"restored-{one.id}"
        into.mkdir()
        extract(place, one.manifest, into, (), lambda: None)
        compare(into, members_of(place, one.manifest, ()), lambda: None, with_owners=os.geteuid() == 0)
        assert (into / str(folder / "source").lstrip("/") / "conf" / "shop.conf").read_bytes() == b"listen = 3001\n"
        subprocess.run(["rm", "-rf", str(into)], check=True)
    return [one.id for one in found]


def test_killed_at_every_change_of_the_file_system_while_a_copy_is_written(folder: Path, doing: Killed) -> None:
    counted, last = 0, 0
    while not doing("write", last := last + 1, f"killed-{last}"):
        found = len(copies_that_count(folder))
        assert found in (counted, counted + 1)  # one more where it was killed after the last rename
        counted = found
    assert last > 8
    assert len(copies_that_count(folder)) == counted + 1
    assert doing("write", 0, "after")
    assert hidden(folder) == [".lock"]


def test_killed_while_a_copy_is_deleted(folder: Path, doing: Killed) -> None:
    ended, last = False, 0
    while not ended:
        assert doing("write", 0, f"made-{last}")
        kept = copies_that_count(folder)
        ended = doing("delete", last := last + 1, kept[0])
        assert copies_that_count(folder) in (kept, kept[1:])
        assert doing("delete", 0, kept[0])
        assert copies_that_count(folder) == kept[1:]
        assert hidden(folder) == [".lock"]
    assert last > 5


def test_killed_at_any_time(folder: Path, doing: Killed) -> None:
    (folder / "source" / "more").write_bytes(os.urandom(8_000_000))
    chance = random.Random(20261122)
    assert doing("write", 0, "first")
    began = time.monotonic()
    assert doing("write", 0, "second")
    takes = time.monotonic() - began
    copies = copies_that_count(folder)
    for number in range(12):
        doing.begin("write", 0, f"killed-{number}")
        time.sleep(chance.uniform(0.0, 1.1) * takes)
        doing.kill_child()
        doing.ended()
        before, copies = copies, copies_that_count(folder, known=copies)
        assert len(copies) in (len(before), len(before) + 1)
    assert doing("write", 0, "after")
    assert len(copies_that_count(folder)) == len(copies) + 1, "and all of them can still be restored"
    assert hidden(folder) == [".lock"]


def hidden(folder: Path) -> list[str]:
    """What lies in the repository and is no copy."""
    return [one.name for one in (folder / "repository" / "settings").iterdir() if one.name.startswith(".")]


LIMITED = (
    "import resource, signal",
    "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)",
    "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))",
)


def test_a_full_disk_makes_no_copy(folder: Path) -> None:
    """A limit on the size of files stands in for the disk: write(2) fails with EFBIG as it would with ENOSPC."""
    (folder / "source" / "more").write_bytes(os.urandom(4_000_000))
    command = [sys.executable, "-c", "\n".join((*LIMITED, CHILD)), str(folder)]
    ended = subprocess.run(command, input="write 0 full\n", capture_output=True, text=True, timeout=60, check=False)
    assert "File too large" in ended.stderr
    assert copies_that_count(folder) == []
    assert hidden(folder) == [".lock"]


SEALS = """
import os, sys
from pathlib import Path

import pyrage

from keepwell.rooms.backups.archive.sealing import Sealed

sealed = Sealed(Path(sys.argv[1]) / "sealed", [pyrage.x25519.Identity.generate().to_public()])
try:
    for _ in range(8):
        sealed.write(os.urandom(1_000_000))
    sealed.finish()
except OSError as error:
    print(error.strerror)
finally:
    sealed.close()
"""


def test_a_full_disk_is_named_also_where_age_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "\n".join((*LIMITED, SEALS)), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout == "File too large\n", ended.stderr
