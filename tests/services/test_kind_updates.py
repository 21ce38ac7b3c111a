"""The ``updates`` kind with the package manager of this machine: it says what apt says, takes no lock and changes nothing."""

import contextlib
import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.support import missing, need

pytestmark = pytest.mark.xdist_group("the locks of apt")
LOCKS = (Path("/var/lib/dpkg/lock-frontend"), Path("/var/lib/dpkg/lock"), Path("/var/lib/apt/lists/lock"))
WATCHED = ("/var/lib/apt", "/var/lib/dpkg", "/var/cache/apt")


@pytest.fixture
def locked() -> Iterator[None]:
    """apt's locks are held, as while somebody else installs something."""
    need("apt-get")
    if os.geteuid() != 0:
        missing("the locks of apt are root's")
    if not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        missing("this machine has no package lists")
    with contextlib.ExitStack() as stack:
        for path in LOCKS:
            if path.exists():
                file = stack.enter_context(path.open("r+"))
                try:
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    pytest.skip("somebody is installing something")
        yield


def files() -> dict[str, tuple[int, int]]:
    """Every file in which apt and dpkg keep something, with size and time of modification."""
    found = {}
    for folder in WATCHED:
        for path in Path(folder).rglob("*"):
            facts = path.lstat()
            found[str(path)] = (facts.st_size, facts.st_mtime_ns)
    return found


def simulated() -> int:
    command = ["apt-get", "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"]
    environment = {**os.environ, "LC_ALL": "C"}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    numbers = re.search(r"^([0-9]+) upgraded, ([0-9]+) newly installed", said, re.MULTILINE)
    assert numbers is not None
    return int(numbers[1]) + int(numbers[2])


@pytest.mark.usefixtures("locked")
async def test_it_says_what_apt_says_while_another_holds_the_locks() -> None:
    before = files()
    seen = await look("updates", {"security": {"fail": "> 100000"}, "lists": {"fail": "> 2000000d"}, "reboot": "ok"}, timeout=50)
    assert seen.state is State.OK, seen.sentence
    assert seen.values["updates"] == simulated()
    assert 0 <= seen.values["security_updates"] <= seen.values["updates"]
    assert seen.values["lists_age_seconds"] >= 0
    assert files() == before


@pytest.mark.usefixtures("locked")
async def test_old_lists_are_no_good_news() -> None:
    seen = await look("updates", {"lists": {"fail": "> 0s"}}, timeout=50)
    assert seen.state is State.FAIL, seen.sentence
    assert "the package lists of apt last changed" in seen.sentence
