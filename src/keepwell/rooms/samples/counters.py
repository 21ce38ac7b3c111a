"""Counters in memory that become samples at an interval: ``keepwell.ports.counters.Counters``.

A counter goes on where the store's newest value of it stands, so that a restart is no reset. A series that the store has not seen for
``RESUMED`` begins at zero, which every question about counters takes for a reset and not for a loss. A new series leaves a zero at the
instant of its first addition, so that what was added before its first sample counts as an increase.
"""

import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keepwell.kernel.problems import StorageError
from keepwell.ports.clock import Clock
from keepwell.ports.samples import Sample, Samples

from .model import Labels, Metric

RESUMED = timedelta(hours=1)
"""How old the newest value of a series may be for its counter to go on from there."""

OVERFLOW: Mapping[str, str] = {"overflow": "true"}
"""The labels under which further sets of labels are added up."""

LONGEST_VALUE = 500
"""Characters of a label's value; a longer one is added up under ``OVERFLOW``."""

_COUNTER = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*_total")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")

Set = tuple[tuple[str, str], ...]
"""Labels in order, without empty ones."""

Newest = Callable[[str, timedelta], Awaitable[Sequence[tuple[Labels, float]]]]
"""The newest value of every series of a metric of that name that has one within so long."""

Describe = Callable[[Mapping[str, Metric]], Awaitable[None]]


@dataclass(slots=True)
class _Counter:
    help: str
    sums: dict[Set, float] = field(default_factory=dict)
    begun: dict[Set, datetime] = field(default_factory=dict)
    resumed: bool = False
    overflowed: bool = False
    refused: int = 0


class SampledCounters:
    """Counters that are kept in memory; ``sample`` leaves all of them in the store, to be called every interval.

    ``most`` is how many sets of labels one counter may have.
    """

    def __init__(self, samples: Samples, newest: Newest, describe: Describe, clock: Clock, most: int = 1000) -> None:
        self._samples, self._newest, self._describe, self._clock, self._most = samples, newest, describe, clock, most
        self._counters: dict[str, _Counter] = {}

    def declare(self, name: str, help: str = "") -> None:
        """Makes a counter known; see the port."""
        if not _COUNTER.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a counter: letters, digits and underscores, and _total at its end")
        self._counters.setdefault(name, _Counter(help))

    def add(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        """Adds to a counter; see the port."""
        counter = self._counters[name]
        if not (math.isfinite(amount) and amount >= 0):
            counter.refused += 1
            return
        key = self._within_bounds(counter, _set(labels))
        if key not in counter.sums:
            counter.begun[key] = self._clock.now()
        counter.sums[key] = counter.sums.get(key, 0.0) + amount

    async def sample(self) -> None:
        """Leaves every counter's sums in the store. What the store cannot be asked about yet waits, and loses nothing."""
        for name, counter in self._counters.items():
            if not counter.resumed:
                await self._resume(name, counter)
        now = self._clock.now()
        ready = {name: counter for name, counter in self._counters.items() if counter.resumed}
        zeros = [Sample(name, 0.0, at, dict(key)) for name, one in ready.items() for key, at in one.begun.items() if at < now]
        sums = [Sample(name, total, now, dict(key)) for name, one in ready.items() for key, total in one.sums.items()]
        for counter in ready.values():
            counter.begun.clear()
        await self._samples.append([*zeros, *sums])

    @property
    def series(self) -> int:
        """How many sets of labels there are in all."""
        return sum(len(counter.sums) for counter in self._counters.values())

    def problems(self) -> list[str]:
        """What people should know: one sentence a counter and trouble."""
        told = []
        for name, counter in sorted(self._counters.items()):
            if counter.overflowed:
                told.append(
                    f"{name} has more than {self._most} sets of labels, or a label's value of more than {LONGEST_VALUE} characters: "
                    'what is beyond is added up under overflow="true"; give it labels of few values'
                )
            if counter.refused:
                told.append(f"{name}: amounts that are negative or no numbers are not added ({counter.refused} so far)")
        return told

    def _within_bounds(self, counter: _Counter, key: Set) -> Set:
        if key in counter.sums:
            return key
        if len(counter.sums) < self._most and all(len(value) <= LONGEST_VALUE for _, value in key):
            return key
        counter.overflowed = True
        return tuple(OVERFLOW.items())

    async def _resume(self, name: str, counter: _Counter) -> None:
        """Adds what the store has; afterwards a sum is what was counted since the beginning of the series."""
        try:
            await self._describe({name: Metric("counter", counter.help)})
            known = await self._newest(name, RESUMED)
        except StorageError:
            return
        counter.resumed = True
        for labels, value in known:
            key = _set({label: text for label, text in labels.items() if label != "__name__"})
            # What no longer fits ends here: its sum must not appear as an increase of the overflow.
            if math.isfinite(value) and value >= 0 and (key == tuple(OVERFLOW.items()) or self._within_bounds(counter, key) == key):
                counter.begun.pop(key, None)
                counter.sums[key] = counter.sums.get(key, 0.0) + value


def _set(labels: Mapping[str, str]) -> Set:
    for label in labels:
        if not _LABEL.fullmatch(label):
            raise ValueError(f"{label!r} is no name of a label: letters, digits and underscores, and no two underscores first")
    return tuple(sorted((label, value) for label, value in labels.items() if value))
