"""What can go wrong with a database, brought about for real: one clear sentence, and nothing that was stored is lost."""

import asyncio
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from keepwell.kernel.problems import StorageError
from keepwell.storage import journal
from keepwell.storage.database import Database
from keepwell.storage.directory import DataDirectory
from keepwell.storage.faults import DatabaseFault
from keepwell.storage.verify import verify
from tests.postgresql import PostgresqlServer
from tests.support import free_port, missing, need

NOW = datetime(2026, 11, 1, 1, 30, tzinfo=UTC)


def entry(connection: Connection) -> journal.Entry:
    return journal.append(connection, journal.NewEntry("a", "b", "c", {}, os.urandom(300)), NOW)


async def make(place: Path | str, entries: int = 200) -> None:
    database = await Database.open(place, (), NOW)
    await asyncio.gather(*(database.write(entry) for _ in range(entries)))
    await database.close()


async def code_of(opening: Any) -> str:
    """The code of the fault that an opening ends in; its sentence names the place and has a hint."""
    with pytest.raises(StorageError) as caught:
        await (await opening).close()
    problem = caught.value.problems[0]
    assert problem.message
    assert problem.hint
    return problem.code


@pytest.mark.parametrize("kept", [0, 1, 100, 4096, 0.5, -4096, -1])
async def test_a_truncated_database_is_refused(tmp_path: Path, kept: float) -> None:
    place = tmp_path / "keepwell.sqlite"
    await make(place)
    size = place.stat().st_size
    left = int(size * kept) if isinstance(kept, float) else int(kept) if kept >= 0 else size + int(kept)
    os.truncate(place, left)
    assert await code_of(Database.open(place, (), NOW)) == "storage.damaged"
    assert await code_of(Database.open_to_read(place)) == "storage.damaged"
    assert place.stat().st_size == left, "left as it is, for examination"


@pytest.mark.parametrize("garbage", [b"\x00" * 8192, b"this is no database\n" * 1000, os.urandom(20000)], ids=["zeros", "text", "noise"])
async def test_garbage_is_refused(tmp_path: Path, garbage: bytes) -> None:
    place = tmp_path / "keepwell.sqlite"
    place.write_bytes(garbage)
    assert await code_of(Database.open(place, (), NOW)) == "storage.damaged"
    assert place.read_bytes() == garbage


async def test_pages_overwritten_in_the_middle_are_found_when_read(tmp_path: Path) -> None:
    place = tmp_path / "keepwell.sqlite"
    await make(place)
    with place.open("r+b") as file:
        for page in range(3, place.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    opened = await Database.open_to_read(place)
    with pytest.raises(DatabaseFault, match="is damaged") as caught:
        await opened.read(verify)
    await opened.close()
    assert not caught.value.retryable


async def test_a_directory_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "keepwell.sqlite").mkdir()
    assert await code_of(Database.open(tmp_path / "keepwell.sqlite", (), NOW)) in ("storage.unopenable", "storage.damaged")


# --- file systems ------------------------------------------------------------------------------------------------------------

BEHIND_A_MOUNT = """
import asyncio, sys
from datetime import UTC, datetime
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.faults.test_storage_faults import *

asyncio.run({name}(Path({folder!r})))
"""


def behind_a_mount(mount: str, name: str, folder: Path) -> None:
    """Runs a coroutine of this module in a process whose own mount namespace has something mounted on ``folder``."""
    unshare = need("unshare")
    if os.geteuid() != 0 or subprocess.run([unshare, "-m", "true"], capture_output=True).returncode != 0:
        missing("mounting needs root and a mount namespace")
    root = str(Path(__file__).resolve().parents[2])
    program = BEHIND_A_MOUNT.format(root=root, name=name, folder=str(folder))
    command = [unshare, "-m", "sh", "-ec", f'{mount}; exec "$@"', "sh", sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=root)
    assert done.returncode == 0, done.stderr


