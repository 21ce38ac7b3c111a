"""What the service manager is told: readiness, reloads, the end, and signs of life.

The protocol of sd_notify(3): datagrams of ``NAME=value`` lines to the socket that NOTIFY_SOCKET names. Without that variable (not started
by systemd, or ``Type=`` is not notify) nothing is sent.
"""

import os
import socket
import time
from collections.abc import Mapping


def ready(environment: Mapping[str, str] = os.environ) -> bool:
    """The service is up, or its reload is over."""
    return notify("READY=1", environment=environment)


def reloading(environment: Mapping[str, str] = os.environ) -> bool:
    """A reload begins; ``ready`` says its end. The time tells the manager which reload it is (``Type=notify-reload``)."""
    return notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}", environment=environment)


def stopping(environment: Mapping[str, str] = os.environ) -> bool:
    """The service is on its way down."""
    return notify("STOPPING=1", environment=environment)


def watchdog(environment: Mapping[str, str] = os.environ) -> bool:
    """A sign of life."""
    return notify("WATCHDOG=1", environment=environment)


def status(text: str, environment: Mapping[str, str] = os.environ) -> bool:
    """One line that ``systemctl status`` shows."""
    return notify("STATUS=" + " ".join(text.split()), environment=environment)


def notify(*assignments: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Sends assignments in one datagram; whether the service manager took it.

    Never raises and never waits: a service manager that does not listen is no reason to stop.
    """
    path = environment.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")) or len(path) < 2:
        return False
    address = "\0" + path[1:] if path.startswith("@") else path  # the abstract namespace of unix(7)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as sender:
            sender.sendto("\n".join(assignments).encode("utf-8", "replace"), address)
    except OSError:
        return False
    return True


def watchdog_interval(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two signs of life: half of what the service manager waits (sd_watchdog_enabled(3)).

    None where it waits for none, or for another process's (WATCHDOG_PID).
    """
    limit, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not (limit.isascii() and limit.isdigit()) or int(limit) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(limit) / 1_000_000 / 2
