"""The ``dns`` kind against servers that misbehave: one sentence, in time, no socket left."""

import asyncio
import os
import time

import pytest

from keepwell.kernel.states import State
from tests.dns_server import dns_server
from tests.misbehaving import misbehaving
from tests.services.look import look
from tests.support import free_port


@pytest.mark.parametrize("name", ["silent", "garbage", "empty", "forged", "half", "loop", "flood"])
async def test_a_misbehaving_server(name: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    started = time.monotonic()
    async with dns_server() as port:
        seen = await look("dns", {"server": f"127.0.0.1:{port}", "name": f"{name}.test"}, timeout=0.4)
    assert time.monotonic() - started < 10
    assert seen.state is State.FAIL
    assert f"127.0.0.1:{port}" in seen.sentence
    assert "\n" not in seen.sentence
    await asyncio.sleep(0.05)  # the test's own server closes its sockets in the loop's next rounds
    assert len(os.listdir("/proc/self/fd")) <= before


async def test_nobody_listens() -> None:
    port = free_port()
    seen = await look("dns", {"server": f"127.0.0.1:{port}", "name": "www.test"}, timeout=0.4)
    assert seen.state is State.FAIL
    assert f"127.0.0.1:{port}" in seen.sentence


async def test_a_server_of_another_protocol_has_no_udp() -> None:
    async with misbehaving("banner") as port:
        seen = await look("dns", {"server": f"127.0.0.1:{port}", "name": "www.test"}, timeout=0.4)
    assert seen.state is State.FAIL


@pytest.mark.parametrize("server", ["127.0.0.1:99999", "127.0.0.1:x"])
async def test_an_address_that_is_none_is_our_fault(server: str) -> None:
    seen = await look("dns", {"server": server, "name": "www.test"}, timeout=0.4)
    assert (seen.state, "is no address of a server" in seen.sentence) == (State.UNKNOWN, True)
