"""Work that is to be done: because a task's time has come, for an alert, for a person. Rooms do it; whoever asks knows none of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

from keepwell.kernel.windows import Window


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done: ``kind`` is ``runbook``, ``backup``, ``proof``, ``rotation``, ``cleanup``, ``analysis``, ``audit`` or ``report``;
    ``name`` is what is called so in the configuration (a runbook by its path)."""

    kind: str
    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why it is done now. ``key`` names the occasion: nothing is done twice under the same key, whatever crashed meanwhile. ``by`` is who
    or what asked (``tasks/NAME``, a person's name), ``at`` the instant that it is done for, which may be past."""

    key: str
    by: str
    at: datetime


class Outcome(Enum):
    """How it ended. ``WAITING``: a person has to do something first (tick, approve, supply); it goes on by itself after that."""

    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of it, in one sentence; ``record`` is where the details are (``runs/17``), ``facts`` are figures worth showing."""

    outcome: Outcome
    sentence: str
    record: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)


class Perform(Protocol):
    """Does work and says what came of it. Under a key that was performed before it only says what came of it then; where a crash
    interrupted it, it goes on. Raises NotFound where nothing is called so; every failure of the work itself is a Performed."""

    async def __call__(self, work: Work, occasion: Occasion, /) -> Performed: ...


@dataclass(frozen=True, slots=True)
class Recurring:
    """Work that recurs: ``every`` is a cadence in the words of kernel/cadences, read in ``zone``. ``name`` tells it from all others; that
    of what is no task itself begins with its section (``backups/shop``).

    ``late``: how long after its time an occasion may still begin. ``window``: it begins only while that is open. ``expected``: how long it
    takes; longer is told of. ``locks``: it never runs at the same time as other work that names one of them. ``severity`` is that of its
    alerts.
    """

    name: str
    work: Work
    every: str
    zone: str = "UTC"
    late: timedelta = timedelta(hours=6)
    window: Window | None = None
    expected: timedelta | None = None
    locks: tuple[str, ...] = ()
    severity: str = "warning"
