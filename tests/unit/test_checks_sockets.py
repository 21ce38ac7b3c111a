"""Ports as the kernel lists them and as a person names them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.states import State
from keepwell.rooms.checks.kinds.ports import DRIVER
from keepwell.rooms.checks.sockets import listeners, named

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(address: str, port: int, state: str = "0A") -> str:
    rest = "00000000:00000000 00:00000000 00000000     0        0 24 1 0000000000000000 100 0 0 10 0"
    return f"   0: {address}:{port:04X} {'0' * len(address)}:0000 {state} {rest}\n"


@pytest.mark.parametrize(
    ("address", "shown", "loopback", "wildcard"),
    [
        ("0100007F", "127.0.0.1:80", True, False),
        ("00000000", "0.0.0.0:80", False, True),
        ("0A00A8C0", "192.168.0.10:80", False, False),
        ("0" * 32, "[::]:80", False, True),
        ("0" * 24 + "01000000", "[::1]:80", True, False),
        ("B80D0120000000000000000001000000", "[2001:db8::1]:80", False, False),
        ("0000000000000000FFFF00000100007F", "127.0.0.1:80", True, False),
    ],
)
def test_addresses_of_the_kernel(address: str, shown: str, loopback: bool, wildcard: bool) -> None:
    (found,) = listeners(HEAD + row(address, 80), "tcp")
    assert (str(found), found.loopback, found.wildcard) == (shown, loopback, wildcard)


@pytest.mark.parametrize(
    ("written", "address", "covered"),
    [
        (80, "0A00A8C0", True),
        ("79-81", "0100007F", True),
        ("80/udp", "0100007F", False),
        ("192.168.0.10:80", "0A00A8C0", True),
        ("192.168.0.10:80", "00000000", False),
        ("localhost:80", "0" * 24 + "01000000", True),
        ("localhost:80", "0" * 32, False),
        ("0.0.0.0:80", "0" * 32, True),
        ("*:80", "00000000", True),
        ("*:80", "0100007F", False),
        ("127.0.0.1:80", "0000000000000000FFFF00000100007F", True),
        ("[2001:DB8::1]:80", "B80D0120000000000000000001000000", True),
    ],
)
def test_what_a_person_s_words_cover(written: int | str, address: str, covered: bool) -> None:
    (found,) = listeners(row(address, 80), "tcp")
    assert named(written).covers(found) is covered


@given(st.one_of(st.integers(), st.text(max_size=40)))
def test_whatever_is_written_is_ports_or_refused(written: int | str) -> None:
    with suppress(ValueError):
        port = named(written)
        assert 0 < port.first <= port.last < 65536


def test_a_busy_host_s_connections_behind_the_listeners_do_not_matter() -> None:
    options = DRIVER.options.model_validate({"expect": (80,)})
    busy = (HEAD + row("00000000", 80) + row("0100007F", 4000, "01") * 5000).encode()[: 512 * 1024]
    listening = (HEAD + row("00000000", 81) * 5000).encode()[: 512 * 1024]
    assert len(busy) == len(listening) == 512 * 1024
    assert DRIVER.read(options, (busy, HEAD.encode()), None).state is State.OK
    cut = DRIVER.read(options, (listening, HEAD.encode()), None)
    assert (cut.state, cut.sentence) == (State.UNKNOWN, "/proc/net/tcp is so long that not all of what listens was read")
