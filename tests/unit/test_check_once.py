"""``keepwell check``: what looks do at their beginning is not measured as the time that targets take."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

from keepwell.config.options import Options
from keepwell.kernel.states import State
from keepwell.ports.fakes import FakeClock, FakeFiles, FakeHttp, FakeRunner, FakeSecrets
from keepwell.ports.host import Host
from keepwell.rooms.checks.model import Check, CheckOptions, Observation, Probe
from keepwell.rooms.checks.work.once import APART, check_once

HOLDS_UP = APART / 3


async def looks(settings: object, target: object, host: Host, limit: float) -> Observation:
    """Holds the loop up as an import does, and then measures how long a target takes that answers at once."""
    time.sleep(HOLDS_UP)  # noqa: ASYNC251 (that it holds the loop up is what this is about)
    began = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    return Observation(State.OK, "", {"duration_seconds": asyncio.get_running_loop().time() - began})


async def test_no_look_measures_the_beginning_of_the_others() -> None:
    driver = Probe("a target", Options, looks)
    checks = tuple(Check(f"look-{number}", "none", CheckOptions(), driver, Options()) for number in range(10))
    told: list[Any] = []
    output = SimpleNamespace(progress=lambda done, of: None, data=told.append, table=lambda *columns, **more: None)
    host = Host("local", FakeRunner({}), FakeFiles({}), FakeHttp(), FakeClock(), FakeSecrets({}))
    assert await check_once(SimpleNamespace(arguments={"names": ()}, output=output), checks, lambda name: host) == 0  # type: ignore[arg-type]
    measured = sorted(one["values"]["duration_seconds"] for one in told[0])
    assert len(measured) == 10
    # All at once, the first would measure nine beginnings; a busy machine may hold up some of them, but not most.
    assert measured[5] < HOLDS_UP
