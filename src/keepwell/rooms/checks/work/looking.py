"""From the turn of a check to its verdict: room among the others, the look itself, and whether a failure has another cause."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass

from keepwell.kernel.histograms import Histogram
from keepwell.kernel.states import State
from keepwell.ports.host import Host
from keepwell.rooms.checks.causes import cut_off, ours, over_network, parent_down, runs_programs
from keepwell.rooms.checks.decide import finite
from keepwell.rooms.checks.model import Check, Earlier, Observation

from .observe import observe
from .watched import Watched

EARLIER_AT_MOST = 900.0
"""Seconds after which the counters of a previous observation are too old to compute a rate from."""

PROGRAMS_AT_ONCE = 32
"""Programs that checks start at the same time on one host."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """The section ``guard`` as the room takes it: the names of the guards, and how many checks must be failing before they are asked."""

    checks: tuple[str, ...] = ()
    several: int = 1


NO_GUARD = Guarded()


class Looking:
    """Makes looks. ``look`` makes a whole one, out of turn, of a check that stands in the way of a verdict.

    ``held`` is how many looks wait for room now: their target or host is looked at by as many as it allows. ``waits`` counts how long such
    looks waited.
    """

    def __init__(self, host: Host, host_of: Callable[[str], Host], look: Callable[[Watched], Awaitable[None]]) -> None:
        self.held = 0
        self.waits = Histogram()
        self._monotonic = host.clock.monotonic
        self._host_of = host_of
        self._look = look
        self._rooms: dict[tuple[str, str], asyncio.Semaphore] = {}
        self._by_target: dict[str, list[Watched]] = {}
        self._guards: list[Watched] = []
        self._several = 1
        self._failing: set[int] = set()

    def configure(self, watched: Mapping[str, Watched], guarded: Guarded) -> None:
        """Takes the checks of a configuration. What looks now keeps the room that it has."""
        self._rooms = {}
        self._by_target = {}
        for item in watched.values():
            self._by_target.setdefault(item.check.looks_at, []).append(item)
        self._guards = [watched[name] for name in guarded.checks if name in watched]
        self._several = guarded.several
        self._failing &= {item.number for item in watched.values()}
        for item in watched.values():
            item.programs = runs_programs(item.check)

    @property
    def cut_off(self) -> tuple[str, ...]:
        """The guards, where all of them fail: the fault is then in the connection of this machine. Empty otherwise."""
        return tuple(guard.check.name for guard in self._guards) if cut_off([guard.as_needed for guard in self._guards]) else ()

    async def observe(self, watched: Watched) -> Observation:
        """What is seen now, judged beside what it needs."""
        rooms = self._rooms_of(watched.check, watched.programs)
        async with self._room(rooms) if rooms else nullcontext():
            began = self._monotonic()
            host = self._host_of(watched.check.host)
            seen = finite(await observe(watched.check, host, self._earlier(watched)))
        if seen.state is State.FAIL:
            self._failing.add(watched.number)
            if watched not in self._guards:
                seen = await self._cause(watched, seen, began)
        else:
            self._failing.discard(watched.number)
        watched.began = began
        return seen

    def _earlier(self, watched: Watched) -> Earlier | None:
        age = self._monotonic() - watched.counted_at
        return Earlier(watched.counters, age) if watched.counters and age <= EARLIER_AT_MOST else None

    # --- room ------------------------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _room(self, rooms: list[asyncio.Semaphore]) -> AsyncIterator[None]:
        """Waits for room at the check's target and, where it starts a program, on its host. The deadline of a look begins after that."""
        free = not any(room.locked() for room in rooms)
        self.held += not free
        entered: list[asyncio.Semaphore] = []
        try:
            try:
                asked = self._monotonic()
                for room in rooms:
                    await room.acquire()
                    entered.append(room)
                if not free:
                    self.waits.add(self._monotonic() - asked)
            finally:
                self.held -= not free
            yield
        finally:
            for room in entered:
                room.release()

    def _rooms_of(self, check: Check, programs: bool) -> list[asyncio.Semaphore]:
        """Always in the same order, so that no two looks wait for each other."""
        rooms = []
        if check.target is not None and check.target.at_once is not None:
            rooms.append(self._rooms.setdefault(("target", check.looks_at), asyncio.Semaphore(check.target.at_once)))
        if programs:
            rooms.append(self._rooms.setdefault(("host", check.host), asyncio.Semaphore(PROGRAMS_AT_ONCE)))
        return rooms

    # --- causes ----------------------------------------------------------------------------------------------------------------

    async def _cause(self, watched: Watched, seen: Observation, began: float) -> Observation:
        """The failure as it was seen, or ``unknown`` with its cause. For a new one what it needs is looked at again, so that it does not
        matter which of them was looked at first."""
        is_new = watched.decided is None or watched.decided.state is not State.FAIL
        needed = [item for target in watched.check.needs for item in self._by_target.get(target, ())]
        if needed:
            seen = await self._beside(seen, needed, lambda seen: parent_down(seen, [item.as_needed for item in needed]), is_new, began)
        if seen.state is State.FAIL and self._guards and len(self._failing) >= self._several and over_network(watched.check):
            guards = self._guards
            seen = await self._beside(seen, guards, lambda seen: ours(seen, [item.as_needed for item in guards]), is_new, began)
        return seen

    async def _beside(
        self, seen: Observation, others: Iterable[Watched], judge: Callable[[Observation], Observation], is_new: bool, began: float
    ) -> Observation:
        judged = judge(seen)
        if judged is not seen or not is_new:
            return judged
        await asyncio.gather(*(self._since(item, began) for item in others))
        return judge(seen)

    async def _since(self, watched: Watched, moment: float) -> None:
        """Returns when a look of that check is over that began at that moment or later."""
        while watched.began < moment and not watched.retired and not watched.check.waiting:
            if watched.looking:
                await watched.end_of_look()
            else:
                await self._look(watched)
