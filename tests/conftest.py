"""What holds for every test: slow ones wait for ``--slow``, and at the end no process and no temporary file may be left.

Every process that a test starts inherits two variables: a mark, by which it is found again at the end, and ``TMPDIR``, a folder of this
run alone, which must be empty then. (pytest's own ``tmp_path`` folders stand where they always do.)
"""

import importlib.util
import os
import re
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
MARK = "KEEPWELL_TEST_RUN"
pytest_plugins = [name for name in ("tests.postgresql",) if importlib.util.find_spec(name)]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--slow`` runs the slow tests too."""
    parser.addoption("--slow", action="store_true", help="run the tests that take minutes, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without ``--slow`` a slow test is skipped by name, so that the summary says what was left out and why.

    Folders of long tests come first: what is quick fills the gaps at the end, where one long test would keep all others waiting."""
    items.sort(key=lambda item: _folder(item.nodeid) in _QUICK)
    if not config.getoption("--slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="takes minutes: make test-slow runs it"))


_GROUP = re.compile(r"""xdist_group\(\s*["']([^"']+)["']""")
_SHARED = re.compile(r"""fixture\(\s*scope=["']module["']""")
_QUICK = {"cases", "unit"}
"""The folders whose tests take milliseconds."""


def _folder(nodeid: str) -> str:
    """The folder of tests that a test stands in; empty where it stands beside them."""
    _, *folders, _ = ("", *nodeid.partition("::")[0].split("/"))
    return folders[1] if len(folders) > 1 else ""


@cache
def _group_of(path: str) -> str:
    """The group that a file of tests says its tests belong to; the file itself where its tests share a fixture, which every worker would
    start anew, and where they are so quick that handing them out one by one takes longer than they do. Empty for others."""
    text = (ROOT / path).read_text("utf-8") if (ROOT / path).is_file() else ""
    if found := _GROUP.search(text):
        return found[1]
    return path if _SHARED.search(text) or _folder(path) in _QUICK else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker runs all tests of a group. xdist's own ``loadgroup`` writes the group into the tests' ids, which pytest 9.2 does not
    take any more: tests that share something of the machine then ran beside each other. Groups are handed out in the order of the
    collection, not the largest first, which a file of a thousand quick cases is."""
    from xdist.scheduler import LoadGroupScheduling

    class ByGroup(LoadGroupScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group_of(nodeid.partition("::")[0]) or nodeid

    config.option.loadscopereorder = False
    return ByGroup(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Marks the run, in the process that the workers are started from."""
    if MARK in os.environ:
        return
    # Where a shell started the run in the background, Ctrl-C is ignored, and every program of the tests would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ[MARK] = uuid.uuid4().hex
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = Path(tempfile.mkdtemp(prefix="keepwell-tests-"))
    folder.chmod(0o711)  # servers that refuse root run as somebody else and must reach their files
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    config.stash[_OWN_FOLDER] = folder


_OWN_FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the run where a process or a temporary file is left. Runs last, when the workers have ended."""
    folder = session.config.stash.get(_OWN_FOLDER, None)
    if folder is None:
        return
    processes = _left_processes()
    files = sorted(path.name for path in folder.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    left = [f"process {process}" for process in processes] + [f"temporary file {name}" for name in files]
    if left:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:  # so that the summary and its closing line count it as an error
            text = "left behind by the tests: " + "; ".join(left)
            reporter.stats.setdefault("error", []).append(pytest.CollectReport("the whole run", "failed", text, []))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _left_processes(patience: float = 2.0) -> list[str]:
    """The processes of this run that still live; one that is just ending is given a moment."""
    end = time.monotonic() + patience
    while (left := list(_marked_processes())) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def _marked_processes() -> Iterator[str]:
    """Number and command line of every process that carries the mark of this run, but for this one and those above it."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield f"{entry.name} ({(entry / 'cmdline').read_bytes().replace(bytes(1), b' ').decode(errors='replace').strip()})"
        except OSError:
            continue  # it ended meanwhile, or belongs to somebody else
