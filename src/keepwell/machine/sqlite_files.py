"""SQLite files, examined without writing: not to them, and no file beside them.

A reader of a database in WAL mode usually makes ``-wal`` and ``-shm`` itself, as its own user; the program that the database belongs to may
then be unable to write them. So they are only used where they are, and a database that nobody has open is read as it lies there.
"""

import asyncio
import contextlib
import os
import sqlite3
import stat
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from keepwell.kernel.problems import AnswerError, AskError

_MOST_PROBLEMS = 10
_MOST_ROWS = 1000
_HEADER = b"SQLite format 3\0"
_PATIENCE = 1.0
_ENDING = 0.5
_GRACE = 0.2
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


@dataclass(frozen=True, slots=True)
class Examination:
    """What to look at: a file, and which checks SQLite makes of it (``check`` is the name of a pragma, empty for none)."""

    path: str
    check: str = "quick_check"
    foreign_keys: bool = False


@dataclass(slots=True)
class SqliteFacts:
    """What was found: sizes in bytes, pages, and each thing that SQLite complains of (ten at most). ``orphans`` are rows whose foreign
    key leads nowhere (1000 are counted at most), ``orphan_table`` the table of the first."""

    size: int
    log: int
    pages: int = 0
    free_pages: int = 0
    problems: list[str] = field(default_factory=list)
    orphans: int = 0
    orphan_table: str = ""
    seconds: float = 0.0


async def examine(examination: Examination, timeout: float) -> SqliteFacts:
    """Looks at the file in a thread, which is told to stop at the time limit.

    Raises AnswerError where there is no such file or it is no database; AskError where it cannot be read, is locked, or takes too long.
    """
    name = f"sqlite {examination}"
    if any(thread.name == name for thread in threading.enumerate()):
        raise AskError(f"an earlier look at {examination.path} has not ended yet")
    look = _Look(examination)
    future: asyncio.Future[SqliteFacts] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()
    thread = threading.Thread(target=look.run, args=(asyncio.get_running_loop(), future, ended), name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise AskError("this machine has no thread left to look at a database") from error
    try:
        async with asyncio.timeout(timeout):
            return await future
    except TimeoutError:
        raise AskError(f"{examination.path} was not looked through within {timeout:.3g} s: give the check a longer timeout") from None
    finally:
        look.stop()
        # An interrupted thread gets a moment to close its file; one that waits for a dead file system is left to it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await ended.wait()
                thread.join(_ENDING)  # it says so as its last deed, and the next look must not meet it


class _Look:
    """One look, in its thread. ``stop`` may be called from another."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._connection: sqlite3.Connection | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Ends what SQLite is doing; nothing new is begun."""
        with self._lock:
            self._stopped = True
            if self._connection is not None:
                self._connection.interrupt()

    def run(self, loop: asyncio.AbstractEventLoop, future: "asyncio.Future[SqliteFacts]", ended: asyncio.Event) -> None:
        """Looks, and tells the event loop what came of it."""
        facts: SqliteFacts | None = None
        fault: AnswerError | AskError | None = None
        try:
            facts = self._facts()
        except Exception as error:
            fault = _fault(self._examination.path, error)

        def tell() -> None:
            ended.set()
            if future.done():
                return
            if fault is not None:
                future.set_exception(fault)
            elif facts is not None:
                future.set_result(facts)

        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell)

    def _facts(self) -> SqliteFacts:
        path, started = self._examination.path, time.monotonic()
        mode, before = _how_to_open(path)
        facts = SqliteFacts(before.st_size, _size(path + "-wal"))
        connection = sqlite3.connect(
            f"file:{quote(path)}?{mode}", uri=True, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
        )
        try:
            with self._lock:
                self._connection = connection
            _restrict(connection)
            self._ask(connection, facts)
        finally:
            with self._lock:
                self._connection = None
            connection.close()
        if mode.endswith(_LIES_STILL) and _changed(path, before):
            raise AskError(f"{path} was opened by another program while it was looked at")
        facts.seconds = time.monotonic() - started
        return facts

    def _ask(self, connection: sqlite3.Connection, facts: SqliteFacts) -> None:
        facts.pages = self._number(connection, "PRAGMA page_count")
        facts.free_pages = self._number(connection, "PRAGMA freelist_count")
        if self._examination.check:
            found = self._rows(connection, f"PRAGMA {self._examination.check}({_MOST_PROBLEMS})", _MOST_PROBLEMS)
            facts.problems = [_text(row[0]) for row in found if row[0] != "ok"]
        if self._examination.foreign_keys:
            orphans = self._rows(connection, "PRAGMA foreign_key_check", _MOST_ROWS)
            facts.orphans = len(orphans)
            facts.orphan_table = _text(orphans[0][0]) if orphans else ""

    def _number(self, connection: sqlite3.Connection, statement: str) -> int:
        rows = self._rows(connection, statement, 1)
        return int(rows[0][0]) if rows and isinstance(rows[0][0], int) else 0

    def _rows(self, connection: sqlite3.Connection, statement: str, most: int) -> list[tuple[object, ...]]:
        if self._stopped:
            raise AskError("the look was stopped")
        return connection.execute(statement).fetchmany(most)


