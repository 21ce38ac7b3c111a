"""What changed, for those who show it."""

import asyncio
from collections.abc import AsyncIterator

KEPT = 100
"""News that wait for a listener. One that does not keep up misses some, and never holds anything up."""


class News:
    """Tells every listener which alerts changed."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[frozenset[int]]] = set()

    def tell(self, numbers: frozenset[int]) -> None:
        """These alerts changed; none of them where only silences, groups or escalations did."""
        for queue in self._listeners:
            if not queue.full():
                queue.put_nowait(numbers)

    async def listen(self) -> AsyncIterator[frozenset[int]]:
        """What changes from now on."""
        queue: asyncio.Queue[frozenset[int]] = asyncio.Queue(maxsize=KEPT)
        self._listeners.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
