"""What the engine asks of a room: what is due, and to run it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that is due: since when (monotonic seconds), its name for logs, and how to run it. ``run`` handles its own failures."""

    due: float
    name: str
    run: Callable[[], Awaitable[None]]


class Activity(Protocol):
    """A room with timers of its own."""

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """Removes and gives what is due by now, most overdue first; each is given once."""
        ...

    def next_due(self) -> float | None:
        """When (monotonic seconds) something becomes due next; None where nothing will until the room wakes the engine."""
        ...
