"""The words of escalations and rotas."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from keepwell.kernel.windows import Window


@dataclass(frozen=True, slots=True)
class Step:
    """One step: so long after the escalation began these are told, by the names of receivers, contacts or rotas."""

    after: timedelta
    to: Sequence[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """Steps in the order of their delays."""

    name: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody stands in for whoever's week it is, from ``start`` (contained) to ``end`` (not contained)."""

    start: datetime
    end: datetime
    person: str


@dataclass(frozen=True, slots=True)
class Rota:
    """Whose week it is: ``people`` in turn, from one hand-over to the next. The hand-over is every week on ``weekday`` (0 is Monday) at
    ``at`` on the wall clock of ``zone``; the first one on or after ``starts`` begins the first person's week. Outside of ``covers`` (None:
    always) nobody is on call, but for overrides."""

    name: str
    people: Sequence[str]
    weekday: int
    at: time
    zone: ZoneInfo
    starts: date
    overrides: Sequence[Override] = ()
    covers: Window | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """Who is on call from ``start`` (contained) to ``end`` (not contained); ``person`` is empty in a gap, and ``why`` says whose turn it is
    or why it is nobody's."""

    start: datetime
    end: datetime
    person: str
    why: str
