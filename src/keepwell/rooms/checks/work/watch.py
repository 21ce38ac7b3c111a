"""The living room of checks: what is due, what was seen, what is stored and may be shown."""

import heapq
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from keepwell.kernel.problems import NotFound, Refused
from keepwell.kernel.states import State
from keepwell.ports.activity import Job
from keepwell.ports.host import Host
from keepwell.ports.listeners import Listeners
from keepwell.ports.samples import Samples
from keepwell.rooms.checks.decide import first_due, grain, judge, next_due, on_grid
from keepwell.rooms.checks.model import Change, Check, Kept, Observation, Seen, Shown, Standing, Stored

from .looking import NO_GUARD, Guarded, Looking
from .recorder import Recorder, Write
from .watched import Watched


class Identify(Protocol):
    """Makes the stored checks those of the configuration and gives what is kept of each (``store.identify``)."""

    async def __call__(self, names: Mapping[str, str | None], /) -> Mapping[str, Kept]: ...


class Checks:
    """Looks at every configured check at its interval. It is an Activity of the engine."""

    def __init__(
        self, host: Host, samples: Samples, identify: Identify, write: Write, host_of: Callable[[str], Host] | None = None
    ) -> None:
        self.skipped = 0
        self.recorder = Recorder(write, samples, self._on_stored, host.clock.monotonic)
        self.looking = Looking(host, host_of or (lambda name: host), self._look)
        self._host = host
        self._identify = identify
        self._watched: dict[str, Watched] = {}
        self._by_number: dict[int, Watched] = {}
        self._timers: list[tuple[float, str]] = []
        self._grain = 0.25
        self._listeners = Listeners[Stored]()
        self._wake: Callable[[], None] = lambda: None

    # --- configuration -------------------------------------------------------------------------------------------------

    async def configure(
        self, checks: Sequence[Check], strips: Mapping[int, Sequence[str]] | None = None, guarded: Guarded = NO_GUARD
    ) -> None:
        """Takes the checks of a configuration. Checks that stay keep their place in time; new ones are due within seconds."""
        clock = self._host.clock
        kept = await self._identify({check.name: check.options.was for check in checks})
        started, now = clock.monotonic(), clock.now()
        self._grain = grain(check.options.every.total_seconds() for check in checks)
        watched: dict[str, Watched] = {}
        for check in checks:
            known = self._by_number.get(kept[check.name].check_id)
            if known is not None:
                watched[check.name] = self._continue(known, check, started)
            else:
                watched[check.name] = self._begin(check, kept[check.name], started, now)
                watched[check.name].lengthen(*map(State, (strips or {}).get(kept[check.name].check_id, ())))
        for old in self._watched.values():
            old.retired = watched.get(old.check.name) is not old
        self._watched = watched
        self.looking.configure(watched, guarded)
        self._by_number = {item.number: item for item in watched.values()}
        self._timers = [(item.due, name) for name, item in watched.items()]
        heapq.heapify(self._timers)
        self._wake()
        self._listeners.tell(Stored(frozenset(), (), reconfigured=True))

    def _continue(self, known: Watched, check: Check, started: float) -> Watched:
        if known.check.options.every != check.options.every or known.check.settings != check.settings or known.check.host != check.host:
            known.due = self._first_due(check, started, None)
            known.counters = {}
        known.check = check
        return known

    def _begin(self, check: Check, kept: Kept, started: float, now: datetime) -> Watched:
        age = (now - kept.standing.last_at).total_seconds() if kept.standing else None
        due = self._first_due(check, started, age)
        return Watched(check, kept.check_id, kept.ordinal, due, kept.standing, kept.standing)

    def _first_due(self, check: Check, started: float, seconds_since_last: float | None) -> float:
        return on_grid(first_due(check.name, check.options.every.total_seconds(), started, seconds_since_last), self._grain)

    # --- the engine's questions ------------------------------------------------------------------------------------------

    def on_wake(self, wake: Callable[[], None]) -> None:
        """Takes the engine's alarm: called when something may be due earlier than ``next_due`` said."""
        self._wake = wake

    def next_due(self) -> float | None:
        """When the next check is due."""
        return self._timers[0][0] if self._timers else None

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The checks that are due. One that is still looking from last time is skipped, and counted."""
        jobs: list[Job] = []
        while self._timers and self._timers[0][0] <= monotonic:
            due, name = heapq.heappop(self._timers)
            watched = self._watched.get(name)
            if watched is None or watched.due != due:
                continue
            following = next_due(due, watched.check.options.every.total_seconds(), monotonic)
            self.skipped += following.skipped + watched.looking
            watched.due = following.due
            heapq.heappush(self._timers, (watched.due, name))
            if not watched.looking:
                watched.looking = True
                jobs.append(Job(due, f"check {name}", lambda watched=watched: self._look(watched)))  # type: ignore[misc]
        return jobs

    # --- looking -----------------------------------------------------------------------------------------------------------

    async def _look(self, watched: Watched) -> None:
        await self._look_at(watched)

    async def _look_at(self, watched: Watched) -> Observation:
        watched.looking = True
        try:
            observation = await self.looking.observe(watched)
            if not watched.retired:
                self._take(watched, observation)
        finally:
            watched.ended()
        return observation

    def _take(self, watched: Watched, observation: Observation) -> None:
        now = self._host.clock.now()
        if observation.counters or observation.state not in (State.FAIL, State.UNKNOWN):
            # One that failed counted nothing: the rate of the next goes from the last that did.
            watched.counters, watched.counted_at = observation.counters, self._host.clock.monotonic()
        before = watched.decided
        watched.decided, change = judge(before, observation, watched.check.options, now)
        moved = before is None or _place(before) != _place(watched.decided)
        check = watched.check
        seen = Seen(
            watched.number, check.name, watched.ordinal, now, observation, watched.decided, change, check.accepted_by, moved, check.looks_at
        )
        self.recorder.add(seen)
        watched.ordinal += 1

    async def look_now(self, name: str) -> Observation:
        """Looks once at a check, out of turn; the observation counts like any other. Raises NotFound, or Refused while one is under way."""
        watched = self._watched.get(name)
        if watched is None:
            raise NotFound(f"no check is called {name}")
        if watched.looking:
            raise Refused(f"{name} is being looked at right now", hint="wait for its result")
        return await self._look_at(watched)

    # --- showing -----------------------------------------------------------------------------------------------------------

    def _on_stored(self, batch: Sequence[Seen]) -> None:
        names: set[str] = set()
        changes: list[tuple[str, Change]] = []
        for seen in batch:
            watched = self._by_number.get(seen.check_id)
            if watched is None:
                continue
            watched.shown = seen.standing
            watched.lengthen(seen.observation.state)
            names.add(watched.check.name)
            if seen.change is not None:
                changes.append((watched.check.name, seen.change))
        self._listeners.tell(Stored(frozenset(names), tuple(changes)))

    def shown(self) -> list[Shown]:
        """Every check as it may be shown, in the configuration's order."""
        return [item.as_shown for item in self._watched.values()]

    def show(self, name: str) -> Shown:
        """One of them. Raises NotFound."""
        item = self._watched.get(name)
        if item is None:
            raise NotFound(f"no check is called {name}")
        return item.as_shown

    def news(self) -> AsyncIterator[Stored]:
        """What was stored, as it is stored, from now on. A listener that does not keep up misses news, never holds anything up."""
        return self._listeners.hear()


def _place(standing: Standing) -> tuple[object, ...]:
    return standing.state, standing.since, standing.observed, standing.streak