_LIES_STILL = "immutable=1"


def _how_to_open(path: str) -> tuple[str, os.stat_result]:
    """The parameters with which SQLite opens the file (sqlite.org/uri.html) without making another, and what the file is now.

    Bytes 18 and 19 of the header say whether it is in WAL mode (sqlite.org/fileformat.html, 1.3.3)."""
    facts = os.stat(path)
    if not stat.S_ISREG(facts.st_mode):
        raise AskError(f"{path} is no regular file")
    with open(path, "rb") as file:
        header = file.read(20)
    if not header:
        raise AnswerError(f"{path} is empty: no database was ever written to it, or it was cut off")
    if not header.startswith(_HEADER):
        raise AnswerError(f"{path} is no SQLite database (or an encrypted one)")
    _refuse_cut_off(path, facts.st_size, int.from_bytes(header[16:18], "big"))
    if header[18:19] != b"\x02":
        return "mode=ro", facts
    log, index = os.path.exists(path + "-wal"), os.path.exists(path + "-shm")
    if log and index:
        return "mode=ro&readonly_shm=1", facts
    if _size(path + "-wal"):
        raise AskError(f"{path} was left behind with a log (-wal) and without its index (-shm): what it belongs to must open it first")
    return f"mode=ro&{_LIES_STILL}", facts


def _refuse_cut_off(path: str, size: int, stored: int) -> None:
    """SQLite overlooks a last page of which a part is missing, and takes zeros for it. Where a log is left, the page may be in there.

    The page size stands in bytes 16 and 17, 1 meaning 65536 (sqlite.org/fileformat.html, 1.3.2)."""
    page = 65536 if stored == 1 else stored
    if page and size % page and not _size(path + "-wal"):
        raise AnswerError(f"{path} is damaged: it was cut off in the middle of a page ({size} bytes in pages of {page})")


def _restrict(connection: sqlite3.Connection) -> None:
    """A damaged or hostile file decides nothing: no writing, no functions named in its schema, no mapping of its pages."""
    for setting in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}")


def _changed(path: str, before: os.stat_result) -> bool:
    after = os.stat(path)
    return (after.st_size, after.st_mtime_ns, after.st_ino) != (before.st_size, before.st_mtime_ns, before.st_ino) or _size(
        path + "-wal"
    ) > 0


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _fault(path: str, error: Exception) -> AnswerError | AskError:
    if isinstance(error, AnswerError | AskError):
        return error
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return AnswerError(f"{path} does not exist")
    if isinstance(error, OSError):
        return AskError(f"{path} cannot be read: {error.strerror or error}")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _DAMAGED:
        return AnswerError(f"{path} is damaged: SQLite says {str(error)!r}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return AskError(f"another program holds {path} locked")
    if code == sqlite3.SQLITE_IOERR:
        return AnswerError(f"reading {path} fails: SQLite says {str(error)!r}")
    return AskError(f"{path} cannot be examined: SQLite says {str(error)!r}")
