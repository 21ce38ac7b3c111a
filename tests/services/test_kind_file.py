"""The ``file`` kind on files that are really there, with the programs of this machine."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.support import missing, need

DAY = 86_400
LOOK = """
import asyncio, json, sys
from tests.services.look import look
seen = asyncio.run(look("file", json.loads(sys.argv[1])))
print(seen.state, seen.sentence)
"""


def made(path: Path, content: bytes = b"x", days: float = 0, mode: int = 0o644) -> Path:
    """A file of that age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    then = time.time() - days * DAY
    os.utime(path, (then, then))
    return path


async def test_everything_about_a_file(tmp_path: Path) -> None:
    content = b"host=db\nport=5432\n"
    path = made(tmp_path / "with space\u2028 and -dash.conf", content, days=2, mode=0o640)
    options = {
        "path": str(path),
        "age": {"fail": "> 3d"},
        "size": {"fail": "> 18B"},
        "owner": str(os.geteuid()),
        "group": str(path.stat().st_gid),
        "mode": "0640",
        "matches": "(?m)^port=[0-9]+$",
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    good = await look("file", options)
    bad = await look("file", {**options, "age": {"fail": "> 1d"}, "mode": "0600", "sha256": "0" * 64, "owner": "nobody-of-here"})
    assert good.state is State.OK, good.sentence
    assert good.values["age_seconds"] == pytest.approx(2 * DAY, abs=60)
    assert good.values["size_bytes"] == 18
    assert bad.state is State.FAIL
    for part in ("fail above 1 d", "are 0640, expected 0600", "expected 0000000000000000…", 'expected "nobody-of-here"'):
        assert part in bad.sentence


async def test_what_is_absent_and_what_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    absent = await look("file", {"path": str(tmp_path / "nothing")})
    expected = await look("file", {"path": str(tmp_path / "nothing"), "absent": True})
    dangling = await look("file", {"path": str(tmp_path / "dangling")})
    folder = await look("file", {"path": str(tmp_path)})
    (tmp_path / "link").symlink_to(made(tmp_path / "target"))
    linked = await look("file", {"path": str(tmp_path / "link"), "size": {"fail": "> 1B"}})
    states = [seen.state for seen in (absent, expected, dangling, folder, linked)]
    assert states == [State.FAIL, State.OK, State.FAIL, State.FAIL, State.OK]
    assert folder.sentence == f"{tmp_path} is a directory, expected a file"


async def test_backups_in_a_folder(tmp_path: Path) -> None:
    made(tmp_path / "a.dump", b"x" * 1000, days=3)
    made(tmp_path / "deep" / "b\n.dump", b"x" * 5000, days=2)
    made(tmp_path / "newer.log", b"", days=0)
    options = {
        "path": str(tmp_path),
        "pattern": "*.dump",
        "newest": {"fail": "> 50h"},
        "oldest": {"fail": "> 4d"},
        "size": {"fail": "> 6kB"},
    }
    seen = await look("file", options)
    shallow = await look("file", {**options, "depth": 1})
    none = await look("file", {**options, "pattern": "*.zip"})
    empty = await look("file", {"path": str(tmp_path), "newest": {"fail": "> 50h"}})
    assert seen.state is State.OK, seen.sentence
    assert (seen.values["entries"], seen.values["size_bytes"], seen.values["newest_bytes"]) == (2, 6000, 5000)
    assert seen.values["newest_age_seconds"] == pytest.approx(2 * DAY, abs=60)
    assert shallow.state is State.FAIL
    assert "a.dump" in shallow.sentence
    assert (none.state, empty.state) == (State.FAIL, State.WARN)
    assert "newer.log" in empty.sentence


async def test_a_folder_s_size_and_who_may_write(tmp_path: Path) -> None:
    need("du")
    made(tmp_path / "logs" / "big.log", os.urandom(300_000))
    made(tmp_path / "open", mode=0o666)
    (tmp_path / "sticky").mkdir()
    (tmp_path / "sticky").chmod(0o1777)
    (tmp_path / "wide").mkdir()
    (tmp_path / "wide").chmod(0o777)
    (tmp_path / "link").symlink_to("open")
    seen = await look("file", {"path": str(tmp_path), "type": "directory", "size": {"warn": "> 200kB"}, "largest": {"fail": "> 1MB"}})
    writable = await look("file", {"path": str(tmp_path), "world_writable": {}})
    assert seen.state is State.WARN, seen.sentence
    assert 300_000 <= seen.values["size_bytes"] < 400_000
    assert seen.values["largest_bytes"] == 300_000
    assert writable.state is State.FAIL
    assert writable.values["world_writable"] == 2
    assert '"open"' in writable.sentence
    assert '"wide"' in writable.sentence


async def test_more_names_than_one_look_lists(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    long = "n" * 240
    for number in range(17_000):
        os.close(os.open(folder / f"{long}{number}", os.O_CREAT | os.O_WRONLY))
    listed = await look("file", {"path": str(folder), "newest": {}})
    counted = await look("file", {"path": str(folder), "entries": {"warn": "> 16999"}})
    assert listed.state is State.UNKNOWN, listed.sentence
    assert "narrow it down by pattern or depth" in listed.sentence
    assert counted.state is State.WARN
    assert counted.values["entries"] == 17_000


def test_what_this_user_may_not_look_at_is_unknown(tmp_path: Path) -> None:
    need("setpriv")
    if os.geteuid() != 0:
        missing("another user's files are made by root only")
    closed = tmp_path / "closed"
    made(closed / "file")
    closed.chmod(0o000)
    weak = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--reuid=0"]
    for options in (f'{{"path": "{closed}/file"}}', f'{{"path": "{tmp_path}", "entries": {{}}}}'):
        done = subprocess.run([*weak, sys.executable, "-c", LOOK, options], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("unknown could not look: "), (done.stdout, done.stderr)
        assert "Permission d" in done.stdout, "a long path may cut the rest off"


async def test_a_pipe_is_no_file_and_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    seen = await look("file", {"path": str(tmp_path / "pipe"), "size": {}})
    assert seen.state is State.FAIL
    assert seen.sentence == f"{tmp_path}/pipe is a fifo, expected a file"
