"""What happens in a room, for those who show it: pages that stay live, and other rooms."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

News = TypeVar("News")


class Listeners(Generic[News]):
    """Tells all who listen. One that does not keep up misses what is beyond ``most`` that wait for it, and never holds anything up; with
    one that waits, several changes before a listener looks are one."""

    def __init__(self, most: int = 100) -> None:
        self._most = most
        self._queues: set[asyncio.Queue[News]] = set()

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._queues)

    def tell(self, news: News) -> None:
        """Something happened. To be called in the event loop's thread."""
        for queue in self._queues:
            if not queue.full():
                queue.put_nowait(news)

    async def hear(self) -> AsyncIterator[News]:
        """What happens from now on: from when the first of it is asked for."""
        queue: asyncio.Queue[News] = asyncio.Queue(maxsize=self._most)
        self._queues.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
