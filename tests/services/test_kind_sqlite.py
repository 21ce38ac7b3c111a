"""The ``sqlite`` kind against real files: sound, damaged, in use, left behind, and none at all."""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from keepwell.kernel.problems import AskError
from keepwell.kernel.states import State
from keepwell.machine.sqlite_files import Examination, examine
from keepwell.ports.fakes import fake_host
from keepwell.rooms.checks.kinds.sqlite import DRIVER, SqliteOptions, probe
from tests.services.look import look
from tests.support import wait_until

ROWS = 2000


def made(path: Path, *, wal: bool = False) -> sqlite3.Connection:
    """A database with a parent, children of which one is an orphan, and an index; still open."""
    connection = sqlite3.connect(path, isolation_level=None)
    if wal:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT)")
    connection.execute("CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent(id))")
    connection.execute("CREATE INDEX parent_name ON parent (name)")
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO parent VALUES (?, ?)", ((number, f"name {number} " * 10) for number in range(ROWS)))
    connection.execute("INSERT INTO child VALUES (1, 5)")
    connection.execute("COMMIT")
    return connection


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    made(path).close()
    return path


async def test_a_sound_file(shop: Path) -> None:
    seen = await look("sqlite", {"path": str(shop), "check": "full", "foreign_keys": True, "size": {}, "log": {}, "free": {}})
    assert seen.state is State.OK, seen.sentence
    assert seen.sentence.startswith(f"{shop} is sound (integrity_check in ")
    assert "no rows refer to what does not exist, expected none" in seen.sentence
    assert "its log has 0 B, warn above 100 MB, fail above 1 GB" in seen.sentence
    assert "0 % of its pages are empty, warn above 50 %, fail above 90 %" in seen.sentence
    assert seen.values["size_bytes"] == os.stat(shop).st_size
    assert (seen.values["problems"], seen.values["orphans"]) == (0, 0)
    assert seen.values.keys() == DRIVER.values.keys()


async def test_rows_that_refer_to_nothing(shop: Path) -> None:
    connection = sqlite3.connect(shop, isolation_level=None)
    connection.execute("INSERT INTO child VALUES (2, 999999)")
    connection.close()
    seen = await look("sqlite", {"path": str(shop), "foreign_keys": True})
    assert seen.state is State.FAIL
    assert '1 row refers to what does not exist, the first in "child", expected none' in seen.sentence
    assert seen.values["orphans"] == 1


async def test_an_empty_half(shop: Path) -> None:
    connection = sqlite3.connect(shop, isolation_level=None)
    connection.execute("DELETE FROM parent")
    connection.close()
    seen = await look("sqlite", {"path": str(shop), "check": "none", "free": {}, "size": {"fail": "> 1kB"}})
    assert seen.state is State.FAIL
    assert "of its pages are empty, fail above 90 %" in seen.sentence
    assert ", fail above 1 kB" in seen.sentence
    assert seen.values["free_ratio"] > 0.9


@pytest.mark.parametrize("check", ["quick", "full"])
async def test_a_damaged_page(shop: Path, check: str) -> None:
    with shop.open("r+b") as file:
        for page in (5, 6, 7):
            file.seek(page * 4096 + 10)
            file.write(os.urandom(3000))
    seen = await look("sqlite", {"path": str(shop), "check": check})
    assert seen.state is State.FAIL
    assert f"{shop} is damaged: " in seen.sentence
    assert "\n" not in seen.sentence


async def test_an_index_that_misses_a_row(shop: Path) -> None:
    """What only the full check finds: the index holds something else than the table."""
    connection = sqlite3.connect(shop, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET sql = replace(sql, '(name)', '(id)') WHERE name = 'parent_name'")
    connection.close()
    seen = await look("sqlite", {"path": str(shop), "check": "full"})
    assert seen.state is State.FAIL
    assert "integrity_check says " in seen.sentence
    assert " and 7 more, expected nothing" in seen.sentence
    assert len(seen.detail.splitlines()) == 10


async def test_a_file_that_is_cut_off(shop: Path) -> None:
    os.truncate(shop, os.stat(shop).st_size // 2)
    seen = await look("sqlite", {"path": str(shop)})
    assert seen.state is State.FAIL
    assert "is damaged" in seen.sentence


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (None, State.FAIL, "does not exist"),
        (b"", State.FAIL, "is empty: no database was ever written to it, or it was cut off"),
        (b"SQLite format 3\0", State.FAIL, "is damaged"),
        (b"\x89PNG\r\n\x1a\n" * 1000, State.FAIL, "is no SQLite database (or an encrypted one)"),
        (os.urandom(8192), State.FAIL, "is no SQLite database (or an encrypted one)"),
    ],
)
async def test_what_is_no_database(tmp_path: Path, content: bytes | None, state: State, words: str) -> None:
    path = tmp_path / "a file # with ? odd % name.db"
    if content is not None:
        path.write_bytes(content)
    seen = await look("sqlite", {"path": str(path)})
    assert words in seen.sentence
    assert seen.state is state


