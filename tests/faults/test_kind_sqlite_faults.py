"""What the kind ``sqlite`` says of files that are damaged anywhere, huge, or move while they are read: never an internal fault, in time."""

import asyncio
import os
import random
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine import sqlite_files
from keepwell.machine.sqlite_files import Examination, SqliteFacts, examine
from tests.services.look import look


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    """The bytes of a small database with tables, an index, a trigger and a view."""
    path = tmp_path / "whole.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT CHECK (length(name) > 0)); CREATE INDEX by_name ON a (name);"
        "CREATE TABLE b (a REFERENCES a (id)); CREATE VIEW both AS SELECT * FROM a JOIN b ON b.a = a.id;"
        "CREATE TRIGGER kept AFTER INSERT ON a BEGIN INSERT INTO b VALUES (new.id); END;"
        "INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200) SELECT i, 'name ' || i FROM n;"
    )
    connection.close()
    return path.read_bytes()


async def test_damage_anywhere_is_an_observation(tmp_path: Path, whole: bytes) -> None:
    chance, states = random.Random(7), set()
    for number in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            place, length = chance.randrange(len(damaged)), chance.randrange(1, 64)
            damaged[place : place + length] = chance.randbytes(length)
        path = tmp_path / f"damaged-{number}.db"
        await asyncio.to_thread(path.write_bytes, bytes(damaged))
        seen = await look("sqlite", {"path": str(path), "check": "full", "foreign_keys": True, "free": {}}, timeout=2)
        assert "internal fault" not in seen.sentence
        assert "\n" not in seen.sentence
        states.add(seen.state)
    assert State.FAIL in states


async def test_cut_off_anywhere(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "cut.db"
    for length in (1, 15, 16, 17, 100, 511, 4095, 4097, len(whole) - 1):
        await asyncio.to_thread(path.write_bytes, whole[:length])
        seen = await look("sqlite", {"path": str(path), "check": "full"}, timeout=30)
        assert seen.state is State.FAIL, (length, seen.sentence)


async def test_a_huge_file_with_holes(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "huge.db"
    await asyncio.to_thread(path.write_bytes, whole)
    os.truncate(path, 50 * 1024**3)
    started = time.monotonic()
    seen = await look("sqlite", {"path": str(path)}, timeout=0.5)
    assert time.monotonic() - started < 10
    assert seen.state is not State.OK or seen.values["size_bytes"] == 50 * 1024**3


async def test_a_file_that_another_program_opens_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as it lies there, because nobody had it open; what was read is then not believed."""
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE a (id)")
    connection.close()
    writers: list[sqlite3.Connection] = []

    def restrict(_connection: sqlite3.Connection) -> None:
        writers.append(sqlite3.connect(path, isolation_level=None, check_same_thread=False))
        writers[0].execute("INSERT INTO a VALUES (1)")

    monkeypatch.setattr(sqlite_files, "_restrict", restrict)
    try:
        with pytest.raises(AskError, match="was opened by another program while it was looked at"):
            await examine(Examination(str(path)), 2)
    finally:
        writers[0].close()


async def test_a_file_that_may_not_be_read(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sqlite_files, "_how_to_open", refused)
    with pytest.raises(AskError, match="cannot be read: Permission denied"):
        await examine(Examination(str(tmp_path / "whole.db")), 1)


async def test_a_disk_that_hangs_delays_nothing_else(tmp_path: Path, whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def hang(_path: str) -> tuple[str, os.stat_result]:
        ended.wait(10)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sqlite_files, "_how_to_open", hang)
    started = time.monotonic()
    hanging = asyncio.ensure_future(examine(Examination(str(tmp_path / "whole.db")), 0.1))
    await asyncio.sleep(0.01)
    assert time.monotonic() - started < 5
    with pytest.raises(AskError, match="was not looked through within"):
        await hanging
    with pytest.raises(AskError, match="has not ended yet"):
        await examine(Examination(str(tmp_path / "whole.db")), 0.1)
    ended.set()


async def test_cancelled_it_stops(tmp_path: Path, whole: bytes) -> None:
    task = asyncio.ensure_future(examine(Examination(str(tmp_path / "whole.db")), 10))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert isinstance(await _after_the_cancelled(tmp_path / "whole.db"), SqliteFacts)


async def _after_the_cancelled(path: Path) -> SqliteFacts:
    """The next look, once the thread of the cancelled one has ended."""
    for _ in range(100):
        try:
            return await examine(Examination(str(path)), 5)
        except AskError:
            await asyncio.sleep(0.01)
    raise AnswerError("the cancelled look never ended")
