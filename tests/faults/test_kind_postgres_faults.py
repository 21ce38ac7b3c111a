"""What the kind ``postgres`` says of servers that misbehave: the right state, one sentence, in time, and nothing left open.

Some of these servers speak just enough of the protocol (PostgreSQL manual, chapter 55) to misbehave late.
"""

import asyncio
import os
import resource
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.addresses import Resolver
from keepwell.machine.databases import PostgresqlDatabases
from keepwell.ports.databases import Query, Statement
from keepwell.ports.fakes import FakeSecrets
from keepwell.rooms.checks.model import Observation
from tests.misbehaving import Misbehaviour, misbehaving
from tests.services.look import look
from tests.support import free_port

PASSWORD = "hunter2-and-more"
IMPATIENT = 1.0
"""Seconds, for servers that never come to an end."""
PATIENT = 15.0
"""Seconds, for those that do: a busy machine must not make them late."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


def error(code: str, text: str, severity: str = "FATAL") -> bytes:
    fields = (("S", severity), ("V", "FATAL"), ("C", code), ("M", text))
    return message(b"E", b"".join(name.encode() + value.encode() + b"\0" for name, value in fields) + b"\0")


READY = message(b"Z", b"I")
WELCOME = message(b"R", struct.pack("!i", 0)) + message(b"S", b"server_version\0" + b"15.4\0") + message(b"K", bytes(8))
BEGUN = b"".join(message(b"C", tag + b"\0") for tag in (b"BEGIN", b"SET", b"SET", b"SET")) + message(b"Z", b"T")
COLUMN = message(b"T", struct.pack("!h", 1) + b"n\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 1))


def row(value: bytes) -> bytes:
    return message(b"D", struct.pack("!hi", 1, len(value)) + value)


ANSWERING = message(b"1") + message(b"2") + COLUMN


async def greeted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the first message, whatever it says."""
    (length,) = struct.unpack("!i", await reader.readexactly(4))
    await reader.readexactly(length - 4)


