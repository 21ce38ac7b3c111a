"""The ``tcp`` kind against real sockets."""

import asyncio
import re
import socket

import pytest

from keepwell.kernel.states import State
from tests.misbehaving import misbehaving
from tests.services.look import look
from tests.support import free_port


async def _ping_pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if await reader.readline() == b"PING\r\n":
        writer.write(b"+PO")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"NG\r\n")
        await writer.drain()
        await reader.read()


async def _endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"more\n" * 1000)
        await writer.drain()


async def test_an_open_port() -> None:
    async with misbehaving("never-answers") as port:
        seen = await look("tcp", {"address": f"127.0.0.1:{port}", "warn": "> 5s"})
    assert seen.state is State.OK
    assert seen.sentence.startswith(f"127.0.0.1:{port} accepted a connection in ")
    assert seen.sentence.endswith(", warn above 5 s")
    assert 0 < seen.values["connect_seconds"] < 5


async def test_the_targets_address() -> None:
    async with misbehaving("never-answers") as port:
        seen = await look("tcp", {"target": "api"}, url=f"http://127.0.0.1:{port}/path")
    assert seen.state is State.OK


async def test_version_6() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        async with misbehaving("never-answers", host="::1") as port:
            seen = await look("tcp", {"address": f"[::1]:{port}"})
    except OSError:
        pytest.skip("this machine has no IPv6 on loopback")
    assert seen.state is State.OK
    assert f"[::1]:{port}" in seen.sentence


async def test_slower_than_allowed() -> None:
    async with misbehaving("never-answers") as port:
        seen = await look("tcp", {"address": f"127.0.0.1:{port}", "fail": "> 0.001ms"})
    assert seen.state is State.FAIL
    assert seen.sentence.endswith(", fail above 1 µs")


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("tcp", {"address": f"127.0.0.1:{port}"})
    assert (seen.state, seen.sentence) == (State.FAIL, f"connection refused by 127.0.0.1:{port}")


async def test_nobody_answers_in_time() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = []
        for _ in range(4):  # a full queue: further connections are neither accepted nor refused
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            waiting.append(one)
        seen = await look("tcp", {"address": f"127.0.0.1:{port}"}, timeout=1)
        for one in waiting:
            one.close()
    assert seen.state is State.FAIL
    # What is left of the second when it connects: all of it, or on a busy machine a little less.
    assert re.search(rf"no answer from 127\.0\.0\.1:{port} within (1|0\.9\d*) s", seen.sentence), seen.sentence


async def test_a_name_that_does_not_exist_is_no_ok() -> None:
    seen = await look("tcp", {"address": "no-such-host.invalid:80"}, timeout=3)
    assert seen.state in (State.FAIL, State.UNKNOWN)  # without any resolver nobody can say that it does not exist
    assert "no-such-host.invalid" in seen.sentence


async def test_a_greeting() -> None:
    async with misbehaving("banner") as port:
        good = await look("tcp", {"address": f"127.0.0.1:{port}", "expect": "ESMTP"})
        bad = await look("tcp", {"address": f"127.0.0.1:{port}", "expect": "SSH-2.0"})
    assert good.state is State.OK
    assert good.sentence.endswith('; it said "220 mail.example.org ESMTP ready"')
    assert good.values["answer_seconds"] > 0
    assert bad.state is State.FAIL
    assert f'127.0.0.1:{port} closed the connection after "220 mail.example.org ESMTP ready", expected "SSH-2.0"' in bad.sentence


async def test_a_question_and_its_answer_in_two_parts() -> None:
    async with misbehaving(_ping_pong) as port:
        seen = await look("tcp", {"address": f"127.0.0.1:{port}", "send": "PING\r\n", "expect": "PONG"})
    assert seen.state is State.OK
    assert seen.sentence.endswith('; it said "+PONG"')


async def test_sending_alone() -> None:
    got: list[bytes] = []

    async def collect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())

    async with misbehaving(collect) as port:
        seen = await look("tcp", {"address": f"127.0.0.1:{port}", "send": "metric 1\n"})
        await asyncio.sleep(0.1)
    assert seen.state is State.OK
    assert got == [b"metric 1\n"]


@pytest.mark.parametrize(
    ("kind", "words"), [("never-answers", "sent in time nothing"), ("garbage", "closed the connection after"), (_endless, "sent ")]
)
async def test_another_answer_than_expected(kind: object, words: str) -> None:
    async with misbehaving(kind) as port:  # type: ignore[arg-type]
        seen = await look("tcp", {"address": f"127.0.0.1:{port}", "expect": "PONG"}, timeout=1)
    assert seen.state is State.FAIL
    assert words in seen.sentence
    assert seen.sentence.count("\n") == 0
    assert len(seen.sentence) < 1000


async def test_a_target_without_url_is_our_own_fault() -> None:
    seen = await look("tcp", {"target": "api"})
    assert (seen.state, seen.sentence) == (State.UNKNOWN, "could not look: the target has no url, so there is no address to connect to")