async def on_a_read_only_directory(folder: Path) -> None:
    place = folder / "keepwell.sqlite"
    assert await code_of(Database.open(place, (), NOW)) == "storage.read-only"
    assert await code_of(Database.open(folder / "other.sqlite", (), NOW)) == "storage.read-only"
    with pytest.raises(StorageError, match="cannot be written: Read-only file system"):
        DataDirectory(folder).lock()
    opened = await Database.open_to_read(place)
    assert (await opened.read(verify)).entries == 11
    await opened.close()


async def test_a_read_only_file_system(tmp_path: Path) -> None:
    await make(tmp_path / "keepwell.sqlite", 10)
    mount = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    await asyncio.to_thread(behind_a_mount, mount, "on_a_read_only_directory", tmp_path)


async def on_a_full_disk(folder: Path) -> None:
    ballast = folder / "ballast"
    ballast.write_bytes(bytes(2_000_000))
    database = await Database.open(folder / "keepwell.sqlite", (), NOW)
    confirmed: list[str] = []

    async def fill() -> None:
        while True:
            confirmed.append((await database.write(lambda c: [entry(c) for _ in range(20)][-1])).hash)

    with pytest.raises(DatabaseFault) as caught:
        await fill()
    assert (caught.value.problems[0].code, caught.value.retryable) == ("storage.disk-full", True)
    assert confirmed
    assert (await database.read(lambda c: verify(c, confirmed[-1]))).ok, "the database goes on answering"
    ballast.unlink()
    confirmed.append((await database.write(entry)).hash)
    await database.close()
    again = await Database.open(folder / "keepwell.sqlite", (), NOW)
    verdict = await again.read(verify)
    assert (verdict.ok, verdict.head) == (True, confirmed[-1])
    await again.close()


def test_a_full_disk(tmp_path: Path) -> None:
    behind_a_mount(f"mount -t tmpfs -o size=4m keepwell-test {tmp_path}", "on_a_full_disk", tmp_path)


