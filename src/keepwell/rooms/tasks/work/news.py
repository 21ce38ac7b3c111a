"""That something changed, for those who show it."""

import asyncio
from collections.abc import AsyncIterator


class News:
    """Tells every listener that tasks changed. Several changes before a listener looks are one."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Event] = set()

    def tell(self) -> None:
        """Something changed."""
        for event in self._listeners:
            event.set()

    async def listen(self) -> AsyncIterator[None]:
        """Each change from now on."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            while True:
                await event.wait()
                event.clear()
                yield
        finally:
            self._listeners.discard(event)
