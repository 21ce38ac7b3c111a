"""The ``ports`` kind against sockets that really listen on this machine."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from keepwell.kernel.states import State
from tests.services.look import look
from tests.support import need


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound(stack: ExitStack, address: str, over: int = socket.SOCK_STREAM) -> int:
    """A port on which something listens until the end of the test."""
    made = stack.enter_context(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, over))
    made.bind((address, 0))
    if over == socket.SOCK_STREAM:
        made.listen()
    return int(made.getsockname()[1])


async def test_ports_of_every_family_and_protocol(sockets: ExitStack) -> None:
    loopback = bound(sockets, "127.0.0.2")
    everywhere = bound(sockets, "0.0.0.0")
    datagrams = bound(sockets, "127.0.0.1", socket.SOCK_DGRAM)
    expect: list[int | str] = [f"127.0.0.2:{loopback}", f"localhost:{loopback}", everywhere, f"127.0.0.1:{datagrams}/udp"]
    if socket.has_ipv6:
        expect.append(f"[::1]:{bound(sockets, '::1')}")
    seen = await look("ports", {"expect": expect})
    assert seen.state is State.OK, seen.sentence
    assert seen.values["missing"] == 0
    assert seen.values["listening"] >= len(expect) - 1


async def test_a_port_that_was_closed_and_one_open_to_all(sockets: ExitStack) -> None:
    with ExitStack() as soon:
        closed = bound(soon, "127.0.0.1")
    everywhere = bound(sockets, "0.0.0.0")
    seen = await look("ports", {"expect": [closed, f"127.0.0.1:{everywhere}"]})
    assert seen.state is State.FAIL
    assert seen.sentence == (
        f"nothing listens on {closed}, expected it to; 127.0.0.1:{everywhere} does not listen, but 0.0.0.0:{everywhere} does"
    )


async def test_an_unexpected_port_and_its_owner(sockets: ExitStack) -> None:
    need("ss")
    port = bound(sockets, "0.0.0.0")
    hidden = bound(sockets, "127.0.0.1")
    seen = await look("ports", {"others": "fail", "owners": True, "allow": [f"1-{port - 1}", f"{port + 1}-65535"]})
    assert seen.state is State.FAIL, seen.sentence
    assert f'1 unexpected on an address that others can reach: 0.0.0.0:{port} ("' in seen.sentence
    assert str(hidden) not in seen.sentence
    allowed = await look("ports", {"allow": ["1-65535"]})
    assert allowed.state is State.OK, allowed.sentence
