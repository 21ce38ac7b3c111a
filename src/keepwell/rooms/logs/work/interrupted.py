"""What was under way when the last life of the server ended goes on, once."""

from collections.abc import Awaitable, Callable, Sequence

from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock


class Interrupted:
    """An activity with one job, which is due at once."""

    def __init__(self, clock: Clock, go_on: Callable[[], Awaitable[None]]) -> None:
        self._due: float | None = clock.monotonic()
        self._go_on = go_on

    def next_due(self) -> float | None:
        """When it is due; None when it was done."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, once."""
        if self._due is None or monotonic < self._due:
            return ()
        job, self._due = Job(self._due, "go on with work on logs", self._go_on), None
        return (job,)
