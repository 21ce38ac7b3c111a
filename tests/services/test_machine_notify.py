"""What the service manager hears, over real sockets."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepwell.machine import notify


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@keepwell-test-{os.getpid()}-{time.monotonic_ns()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name[1:] if name.startswith("@") else name)
        listener.settimeout(5)
        yield listener, {"NOTIFY_SOCKET": name}


def test_each_message_is_one_datagram(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listener, environment = manager
    assert notify.ready(environment)
    assert listener.recv(4096) == b"READY=1"
    assert notify.stopping(environment)
    assert listener.recv(4096) == b"STOPPING=1"
    assert notify.watchdog(environment)
    assert listener.recv(4096) == b"WATCHDOG=1"
    assert notify.status("3 checks\nREADY=1", environment)
    assert listener.recv(4096) == b"STATUS=3 checks READY=1"


def test_a_reload_carries_its_monotonic_time(manager: tuple[socket.socket, dict[str, str]]) -> None:
    listener, environment = manager
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert notify.reloading(environment)
    first, second = listener.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize("place", [None, "", "relative", "@", "/no/such/socket", "vsock:2:1234"])
def test_without_a_listener_nothing_is_sent(place: str | None) -> None:
    assert not notify.ready({} if place is None else {"NOTIFY_SOCKET": place})


def test_a_manager_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        started = time.monotonic()
        taken = [notify.status("x" * 1000, {"NOTIFY_SOCKET": path}) for _ in range(2000)]
        assert time.monotonic() - started < 5
    assert taken[0]
    assert not taken[-1]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdogs_interval_is_half_of_what_it_waits(environment: dict[str, str], seconds: float | None) -> None:
    assert notify.watchdog_interval(environment) == seconds