async def test_odd_names_are_names(tmp_path: Path) -> None:
    path = tmp_path / "a file # with ? odd % name&mode=rw.db"
    made(path).close()
    seen = await look("sqlite", {"path": str(path)})
    assert seen.state is State.OK, seen.sentence


async def test_a_pipe_and_a_directory_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        seen = await look("sqlite", {"path": str(path)})
        assert (seen.state, seen.sentence) == (State.UNKNOWN, f"could not look: {path} is no regular file")


async def test_a_database_in_use_is_read_with_its_log(tmp_path: Path) -> None:
    writer = made(tmp_path / "shop.db", wal=True)
    try:
        seen = await look("sqlite", {"path": str(tmp_path / "shop.db"), "log": {"warn": "> 10kB"}})
    finally:
        writer.close()
    assert seen.state is State.WARN, seen.sentence
    assert "is sound" in seen.sentence
    assert seen.values["log_bytes"] > 10_000


async def test_no_file_is_made_beside_it(tmp_path: Path) -> None:
    made(tmp_path / "shop.db", wal=True).close()
    before = sorted(os.listdir(tmp_path))
    seen = await look("sqlite", {"path": str(tmp_path / "shop.db"), "check": "full"})
    assert seen.state is State.OK, seen.sentence
    assert sorted(os.listdir(tmp_path)) == before == ["shop.db"]


async def test_a_log_that_was_left_behind(tmp_path: Path) -> None:
    writer = made(tmp_path / "shop.db", wal=True)
    for end in ("", "-wal"):
        shutil.copy(tmp_path / f"shop.db{end}", tmp_path / f"left.db{end}")
    writer.close()
    seen = await look("sqlite", {"path": str(tmp_path / "left.db")})
    assert seen.state is State.UNKNOWN
    assert "was left behind with a log (-wal) and without its index (-shm)" in seen.sentence
    assert {name for name in os.listdir(tmp_path) if name.startswith("left")} == {"left.db", "left.db-wal"}


async def test_a_locked_file_is_not_a_broken_one(shop: Path) -> None:
    writer = sqlite3.connect(shop, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        seen = await look("sqlite", {"path": str(shop)})
    finally:
        writer.close()
    assert (seen.state, seen.sentence) == (State.UNKNOWN, f"could not look: another program holds {shop} locked")


async def test_a_look_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(
        "CREATE TABLE numbers AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400000) SELECT i FROM n"
    )
    connection.execute("CREATE INDEX by_i ON numbers (i)")
    connection.close()
    started = time.monotonic()
    seen = await look("sqlite", {"path": str(path), "check": "full"}, timeout=0.02)
    assert time.monotonic() - started < 10
    assert seen.state is State.UNKNOWN
    assert seen.sentence.endswith("was not looked through within 0.02 s: give the check a longer timeout")
    wait_until(lambda: not any(thread.name.startswith("sqlite ") for thread in threading.enumerate()), 10, "the end of its thread")


async def test_a_look_that_never_ends_is_not_doubled(tmp_path: Path) -> None:
    path, over = tmp_path / "shop.db", threading.Event()
    hanging = threading.Thread(target=over.wait, name=f"sqlite {Examination(str(path))}", daemon=True)
    hanging.start()
    try:
        with pytest.raises(AskError, match=r"an earlier look at .* has not ended yet"):
            await examine(Examination(str(path)), 1)
    finally:
        over.set()
        hanging.join()


async def test_other_hosts_are_not_looked_at(shop: Path) -> None:
    with pytest.raises(AskError, match="and not on web1"):
        await probe(SqliteOptions(path=str(shop)), None, fake_host("web1"), 1)


async def test_nothing_stays_open(shop: Path) -> None:
    await look("sqlite", {"path": str(shop)})
    before = len(os.listdir("/proc/self/fd"))
    await asyncio.gather(*(look("sqlite", {"path": str(shop)}) for _ in range(3)))
    await asyncio.to_thread(shop.write_bytes, b"SQLite format 3\0" + os.urandom(9000))
    await look("sqlite", {"path": str(shop)})
    assert len(os.listdir("/proc/self/fd")) == before
