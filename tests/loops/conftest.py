"""Every test below here runs on uvloop's loop; where it comes from it runs on asyncio's own."""

import asyncio
from collections.abc import Callable, Mapping

from keepwell.machine.loops import quick_loop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop of ``keepwell up``."""
    return {"quick": quick_loop()}
