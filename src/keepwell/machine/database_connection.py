"""One connection to PostgreSQL: libpq (through ``psycopg.pq``) driven by the event loop.

psycopg's own asynchronous connections are not used: one that is cancelled while the server hangs waits for that server, and goes on
waiting. Here the end of a look closes the socket at once, and what may be read is counted.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

from keepwell.kernel.problems import AnswerError
from keepwell.ports.databases import StatementFault

from .database_errors import connection_fault
from .database_values import LOADERS, Load, plain

MOST_BYTES = 16 * 1024 * 1024
"""Bytes that are read over one connection, whatever the server sends."""

_WAITING_BYTES = 64 * 1024
_BYTES_RECEIVED = 128  # where tcpi_bytes_received stands in struct tcp_info of linux/tcp.h, since Linux 4.1
_ROWS = (pq.ExecStatus.SINGLE_TUPLE, pq.ExecStatus.TUPLES_OK)
_COPYING = (pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT, pq.ExecStatus.COPY_BOTH)
_ENDED_BY_SERVER = {
    "57P01": "it is shutting down, or an administrator ended it",
    "57P02": "it crashed",
    "57P05": "it was idle for too long",
}
_HINTS = {
    "25006": "it writes, and checks only read",
    "42501": "this user lacks a right",
    "55P03": "another session holds a lock",
}


class Connection:
    """A connection on its way or open. ``place`` is host, port and database, ``peer`` host and port, as sentences name them."""

    def __init__(self, place: str, peer: str) -> None:
        self.place = place
        self.peer = peer
        self.version = 0
        """The server's version as a number, such as 150004, once connected."""
        self._pgconn: pq.abc.PGconn | None = None
        self._bytes = 0

    @property
    def _open(self) -> pq.abc.PGconn:
        assert self._pgconn is not None
        return self._pgconn

    def close(self) -> None:
        """Ends the connection at once; the server ends what it was doing."""
        if self._pgconn is not None:
            self._pgconn.finish()
            self._pgconn = None

    def late(self, seconds: float) -> AnswerError:
        """What a time limit means at this stage."""
        if self._pgconn is None or self._pgconn.status == pq.ConnStatus.STARTED:
            return AnswerError(f"no answer from {self.peer} within {seconds:.3g} s")
        if self._pgconn.status != pq.ConnStatus.OK:
            return AnswerError(f"{self.peer} took the connection, and let nobody in within {seconds:.3g} s")
        return AnswerError(f"{self.place} took the question and had not answered after {seconds:.3g} s")

    async def open(self, conninfo: str) -> None:
        """Connects. The address in ``conninfo`` is resolved already: libpq would wait for the resolver. Raises AnswerError or AskError."""
        self._pgconn = pgconn = pq.PGconn.connect_start(conninfo.encode())
        wanted: int = pq.PollingStatus.WRITING  # so says the manual of PQconnectPoll for the beginning
        while pgconn.status != pq.ConnStatus.BAD and wanted != pq.PollingStatus.OK:
            await self._ready(write=wanted == pq.PollingStatus.WRITING)
            wanted = pgconn.connect_poll()
            if wanted == pq.PollingStatus.FAILED:
                break
        if pgconn.status != pq.ConnStatus.OK:
            text = pgconn.get_error_message("utf-8")
            raise connection_fault(self.place, self.peer, text, used_password=bool(pgconn.used_password))
        pgconn.nonblocking = 1
        self.version = pgconn.server_version
        _narrow(pgconn.socket)

    async def begin(self, settings: str) -> None:
        """Begins a read-only transaction with these settings in place of the one before. Raises AnswerError where the server does not."""
        # A ROLLBACK without a transaction would leave a warning in the server's log at every look.
        ended = "" if self._open.transaction_status == pq.TransactionStatus.IDLE else "ROLLBACK; "
        self._open.send_query(f"{ended}BEGIN READ ONLY; {settings}".encode())
        async for result in self._results():
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise AnswerError(f"{self.place} does not begin a read-only transaction: {self._fault(result).sentence}")

    async def rows(
        self, text: str, parameters: Sequence[bytes | None], most: int
    ) -> tuple[tuple[Mapping[str, Any], ...] | StatementFault, bool]:
        """The rows of one statement and whether there were more than ``most``; then the connection is closed, since the rest is not read.

        Raises AnswerError where the connection broke."""
        self._open.send_query_params(text.encode(), parameters, result_format=pq.Format.BINARY)
        self._open.set_single_row_mode()
        rows: list[Mapping[str, Any]] = []
        fault: StatementFault | None = None
        reader = _Reader()
        async for result in self._results():
            if result.status == pq.ExecStatus.FATAL_ERROR:
                fault = self._fault(result)
            elif result.status in _COPYING:
                self.close()
                return StatementFault("", "it copies data instead of giving rows"), False
            elif result.status in _ROWS and result.ntuples:
                if len(rows) == most:
                    self.close()
                    return tuple(rows), True
                rows.append(reader.row(result))
        return (fault if fault is not None else tuple(rows)), False

    @property
    def is_open(self) -> bool:
        """Whether statements can still be put."""
        return self._pgconn is not None

    async def _results(self) -> AsyncIterator[pq.abc.PGresult]:
        pgconn = self._open
        try:
            while pgconn.flush():
                await self._ready(write=True)
            while self._pgconn is not None:
                while pgconn.is_busy():
                    await self._ready(write=False)
                    pgconn.consume_input()
                result = pgconn.get_result()
                if result is None:
                    return
                yield result
        except psycopg.Error:
            raise AnswerError(f"{self.place} closed the connection in the middle of an answer") from None

    def _fault(self, result: pq.abc.PGresult) -> StatementFault:
        """Why a statement failed. Raises AnswerError where the connection ended with it."""
        code = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode(errors="replace")
        said = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace")
        if code in _ENDED_BY_SERVER:
            raise AnswerError(f"{self.place} ended the connection while it was asked: {_ENDED_BY_SERVER[code]}")
        if not code:
            words = result.get_error_message("utf-8")
            if "lost synchronization" in words or "unexpected" in words.replace("closed the connection unexpectedly", ""):
                raise AnswerError(f"{self.peer} answers something that is not PostgreSQL")
            raise AnswerError(f"{self.place} closed the connection in the middle of an answer")
        hint = f"{_HINTS[code]}: " if code in _HINTS else ""
        return StatementFault(code, f"{hint}{said} (SQLSTATE {code})")

    async def _ready(self, *, write: bool) -> None:
        """Waits until the socket can be written, or read; counts what is there to read. Raises AnswerError beyond MOST_BYTES."""
        loop = asyncio.get_running_loop()
        number = self._open.socket
        future: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not future.done():
                future.set_result(None)

        add, remove = (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
        add(number, tell)
        try:
            await future
        finally:
            remove(number)
        if not write:
            self._bytes = _received(number, self._bytes)
            if self._bytes > MOST_BYTES:
                raise AnswerError(f"{self.place} answered with more than {MOST_BYTES // 1024**2} MiB, which is not read any further")


def _received(number: int, before: int) -> int:
    """Bytes that have come over a socket: as Linux counts them for TCP, else what came before and what waits now (at least so many)."""
    waiting: int = struct.unpack("i", fcntl.ioctl(number, termios.FIONREAD, b"\0" * 4))[0]
    with socket.socket(fileno=os.dup(number)) as copy, contextlib.suppress(OSError, struct.error):
        facts = copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_RECEIVED + 8)
        return int(struct.unpack_from("=Q", facts, _BYTES_RECEIVED)[0])
    return before + waiting


