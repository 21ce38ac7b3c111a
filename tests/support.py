"""What tests share: components that must be there, free ports, waiting for a condition."""

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

OUTSIDE_CASES = Path(__file__).resolve().parents[2] / "shared"
"""Real manuals and other projects' conformance cases, beside a checkout. Absent elsewhere: tests that read them skip."""

_EXTRA_PLACES = ("/usr/sbin", "/sbin", "/usr/lib/postgresql/17/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/15/bin")


def need(program: str) -> str:
    """The path of a program that a test needs. Without it the test is skipped, saying so; with CI=true it fails."""
    path = shutil.which(program) or shutil.which(program, path=os.pathsep.join(_EXTRA_PLACES))
    if path is None:
        missing(f"{program} is not installed (make deps installs it)")
    return path  # type: ignore[return-value]


def missing(reason: str) -> None:
    """Skips the test with a reason, or fails it with CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def outside(*parts: str) -> Path:
    """A file or folder of the outside cases. Where it is absent, the test is skipped (in CI too: a bare checkout has none)."""
    path = OUTSIDE_CASES.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"outside cases are absent: {'/'.join(parts)}")
    return path


def free_port() -> int:
    """A TCP port of loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 30.0, what: str = "the condition") -> None:
    """Polls until the condition holds; fails the test when it does not in time."""
    begun = time.monotonic()
    while not condition():
        waited = time.monotonic() - begun
        if waited > seconds:
            pytest.fail(f"{what} did not come about within {seconds:g} s")
        time.sleep(_pause(waited))


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0, what: str = "the condition") -> None:
    """The same for an asynchronous condition."""
    begun = time.monotonic()
    while not await condition():
        waited = time.monotonic() - begun
        if waited > seconds:
            pytest.fail(f"{what} did not come about within {seconds:g} s")
        await asyncio.sleep(_pause(waited))


def _pause(waited: float) -> float:
    """Seconds until one looks again: a tenth of what was waited already, because each look at a server costs it and us work that
    the tests beside this one wait for."""
    return min(0.1, max(0.02, waited / 10))


@cache
def cases_in(path: Path) -> Any:
    """What a YAML file of cases holds, read once in a process and by the parser in C; not to be changed."""
    return yaml.load(path.read_bytes(), yaml.CSafeLoader)
