"""The demonstration: a laboratory in a process of its own, its manual localised, imported and accepted, ready to be run."""

import asyncio
import json
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from keepwell.kernel.problems import AskError, KeepwellError

from .laboratory.control import raise_problem

Import = Callable[[Path, Path, Path, str], Awaitable[int]]
"""Imports a manual (first path) into a new operations directory (second) and keeps it in a data directory (third), every check at that
interval; gives how many checks it made."""

Accept = Callable[[Path], Awaitable[int]]
"""Accepts all that waits in an operations directory; gives how many texts that were."""

PACE = "5s"
"""How often the demonstration looks at everything, so that a fault shows while one watches."""

FIGURES = """
# What the words of the rules measure. Short stretches in place of those that import writes, so that a fault shows while one watches.
figures:
  uptime: 'avg_over_time(check_up{check="health"}[5m])'
  error rate: 'avg(avg_over_time((status_code >= bool 500)[5m:5s]))'
"""
"""What stands in the demonstration's configuration in place of the figures that import wrote."""

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_FRONT_HEADING = "### Front"


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A demonstration that is ready to be run. ``root`` holds everything and is removed by the laboratory when it ends."""

    root: Path
    operations: Path
    data: Path
    checks: int
    accepted: int
    state: Mapping[str, Any]

    @property
    def has_front(self) -> bool:
        """Whether nginx stands in front of the audio server."""
        return bool(self.state["addresses"]["http"])


@asynccontextmanager
async def demonstration(import_: Import, accept: Accept, *, front: bool = True) -> AsyncIterator[Demonstration]:
    """Starts the laboratory and prepares an operations directory from its manual; at the end nothing of either is left.

    Raises KeepwellError where the laboratory does not start (another one runs, for example).
    """
    process = await _start(front)
    try:
        state = await _first_words(process)
        root = Path(state["root"])
        manual = root / "manual.md"
        manual.write_text(localised(manual_text(), Path(state["folder"]), state["addresses"]), "utf-8")
        operations = root / "operations"
        data = root / "data"
        checks = await import_(manual, operations, data, PACE)
        _measure_quickly(operations / "keepwell.yaml")
        yield Demonstration(root, operations, data, checks, await accept(operations), state)
    finally:
        await _stop(process)


def _measure_quickly(configuration: Path) -> None:
    text = re.sub(r"(?m)^figures:\n(?:^[ ].*\n)+", "", configuration.read_text("utf-8"))
    configuration.write_text(text + FIGURES, "utf-8")


def manual_text() -> str:
    """The laboratory's manual as it is shipped."""
    return resources.files("keepwell.demo.laboratory").joinpath("manual.md").read_text("utf-8")


def localised(manual: str, folder: Path, addresses: Mapping[str, str | None]) -> str:
    """The manual for a laboratory that lives elsewhere: its addresses and its folder put in place of the ones written there.

    Without nginx the section about it is left out, as a team without a front would not have it.
    """
    if addresses["http"] is None:
        before, _, rest = manual.partition(_FRONT_HEADING)
        manual = before + rest[rest.index("\n### ") + 1 :]
    for written, real in (("http://127.0.0.1:3001", "api"), ("http://127.0.0.1:3080", "http"), ("https://127.0.0.1:3443", "https")):
        manual = manual.replace(written, addresses[real] or written)
    return manual.replace("/srv/tonehouse", str(folder))


async def _start(front: bool) -> Process:
    options = () if front else ("--no-front",)
    # A session of its own: Ctrl-C in the terminal reaches only Keepwell, which then ends the laboratory by closing its input.
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "keepwell.demo.laboratory", "--tied", *options, stdin=PIPE, stdout=PIPE, start_new_session=True
    )


async def _first_words(process: Process) -> Mapping[str, Any]:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_START_SECONDS):
            answer = json.loads(await process.stdout.readline())
    except (TimeoutError, ValueError):
        raise AskError("the laboratory did not start", hint="python -m keepwell.demo.laboratory shows why") from None
    return raise_problem(answer)


async def _stop(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise KeepwellError("the laboratory did not end by itself and was killed", hint="its folder in /tmp may be left behind") from None
