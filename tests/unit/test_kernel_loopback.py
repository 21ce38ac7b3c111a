"""Which addresses mean the machine that asks."""

import pytest

from keepwell.kernel.loopback import means_this_machine


@pytest.mark.parametrize(
    "address",
    [
        "localhost",
        "127.0.0.1",
        "127.3.2.1:80",
        "::1",
        "[::1]:443",
        "http://127.0.0.1:8080/x?y",
        "https://user:p@localhost/",
        "api.localhost:80",
        "redis://127.0.0.1:6379/0",
        "http://[::1]/",
        "LOCALHOST:1",
        "localhost#x",
    ],
)
def test_addresses_of_this_machine(address: str) -> None:
    assert means_this_machine(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.org",
        "10.0.0.1:80",
        "http://example.org/127.0.0.1",
        "https://127.0.0.1.example.org/",
        "[2001:db8::1]:80",
        "a b",
        "x" * 9999,
    ],
)
def test_addresses_of_others(address: str) -> None:
    assert not means_this_machine(address)
