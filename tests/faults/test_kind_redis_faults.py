"""What the kind ``redis`` says of servers that misbehave: the right state, one sentence, in time, and nothing left open."""

import asyncio
import contextlib
import os
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.machine.redis import RedisServers
from keepwell.machine.redis_protocol import Conversation, NotRedis, packed
from keepwell.ports.fakes import FakeSecrets
from keepwell.ports.redis import Inquiry
from keepwell.rooms.checks.model import Observation
from tests.misbehaving import Misbehaviour, misbehaving
from tests.services.look import look
from tests.support import free_port

PASSWORD = "hunter2-and-more"
IMPATIENT = 1.0
"""Seconds, for servers that never come to an end."""
PATIENT = 15.0
"""Seconds, for those that do: a busy machine must not make them late."""
Then = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def saying(*parts: bytes, then: Then | None = None) -> Misbehaviour:
    """Says one part whenever it hears something; then closes, or does what is told."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            await reader.read(65536)
            writer.write(part)
            await writer.drain()
        if then is not None:
            await then(reader, writer)

    return handler


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass


def flood(part: bytes) -> Then:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(part)
            await writer.drain()

    return pour


async def seen_at(port: int, timeout: float = PATIENT, **given: Any) -> Observation:
    started = time.monotonic()
    seen = await look("redis", {"address": f"redis://127.0.0.1:{port}", **given}, timeout=timeout)
    assert time.monotonic() - started < timeout + 5
    assert PASSWORD not in seen.sentence
    assert "\n" not in seen.sentence
    return seen


LET_IN = (b"+OK\r\n", b"+PONG\r\n")
INFO = b"redis_version:7.0.15\r\n"
ANSWER = b"$%d\r\n%b\r\n*2\r\n$1\r\n1\r\n$1\r\n0\r\n" % (len(INFO), INFO)
CLOSED = "127.0.0.1:{port} closed the connection in the middle of an answer"
NOT_REDIS = "127.0.0.1:{port} answers something that is not Redis"
TOO_MUCH = "127.0.0.1:{port} answered with more than 16 MiB, which is not read any further"
PART_LATE = "127.0.0.1:{port} answered, and had not answered everything after 1 s"
LATE = "127.0.0.1:{port} took the connection and had not answered after 1 s"
FAULTS: dict[str, tuple[str | Misbehaviour, str]] = {
    "never answers": ("never-answers", LATE),
    "never reads": ("never-reads", LATE),
    "another protocol": ("banner", NOT_REDIS),
    "garbage": ("garbage", NOT_REDIS),
    "floods at once": ("endless-headers", NOT_REDIS),
    "a web server": (saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"), NOT_REDIS),
    "closes when greeted": (saying(b""), "127.0.0.1:{port} closed the connection without an answer"),
    "hangs after letting in": (saying(*LET_IN, then=hang), PART_LATE),
    "hangs in mid answer": (saying(*LET_IN, b"$100\r\nredis_ver", then=hang), PART_LATE),
    "closes in mid answer": (saying(*LET_IN, b"$100\r\nredis_ver"), CLOSED),
    "garbage after letting in": (saying(*LET_IN, bytes(range(255, 0, -1)) + b"\r\n"), NOT_REDIS),
    "a length that is none": (saying(*LET_IN, b"$many\r\n"), NOT_REDIS),
    "a huge length": (saying(*LET_IN, b"$99999999999999999999\r\n"), TOO_MUCH),
    "a huge count": (saying(*LET_IN, b"*400000000\r\n"), TOO_MUCH),
    "nested without end": (saying(*LET_IN, b"*1\r\n" * 1000), NOT_REDIS),
    "floods one value": (saying(*LET_IN, b"$1000000000\r\n", then=flood(bytes(65536))), TOO_MUCH),
    "floods a line": (saying(*LET_IN, b"+", then=flood(b"x" * 65536)), NOT_REDIS),
    "a length that is not true": (saying(*LET_IN, b"$3\r\nhello world\r\n"), NOT_REDIS),
    "an unknown error": (
        saying(b"+OK\r\n", b"-WEIRD it is\x1b[31m odd\r\n"),
        '127.0.0.1:{port} answers with an error: "WEIRD it is\\x1b[31m odd"',
    ),
    "repeats the password": (
        saying(f"-WRONGPASS no user {PASSWORD}\r\n".encode()),
        '127.0.0.1:{port} refuses this user name and password ("WRONGPASS no user [redacted]")',
    ),
    "protected": (
        saying(b"-DENIED Redis is running in protected mode\r\n"),
        "127.0.0.1:{port} takes connections of its own machine only: it has no password and runs in protected mode "
        '("DENIED Redis is running in protected mode")',
    ),
    "loading": (
        saying(b"+OK\r\n", b"-LOADING Redis is loading the dataset in memory\r\n"),
        '127.0.0.1:{port} is still loading its data from disk ("LOADING Redis is loading the dataset in memory")',
    ),
    "out of memory": (
        saying(b"+OK\r\n", b"-OOM command not allowed\r\n"),
        '127.0.0.1:{port} has no memory left under its maxmemory ("OOM command not allowed")',
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_misbehaving(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CACHE_PASSWORD", PASSWORD)
    behaviour, sentence = FAULTS[name]
    async with misbehaving(behaviour) as port:
        seen = await seen_at(port, IMPATIENT if sentence in (LATE, PART_LATE) else PATIENT, password="secret:CACHE_PASSWORD")
    assert (seen.state, seen.sentence) == (State.FAIL, sentence.format(port=port))


async def test_a_walk_without_end_ends() -> None:
    """A server whose cursor never comes back to 0, and one that floods keys."""
    page = b"*2\r\n$1\r\n7\r\n*0\r\n"

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(page)

    async with misbehaving(saying(b"+PONG\r\n", ANSWER, then=endless)) as port:
        seen = await seen_at(port, IMPATIENT, keys={"pattern": "*"})
    assert seen.state is State.OK
    assert 'no key matches "*" (only a part of the keys was seen)' in seen.sentence


async def test_absent() -> None:
    port = free_port()
    seen = await seen_at(port)
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")


async def test_a_name_that_does_not_exist() -> None:
    seen = await look("redis", {"address": "redis://nobody.invalid:6379"}, timeout=3)
    assert (seen.state, seen.sentence) in (
        (State.FAIL, "the name nobody.invalid does not exist"),
        (State.UNKNOWN, "could not look: the resolver does not answer the question for nobody.invalid"),
    )


async def test_a_secret_that_is_missing() -> None:
    seen = await look("redis", {"address": "redis://127.0.0.1:1", "password": "secret:NOBODY_SET_THIS"})
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the secret NOBODY_SET_THIS is not set in the environment")


async def test_nothing_is_left_open_and_nobody_else_waits() -> None:
    servers = RedisServers(FakeSecrets({}))
    lag = 0.0

    async def beat() -> None:
        nonlocal lag
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.005)
            lag = max(lag, time.monotonic() - started - 0.005)

    before = len(os.listdir("/proc/self/fd"))
    beating = asyncio.ensure_future(beat())
    flooding = saying(b"+PONG\r\n", b"$16000000\r\n", then=flood(bytes(65536)))
    async with misbehaving("never-answers") as silent, misbehaving(flooding) as loud:
        asked = [servers.ask(Inquiry(f"redis://127.0.0.1:{port}", (("INFO",),), timeout=0.5)) for port in [silent] * 20 + [loud] * 3]
        answers = await asyncio.gather(*asked, return_exceptions=True)
    beating.cancel()
    await asyncio.sleep(0.05)
    assert all(isinstance(answer, AnswerError) for answer in answers)
    assert lag < 2, "one look that blocks would hold up the others for their half seconds, one after another"
    assert len(os.listdir("/proc/self/fd")) == before


async def test_cancelled_it_lets_go_at_once() -> None:
    servers = RedisServers(FakeSecrets({}))
    before = len(os.listdir("/proc/self/fd"))
    async with misbehaving(saying(b"+PONG\r\n", then=hang)) as port:
        task = asyncio.ensure_future(servers.ask(Inquiry(f"redis://127.0.0.1:{port}", (("INFO",),), timeout=30)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await asyncio.sleep(0.05)
    assert len(os.listdir("/proc/self/fd")) == before


async def test_no_file_descriptor_left() -> None:
    servers = RedisServers(FakeSecrets({}))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        with pytest.raises(AskError, match="no file descriptor left"):
            await servers.ask(Inquiry("redis://127.0.0.1:1", (), timeout=1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class _Silent:
    """A writer that nobody reads."""

    transport = None

    def is_closing(self) -> bool:
        """Never."""
        return False

    def write(self, data: bytes) -> None:
        """Takes it."""

    async def drain(self) -> None:
        """Waits for nothing."""


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="+-:$*0123456789\r\nOK", max_size=120).map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_give_a_reply_or_a_named_fault(data: bytes) -> None:
    async def once() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        talk = Conversation("127.0.0.1:1", reader, _Silent())  # type: ignore[arg-type]
        with contextlib.suppress(NotRedis, AnswerError, EOFError):
            await talk.one("PING")

    asyncio.run(once())


def test_no_value_becomes_syntax() -> None:
    assert packed(["AUTH", "a\r\nFLUSHALL\r\n", 7]) == b"*3\r\n$4\r\nAUTH\r\n$13\r\na\r\nFLUSHALL\r\n\r\n$1\r\n7\r\n"