def saying(*parts: bytes, then: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None) -> Misbehaviour:
    """Says the first part when greeted, each next one when it hears something; then closes, or does what is told."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greeted(reader, writer)
        for number, part in enumerate(parts):
            if number:
                await reader.read(65536)
            writer.write(part)
            await writer.drain()
        if then is not None:
            await then(reader, writer)

    return handler


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


def flood(part: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(part)
            await writer.drain()

    return pour


async def seen_at(
    port: int, monkeypatch: pytest.MonkeyPatch, more: str = "?sslmode=disable", timeout: float = PATIENT, **given: Any
) -> Observation:
    monkeypatch.setenv("SHOP", f"postgresql://shop:{PASSWORD}@127.0.0.1:{port}/shop{more}")
    started = time.monotonic()
    seen = await look("postgres", {"address": "secret:SHOP", **given}, timeout=timeout)
    assert time.monotonic() - started < timeout + 5
    assert PASSWORD not in seen.sentence
    assert "\n" not in seen.sentence
    return seen


CLOSED = "127.0.0.1:{port}/shop closed the connection in the middle of an answer"
NOT_POSTGRESQL = "127.0.0.1:{port} answers something that is not PostgreSQL"
UNANSWERED = "127.0.0.1:{port}/shop took the question and had not answered after 1 s"
NOBODY_IN = "127.0.0.1:{port} took the connection, and let nobody in within 1 s"
FAULTS: dict[str, tuple[str | Misbehaviour, str]] = {
    "never answers": ("never-answers", NOBODY_IN),
    "never reads": ("never-reads", NOBODY_IN),
    "another protocol": ("banner", NOT_POSTGRESQL),
    "garbage": ("garbage", NOT_POSTGRESQL),
    "floods at once": ("endless-headers", NOT_POSTGRESQL),
    "closes when greeted": (saying(), "127.0.0.1:{port} closed the connection without an answer"),
    "hangs after letting in": (saying(WELCOME + READY, then=hang), UNANSWERED),
    "hangs in mid answer": (saying(WELCOME + READY, BEGUN, ANSWERING + row(b"x") + b"D\0\0", then=hang), UNANSWERED),
    "closes after letting in": (saying(WELCOME + READY), CLOSED),
    "closes in mid answer": (saying(WELCOME + READY, BEGUN, ANSWERING + b"D\0\0\0\x09"), CLOSED),
    "closes in mid greeting": (saying(WELCOME[:20]), "127.0.0.1:{port} closed the connection without an answer"),
    "garbage after letting in": (saying(WELCOME + READY, bytes(range(255, 0, -1)), then=hang), NOT_POSTGRESQL),
    "floods one value": (
        saying(WELCOME + READY, BEGUN, ANSWERING + b"D" + struct.pack("!ihi", 2**30, 1, 2**30 - 10), then=flood(bytes(65536))),
        "127.0.0.1:{port}/shop answered with more than 16 MiB, which is not read any further",
    ),
    "floods the greeting": (saying(WELCOME, then=flood(message(b"S", b"name\0" + b"x" * 60000 + b"\0"))), "127.0.0.1:{port}"),
    "floods notices": (saying(WELCOME + READY, BEGUN, then=flood(message(b"N", b"SNOTICE\0Mhello\0\0") * 1000)), "127.0.0.1:{port}/shop"),
    "rejects: starting": (
        saying(error("57P03", "the database system is starting up")),
        "127.0.0.1:{port}/shop answers and rejects connections: it is starting up",
    ),
    "rejects: stopping": (
        saying(error("57P03", "the database system is shutting down")),
        "127.0.0.1:{port}/shop answers and rejects connections: it is shutting down",
    ),
    "full": (
        saying(error("53300", "sorry, too many clients already")),
        '127.0.0.1:{port}/shop has no connection left for us (too many connections): "sorry, too many clients already"',
    ),
    "refuses in German": (
        saying(error("3D000", "Datenbank »shop« existiert nicht")),
        '127.0.0.1:{port}/shop does not let us in: "Datenbank »shop« existiert nicht"',
    ),
    "repeats the password": (
        saying(error("28000", f"no entry for {PASSWORD}")),
        '127.0.0.1:{port}/shop does not let us in: "no entry for [redacted]"',
    ),
    "control characters": (
        saying(error("28000", "no\x1b[31m entry")),
        '127.0.0.1:{port}/shop does not let us in: "no\\x1b[31m entry"',
    ),
    "ends the session": (
        saying(WELCOME + READY, BEGUN, error("57P01", "terminating connection due to administrator command")),
        "127.0.0.1:{port}/shop ended the connection while it was asked: it is shutting down, or an administrator ended it",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_said(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour, sentence = FAULTS[name]
    await seen_at(free_port(), monkeypatch)  # what is imported with the first look stays open
    before = sorted(os.listdir("/proc/self/fd"))
    timeout = IMPATIENT if sentence in (UNANSWERED, NOBODY_IN) else PATIENT
    async with misbehaving(behaviour) as port:
        seen = await seen_at(port, monkeypatch, timeout=timeout)
    assert seen.state is State.FAIL, seen.sentence
    if name.startswith("floods"):
        assert seen.sentence.startswith(sentence.format(port=port))
    else:
        assert seen.sentence == sentence.format(port=port)
    await asyncio.sleep(0.01)
    assert sorted(os.listdir("/proc/self/fd")) == before


async def test_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    seen = await seen_at(port, monkeypatch)
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")


async def test_a_socket_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP", "host=/nowhere dbname=shop")
    seen = await look("postgres", {"address": "secret:SHOP"})
    assert (seen.state, seen.sentence) == (State.FAIL, "no server listens on the socket /nowhere/.s.PGSQL.5432")


async def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(host: str, *_: object, **__: object) -> None:
        import socket

        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("keepwell.machine.addresses.socket.getaddrinfo", absent)
    monkeypatch.setenv("SHOP", "postgresql://db.example.org/shop")
    seen = await look("postgres", {"address": "secret:SHOP"})
    assert (seen.state, seen.sentence) == (State.FAIL, "the name db.example.org does not exist")


async def test_a_resolver_that_hangs_is_no_fault_of_the_target() -> None:
    class Silent(Resolver):
        async def addresses(self, host: str, port: int) -> list[Any]:
            await asyncio.sleep(60)
            return []

    databases = PostgresqlDatabases(FakeSecrets({"secret:SHOP": "postgresql://db.example.org/shop"}), Silent())
    with pytest.raises(AskError, match=r"^the resolver gave no address of the database server within 0\.2 s$"):
        await databases.ask(Query("secret:SHOP", (Statement("SELECT 1"),), timeout=0.2))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://root:hunter2-and-more@db/shop", "the connection string cannot be read"),
        ("postgresql://shop:hunter2-and-more@db:port/shop", "the connection string cannot be read"),
        ("host=db password='hunter2-and-more", "the connection string cannot be read"),
        ("postgresql://shop:hunter2-and-more@127.0.0.1/shop?sslmode=perhaps", "the connection string cannot be used"),
        ("service=shop password=hunter2-and-more", "service files are not read"),
    ],
)
async def test_a_connection_string_that_is_none(monkeypatch: pytest.MonkeyPatch, address: str, words: str) -> None:
    monkeypatch.setenv("SHOP", address)
    seen = await look("postgres", {"address": "secret:SHOP"})
    assert seen.state is State.UNKNOWN
    assert words in seen.sentence
    assert "hunter2" not in seen.sentence


async def test_a_secret_that_is_not_there() -> None:
    seen = await look("postgres", {"address": "secret:NO_SUCH_VARIABLE"})
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the secret NO_SUCH_VARIABLE is not set in the environment")


async def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("psycopg", "psycopg_binary")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.setenv("SHOP", "postgresql://db/shop")
    seen = await look("postgres", {"address": "secret:SHOP"})
    assert seen.state is State.UNKNOWN
    assert seen.sentence.endswith("asking PostgreSQL needs psycopg, which is not installed: pip install 'keepwell[postgresql]'")


def one_question(port: int, timeout: float) -> Query:
    return Query(f"postgresql://127.0.0.1:{port}/shop?sslmode=disable", (Statement("SELECT 1"),), timeout)


async def test_one_that_hangs_delays_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    databases = PostgresqlDatabases(FakeSecrets({}))
    lag = 0.0

    async def beat() -> None:
        nonlocal lag
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.005)
            lag = max(lag, time.monotonic() - started - 0.005)

    beating = asyncio.ensure_future(beat())
    behaviour = FAULTS["floods one value"][0]
    async with misbehaving("never-answers") as hanging, misbehaving(behaviour) as flooding:
        ports = [hanging] * 20 + [flooding] * 2
        asked = [databases.ask(one_question(port, 0.6)) for port in ports]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    beating.cancel()
    assert all(isinstance(answer, AnswerError) for answer in answers)
    assert lag < 2, "one look that blocks would hold up the others for their 0.6 seconds, one after another"


async def test_cancelled_it_lets_go_at_once() -> None:
    databases = PostgresqlDatabases(FakeSecrets({}))
    before = len(os.listdir("/proc/self/fd"))
    async with misbehaving(saying(WELCOME + READY, then=hang)) as port:
        task = asyncio.ensure_future(databases.ask(one_question(port, 30)))
        await asyncio.sleep(0.2)
        task.cancel()
        started = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 5
    await asyncio.sleep(0.01)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_no_file_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    await seen_at(port, monkeypatch)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    databases = PostgresqlDatabases(FakeSecrets({}))
    free = os.dup(0)  # the lowest number that no descriptor has
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(AskError, match="no file descriptor left"):
            await databases.ask(Query(f"postgresql://shop@127.0.0.1:{port}/shop", (Statement("SELECT 1"),), timeout=1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_values_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of the wrong length, text that is no UTF-8: the answer stays an observation."""
    column = message(b"T", struct.pack("!h", 1) + b"\xff\0" + struct.pack("!ihihih", 0, 0, 20, -1, -1, 1))
    end = message(b"C", b"SELECT 1\0") + message(b"Z", b"T")
    both = (BEGUN, message(b"1") + message(b"2") + column + row(b"\x01\x02\x03") + end)
    async with misbehaving(saying(WELCOME + READY, *both, *both, then=hang)) as port:
        seen = await seen_at(port, monkeypatch, size={})
    assert seen.state is State.FAIL
    assert "the database's size: the answer is not usable: there is no column bytes" in seen.sentence
