"""Rules while a server runs: an Activity of the engine that evaluates each group at its interval."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keepwell.kernel.problems import ConfigurationError, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.clock import Clock
from keepwell.rooms.promql.engine import Engine
from keepwell.rooms.promql.model import Result
from keepwell.rooms.promql.shown import RuleGroupShown
from keepwell.rooms.promql.templates.rule_texts import NO_OUTSIDE, Outside

from .evaluation import RunningGroup, Write
from .listed import shown_groups
from .loading import load_groups
from .model import Group
from .outward import PREFIX, Outward, active_of, seed, source_of, sources
from .timing import USUAL, next_slot, spread

_log = logging.getLogger("keepwell.rules")

SETTLED = 2
"""As Prometheus: by the second evaluation after a start, what the expressions need has been measured again."""

AGAIN_AFTER = 2.0
"""Seconds before a new try of what could not be stored."""

Wake = Callable[[], None]


@dataclass(slots=True)
class _Timed:
    """A group with its next instant: ``due`` on the monotonic clock, ``at`` on the calendar. ``times`` counts its evaluations."""

    running: RunningGroup
    interval: int
    offset: int
    due: float = 0.0
    at: int = 0
    times: int = 0
    busy: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rules:
    """The groups of the rule files. ``engine`` gives whoever answers now, ``write`` keeps samples."""

    def __init__(self, engine: Callable[[], Engine], write: Write, clock: Clock) -> None:
        self.problems: tuple[str, ...] = ()
        """Why the files in force are not those that are written now, a sentence each."""
        self._engine = engine
        self._write = write
        self._clock = clock
        self._outside = NO_OUTSIDE
        self._groups: list[_Timed] = []
        self._wanted: tuple[Path, Sequence[str]] | None = None
        self._directory = ""
        self._outward: Outward | None = None
        self._has_begun = False
        self._wake: Wake = lambda: None

    def on_wake(self, wake: Wake) -> None:
        """What makes the engine look again at what is due."""
        self._wake = wake

    def tell_to(self, outward: Outward) -> None:
        """Whoever keeps alerts is told from now on."""
        self._outward = outward

    def configure(self, directory: Path, patterns: Sequence[str], outside: Outside = NO_OUTSIDE) -> None:
        """Takes a configuration: its files are read soon, in a thread. ``outside`` is what texts may speak of beside the series."""
        self._wanted = (directory, tuple(patterns))
        self._outside = outside
        for timed in self._groups:
            timed.running.outside = outside
        self._wake()

    @property
    def outside(self) -> Outside:
        """What texts may speak of beside the series."""
        return self._outside

    def groups(self) -> Sequence[RuleGroupShown]:
        """What is evaluated, for the HTTP API."""
        return shown_groups(timed.running for timed in self._groups)

    def faults(self) -> Sequence[str]:
        """What is wrong with them now, a sentence each: files that were refused, rules that gave no value when they were asked last."""
        failed = [(timed.running.group, rule) for timed in self._groups for rule in timed.running.rules if rule.error]
        return (
            *(f"the newest rule files are refused: {problem}" for problem in self.problems),
            *(f"rule {rule.rule.name} of group {group.name} cannot be evaluated: {rule.error}" for group, rule in failed),
        )

    # --- the activity ---

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        if self._wanted is not None:
            return self._clock.monotonic()
        return min((timed.due for timed in self._groups if not timed.busy), default=None)

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        jobs = []
        if self._wanted is not None:
            wanted, self._wanted = self._wanted, None
            jobs.append(Job(monotonic, "read rule files", lambda: self._read(*wanted)))
        for timed in self._groups:
            if not timed.busy and timed.due <= monotonic:
                timed.busy = True
                jobs.append(Job(timed.due, f"rules {timed.running.group.name}", lambda timed=timed: self._evaluate(timed)))  # type: ignore[misc]
        return sorted(jobs, key=lambda job: job.due)

    async def _read(self, directory: Path, patterns: Sequence[str]) -> None:
        try:
            groups = await asyncio.to_thread(load_groups, directory, patterns)
        except ConfigurationError as error:
            self.problems = tuple(problem.message for problem in error.problems)
            _log.error(
                "rule files refused, the old ones stay in force", extra={"facts": {"problems": len(self.problems), "first": str(error)}}
            )
            return
        self.problems = ()
        self._directory = str(directory)
        await self.take(groups)

    async def take(self, groups: Sequence[Group]) -> None:
        """These groups from now on. Those of before go on with what they know; of those that are gone, the series end."""
        before = {timed.running.group.key: timed for timed in self._groups}
        after = []
        for group in groups:
            old = before.pop(group.key, None)
            if old is not None and old.running.group == group:
                after.append(old)
            else:
                after.append(await self._begun(group, old))
        self._groups = after
        for timed in before.values():
            async with timed.lock:
                timed.running.end(self._now(), self._write)
        self._has_begun = True
        self._wake()
        await self._retire(sources(groups, self._directory))

    async def _retire(self, exist: Collection[str]) -> None:
        """Alerts of groups that are no more end; again and again, where that cannot be stored."""
        while self._outward is not None:
            try:
                await self._outward.retire(lambda source: not source.startswith(PREFIX) or source in exist)
                return
            except StorageError as error:
                _log.warning("alerts of rule files that are gone wait for the database", extra={"facts": {"why": str(error)}})
            await asyncio.sleep(AGAIN_AFTER)

    async def _begun(self, group: Group, old: _Timed | None) -> _Timed:
        running = RunningGroup(group, self._outside)
        interval = group.interval or USUAL
        timed = _Timed(running, interval, spread(group.key, interval))
        if old is not None:
            async with old.lock:
                running.take_over(old.running)
                timed.times = old.times
        elif self._has_begun:
            # Only after a start is there anything to go on from.
            for rule in running.rules:
                rule.restored = True
            timed.times = SETTLED
        if self._outward is not None and old is None:
            seed(running, self._outward.known(source_of(group, self._directory)))
        self._schedule(timed)
        return timed

    def _schedule(self, timed: _Timed) -> None:
        now = self._now()
        timed.at = next_slot(now, timed.interval, timed.offset, timed.at or None)
        timed.due = self._clock.monotonic() + (timed.at - now) / 1000

    async def _evaluate(self, timed: _Timed) -> None:
        async with timed.lock:
            try:
                if any(timed is one for one in self._groups):
                    await self._evaluated(timed)
            finally:
                self._schedule(timed)
                timed.busy = False
        self._wake()

    async def _evaluated(self, timed: _Timed) -> None:
        running = timed.running
        failed = {id(rule) for rule in running.rules if rule.error}
        await running.evaluate(timed.at, self._ask, self._write)
        timed.times += 1
        if timed.times == SETTLED:
            await running.restore(self._now(), self._ask)
        for rule in running.rules:
            if rule.error and id(rule) not in failed:
                facts = {"group": running.group.name, "rule": rule.rule.name, "why": rule.error}
                _log.warning("a rule cannot be evaluated", extra={"facts": facts})
        await self._tell(timed)

    async def _tell(self, timed: _Timed) -> None:
        """Tells what the group holds for active; again and again, until its next turn, where that cannot be stored."""
        if self._outward is None:
            return
        source = source_of(timed.running.group, self._directory)
        while True:
            known = self._outward.known(source)
            active = active_of(timed.running, known, timed.times >= SETTLED)
            try:
                if known or active:
                    await self._outward.tell(source, active, self._clock.now())
                return
            except StorageError as error:
                facts = {"group": timed.running.group.name, "why": str(error)}
                _log.warning("alerts of rule files wait for the database", extra={"facts": facts})
            if self._now() + AGAIN_AFTER * 1000 > timed.at + timed.interval:
                return
            await asyncio.sleep(AGAIN_AFTER)

    async def _ask(self, text: str, at: int) -> Result:
        return await self._engine().instant(text, at)

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
