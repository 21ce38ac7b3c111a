"""The event loop of what runs for long."""

import asyncio
from collections.abc import Callable


def quick_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop: uvloop's, which spends a tenth less CPU on a look (docs/performance.md), or asyncio's own where there is none.

    They differ in one thing that matters here: to write on a connection that the other side has ended raises RuntimeError with uvloop, and
    nothing with asyncio. So it is asked first whether the transport is closing.
    """
    try:
        import uvloop  # has parts in C: there may be none for this interpreter
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