async def without_room_for_a_copy(folder: Path) -> None:
    from tests.services.test_storage_migrations import contents, toys

    place = folder / "keepwell.sqlite"
    old, new = folder / "old", folder / "new"
    old.mkdir()
    new.mkdir()
    await (await Database.open(place, [toys(old, "toy_0001")], NOW)).close()
    await make(place, 2500)
    newer = toys(new, "toy_0002")
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        free = os.statvfs(folder)
        file.write(bytes(free.f_bavail * free.f_bsize - place.stat().st_size // 2))
    before = contents(place)
    assert await code_of(Database.open(place, [newer], NOW)) == "storage.disk-full"
    assert contents(place) == before, "nothing was changed, and no half copy is left"
    ballast.unlink()
    await (await Database.open(place, [newer], NOW)).close()


def test_no_room_for_the_copy_before_a_migration(tmp_path: Path) -> None:
    behind_a_mount(f"mount -t tmpfs -o size=16m keepwell-test {tmp_path}", "without_room_for_a_copy", tmp_path)


# --- other programs ----------------------------------------------------------------------------------------------------------


@contextmanager
def holding_a_lock(place: Path | str) -> Iterator[None]:
    """Another program's open transaction that nobody can write beside."""
    if isinstance(place, Path):
        other = sqlite3.connect(place, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.close()
        return
    with psycopg.connect(place) as server:
        server.execute("LOCK TABLE journal")
        yield


async def test_locked_by_another_program(database_place: Path | str) -> None:
    database = await Database.open(database_place, (), NOW)
    started = time.monotonic()
    with holding_a_lock(database_place):
        writes = await asyncio.gather(*(database.write(entry) for _ in range(1)), return_exceptions=True)
        waited = time.monotonic() - started
        if isinstance(database_place, Path):
            assert (await database.read(verify)).ok, "reading goes on"
    assert 4.5 < waited < 9
    (fault,) = writes
    assert isinstance(fault, DatabaseFault)
    assert (fault.problems[0].code, fault.retryable) == ("storage.locked", True)
    assert (await database.write(entry)).number == 2
    await database.close()


async def test_opening_a_locked_database(tmp_path: Path) -> None:
    place = tmp_path / "keepwell.sqlite"
    await make(place, 1)
    with holding_a_lock(place):
        assert await code_of(Database.open(place, (), NOW)) == "storage.locked"


WRITERS = """
import asyncio, os, sys
from datetime import UTC, datetime
from keepwell.storage import journal
from keepwell.storage.database import Database
NOW = datetime(2026, 11, 1, tzinfo=UTC)

async def main(place):
    database = await Database.open(place, (), NOW)

    async def write_on(name):
        for turn in range(100000):
            entry = journal.NewEntry(name, "turn", str(turn), {}, f"{name} {turn}".encode())
            stored = await database.write(lambda connection: journal.append(connection, entry, NOW))
            os.write(1, f"{stored.number} {stored.hash}\\n".encode())  # one system call: a whole line or none

    await asyncio.gather(*(write_on(str(number)) for number in range(5)))

for line in sys.stdin:  # one writer after another, without loading everything anew
    writer = os.fork()
    if writer == 0:
        print(os.getpid(), flush=True)
        asyncio.run(main(sys.argv[1]))
    os.waitpid(writer, 0)
    print("ended", flush=True)
"""


def killed_while_writing(writers: subprocess.Popen[str], confirmations: int) -> dict[int, str]:
    """Has a writer started, kills it (-9) once it has confirmed so many entries, and gives the numbers and hashes it confirmed."""
    assert writers.stdin is not None
    assert writers.stdout is not None
    writers.stdin.write("write\n")
    writers.stdin.flush()
    pid = int(writers.stdout.readline())
    lines = [writers.stdout.readline() for _ in range(confirmations)]
    os.kill(pid, signal.SIGKILL)
    while (line := writers.stdout.readline()) not in ("ended\n", ""):
        lines.append(line)
    return {int(number): hashed for number, hashed in map(str.split, lines)}


def confirmed_and_stored(place: Path | str, times: int) -> None:
    """Kills a writer so many times: after each, everything that was confirmed is there and the chain is whole."""
    chance = random.Random(7)
    confirmed: dict[int, str] = {}
    command = [sys.executable, "-c", WRITERS, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writers:
        for _ in range(times):
            confirmed |= killed_while_writing(writers, chance.randint(1, 60))
            stored, verdict = asyncio.run(hashes_and_verdict(place))
            assert verdict.ok, verdict.sentence
            assert confirmed.items() <= stored.items()
    assert len(confirmed) >= 10 * times


async def hashes_and_verdict(place: Path | str) -> tuple[dict[int, str], Any]:
    database = await Database.open(place, (), NOW)
    stored = await database.read(lambda c: {row.number: row.hash for row in c.execute(text("SELECT number, hash FROM journal"))})
    verdict = await database.read(verify)
    await database.close()
    return stored, verdict


def test_kill_minus_nine_twenty_times_loses_nothing_confirmed(tmp_path: Path) -> None:
    confirmed_and_stored(tmp_path / "keepwell.sqlite", 20)


def test_kill_minus_nine_on_postgresql(postgresql_url: str) -> None:
    confirmed_and_stored(postgresql_url, 3)


# --- a server ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "database", "code"),
    [
        ("locked:hunter2", "postgres", "storage.refused"),
        ("nobody-here", "postgres", "storage.refused"),
        ("postgres:hunter2", "absent", "storage.absent"),
    ],
)
async def test_a_server_that_says_no(postgresql_server: PostgresqlServer, user: str, database: str, code: str) -> None:
    opening = Database.open(postgresql_server.url(database, user), (), NOW)
    with pytest.raises(StorageError) as caught:
        await opening
    error: BaseException | None = caught.value
    assert caught.value.problems[0].code == code
    while error is not None:
        assert "hunter2" not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


async def test_a_server_that_is_not_there() -> None:
    assert await code_of(Database.open(f"postgresql://u:hunter2@127.0.0.1:{free_port()}/x", (), NOW)) == "storage.unreachable"


async def test_a_database_that_stores_no_utf8(postgresql_server: PostgresqlServer) -> None:
    postgresql_server.run("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    try:
        assert await code_of(Database.open(postgresql_server.url("latin"), (), NOW)) == "storage.encoding"
    finally:
        postgresql_server.run("DROP DATABASE latin WITH (FORCE)")


async def test_a_role_that_may_not_write(postgresql_server: PostgresqlServer, postgresql_url: str) -> None:
    await make(postgresql_url, 1)
    assert await code_of(Database.open_to_read(postgresql_url.replace("postgres@", "locked:right@"))) == "storage.read-only"
    name = postgresql_url.rpartition("/")[2]
    postgresql_server.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    database = await Database.open(postgresql_url, (), NOW)
    with pytest.raises(DatabaseFault, match="cannot be written"):
        await database.write(entry)
    await database.close()


async def test_connections_cut_by_the_server_are_made_anew(postgresql_url: str) -> None:
    database = await Database.open(postgresql_url, (), NOW)
    await database.write(entry)
    await asyncio.to_thread(cut_connections, postgresql_url)
    assert (await database.write(entry)).number == 3
    assert (await database.read(verify)).ok

    def cut_midway(connection: Connection) -> None:
        entry(connection)
        cut_connections(postgresql_url)
        entry(connection)

    with pytest.raises(DatabaseFault) as caught:
        await database.write(cut_midway)
    assert (caught.value.problems[0].code, caught.value.retryable) == ("storage.unreachable", True)
    assert (await database.write(entry)).number == 4
    await database.close()


def cut_connections(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as server:
        ours = "datname = current_database() AND pid <> pg_backend_pid()"
        server.execute(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {ours}".encode())


async def test_two_changes_that_wait_for_each_other(postgresql_url: str) -> None:
    """A deadlock between two servers: PostgreSQL ends one of the two, which is put again, and both are stored."""
    import threading

    first, second = await Database.open(postgresql_url, (), NOW), await Database.open(postgresql_url, (), NOW)
    await first.write(lambda c: c.execute(text("CREATE TABLE pair (id int PRIMARY KEY, n int)")))
    await first.write(lambda c: c.execute(text("INSERT INTO pair VALUES (1, 0), (2, 0)")))
    meeting = threading.Barrier(2)
    meetings = {1: 0, 2: 0}

    def crossing(one: int, other: int) -> Any:
        def change(connection: Connection) -> None:
            connection.execute(text(f"UPDATE pair SET n = n + 1 WHERE id = {one}"))
            meetings[one] += 1
            if meetings[one] == 1:
                meeting.wait(10)
            connection.execute(text(f"UPDATE pair SET n = n + 1 WHERE id = {other}"))

        return change

    await asyncio.gather(first.write(crossing(1, 2)), second.write(crossing(2, 1)))
    assert sum(meetings.values()) == 3, "one of the two ran twice"
    assert await first.read(lambda c: list(c.scalars(text("SELECT n FROM pair")))) == [2, 2]
    await first.close()
    await second.close()


async def test_a_copied_database_without_its_log_is_whole(tmp_path: Path) -> None:
    """The write-ahead log is folded in when the last connection closes, so one file is all there is to copy."""
    await make(tmp_path / "keepwell.sqlite")
    shutil.copy(tmp_path / "keepwell.sqlite", tmp_path / "copy.sqlite")
    database = await Database.open_to_read(tmp_path / "copy.sqlite")
    assert (await database.read(verify)).entries == 201
    await database.close()