def _narrow(number: int) -> None:
    """Little waits in the socket: libpq reads as long as there is something, and the event loop would stand still for all of it."""
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _WAITING_BYTES)


class _Reader:
    """Turns the rows of one result into plain values; what a column's type needs is looked up once."""

    def __init__(self) -> None:
        self._columns: list[tuple[str, Load]] | None = None

    def row(self, result: pq.abc.PGresult) -> Mapping[str, Any]:
        """The first row of a result by column; of two columns with one name the first."""
        if self._columns is None:
            transformer = Transformer()
            self._columns = [
                ((result.fname(number) or b"").decode(errors="replace"), _loader(transformer, result.ftype(number)))
                for number in range(result.nfields)
            ]
        found: dict[str, Any] = {}
        for number, (name, load) in enumerate(self._columns):
            data = result.get_value(0, number)
            found.setdefault(name, None if data is None else _loaded(load, data))
        return found


def _loader(transformer: Any, kind: int) -> Load:
    known = LOADERS.get(kind)
    if known is not None:
        return known
    load = transformer.get_loader(kind, pq.Format.BINARY).load
    return lambda data: plain(load(data))


def _loaded(load: Load, data: bytes) -> Any:
    """A value that Python cannot hold (the end of time, a length that is not its type's) is None."""
    try:
        return load(data)
    except (psycopg.Error, ValueError, OverflowError, struct.error, ArithmeticError):
        return None
