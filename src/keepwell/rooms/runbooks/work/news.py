"""What happens in runs, as it happens: for pages, and for whoever waits for the end of one."""

import asyncio
from collections.abc import AsyncIterator, Callable

from keepwell.ports.listeners import Listeners

TAIL = 64 * 1024
"""Characters of the output of a step that runs which pages see."""


class News:
    """Tells of runs by their numbers, and keeps what the step that runs now has printed of late."""

    def __init__(self) -> None:
        self._outputs: dict[int, str] = {}
        self._moved: dict[int, asyncio.Event] = {}
        self._listeners = Listeners[int]()

    def tell(self, number: int) -> None:
        """Something happened in a run. A listener that does not keep up misses news, never holds anything up."""
        if event := self._moved.pop(number, None):
            event.set()
        self._listeners.tell(number)

    async def moved(self, number: int) -> None:
        """Waits until something happens in a run."""
        await self._moved.setdefault(number, asyncio.Event()).wait()

    def listen(self) -> AsyncIterator[int]:
        """The numbers of runs in which something happened, from now on."""
        return self._listeners.hear()

    def hearing(self, number: int) -> Callable[[str], None]:
        """Who hears what the step that begins now prints."""

        def hear(text: str) -> None:
            self._outputs[number] = (self._outputs.get(number, "") + text)[-TAIL:]
            self.tell(number)

        self._outputs[number] = ""
        return hear

    def output(self, number: int) -> str:
        """What the step that runs now has printed so far, its newest part."""
        return self._outputs.get(number, "")

    def forget_output(self, number: int) -> None:
        """The step has ended: what it printed is stored."""
        self._outputs.pop(number, None)
