"""One check in memory, between its looks."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from keepwell.kernel.states import State
from keepwell.rooms.checks.causes import Needed
from keepwell.rooms.checks.model import Check, Shown, Standing

STRIP = 30
"""How many of its newest states a check shows as a strip."""


@dataclass(slots=True, eq=False)
class Watched:
    """One check in memory. ``decided`` runs ahead of ``shown``, which is what the store already holds. ``began`` is when (monotonic
    seconds) its newest finished look began; ``programs`` whether it starts programs."""

    check: Check
    number: int
    ordinal: int
    due: float
    decided: Standing | None
    shown: Standing | None
    strip: tuple[State, ...] = ()
    counters: Mapping[str, float] = field(default_factory=dict)
    counted_at: float = 0.0
    programs: bool = False
    looking: bool = False
    retired: bool = False
    began: float = float("-inf")
    waiting: list["asyncio.Future[None]"] = field(default_factory=list)

    @property
    def as_needed(self) -> Needed:
        """What those that need its target are told of it."""
        return Needed(self.check.looks_at or self.check.name, self.check.name, self.decided)

    @property
    def as_shown(self) -> Shown:
        """What may be shown of it."""
        return Shown(self.check, self.number, self.shown, self.strip)

    def lengthen(self, *states: State) -> None:
        """Puts newer states at the end of the strip."""
        self.strip = (*self.strip, *states)[-STRIP:]

    def ended(self) -> None:
        """The look under way is over: whoever waits for it goes on."""
        self.looking = False
        waiting, self.waiting = self.waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def end_of_look(self) -> None:
        """Waits for the end of the look under way."""
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await future
