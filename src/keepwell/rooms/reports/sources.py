"""What reports ask of other rooms, in their own words: facts as frozen values, and a Protocol for each question.

A room that is not there has no answer (None in ``Sources``), and the report says so. A question raises KeepwellError where it cannot be
answered; the report then says why.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from keepwell.kernel.comparisons import Comparison

from .model import Line, Span


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """A check as it stands: its state (ok, warn, fail, unknown) since when, and the limits of its values: each metric's selector with its
    warning and critical limit."""

    name: str
    kind: str
    state: str
    since: datetime | None
    sentence: str
    limits: Sequence["Limited"] = ()


@dataclass(frozen=True, slots=True)
class Limited:
    """A value that is judged: what it is called, the selector of its series, and its limits."""

    title: str
    selector: str
    warning: Comparison | None = None
    critical: Comparison | None = None


@dataclass(frozen=True, slots=True)
class Uptime:
    """How much of a span a check was up; all lengths in seconds. ``ratio`` is up / (up + down), None where it was neither."""

    check: str
    ratio: float | None
    up: float
    down: float
    no_data: float
    outages: int
    longest: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Of how many looks at a check how many failed."""

    check: str
    failed: float
    all: float

    @property
    def share(self) -> float | None:
        """failed / all; None of nothing."""
        return self.failed / self.all if self.all > 0 else None


@dataclass(frozen=True, slots=True)
class Spread:
    """How the values of one series were spread over a span: ``figures`` by name (mean, min, max, p50, p90, p95, p99, last)."""

    labels: Mapping[str, str]
    count: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Heading:
    """Where a series is heading: its slope a day with its interval, where its line is now, and in how many days it reaches the threshold
    that was asked for (``already``, ``in``, ``never``, ``unclear``). ``why`` says why there is no slope."""

    labels: Mapping[str, str]
    per_day: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    reached: str = ""
    days: float | None = None
    why: str = ""


class Measures(Protocol):
    """Asks samples."""

    async def uptime(self, check: str, span: Span, /) -> Uptime:
        """How much of the span a check was up, maintenance apart."""
        ...

    async def failed(self, check: str, span: Span, /) -> Failed:
        """How many of its looks failed."""
        ...

    async def spread(self, selector: str, span: Span, /) -> Sequence[Spread]:
        """How the values of each series were spread."""
        ...

    async def lines(self, selector: str, span: Span, of: str, /) -> Sequence[Line]:
        """Points over the span, of each series: the average of each step, or its ``max``."""
        ...

    async def heading(self, selector: str, span: Span, until: str, /) -> Sequence[Heading]:
        """Where each series is heading, and when ``until`` (such as ``> 90%``) is reached."""
        ...

    def name_of(self, labels: Mapping[str, str], /) -> str:
        """What a series is called among its neighbours, as ``lines`` calls it."""
        ...


@dataclass(frozen=True, slots=True)
class Promised:
    """An objective and how it stands: what is promised in words (``>= 99.9%``), what was measured, the verdict (met, missed, warning,
    critical, no data), and what is left of the error budget."""

    name: str
    promise: str
    target: str
    measured: str
    value: float | None
    verdict: str
    budget: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that fired in the span, once."""

    name: str
    severity: str
    about: str
    since: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class Done:
    """An occasion of a task, or ``count`` of them that are in the same state, the newest at ``due_at``: done, failed, refused, missed,
    waiting, running or skipped."""

    task: str
    due_at: datetime
    state: str
    sentence: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A backup: its newest copy (bytes), how many were made in the span, and its newest proof with the recovery time and point that it
    measured (seconds). ``fault`` says what is wrong, empty where nothing is."""

    name: str
    made: int = 0
    newest_at: datetime | None = None
    size: float | None = None
    proven_at: datetime | None = None
    recovery_time: float | None = None
    recovery_point: float | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of an audit that is open: what, how bad, since when, and until when it is waived."""

    audit: str
    what: str
    severity: str
    first_seen: datetime
    waived_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Audited:
    """What audits found that is open, and what cannot be known: each audit that was not made, with the reason."""

    found: Sequence[Found] = ()
    not_made: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happened:
    """An incident that was open in the span; instants are None where that did not happen. ``missed`` are the clocks that were missed."""

    number: int
    title: str
    severity: str
    opened_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    missed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Analysed:
    """The newest answer of an analysis of logs in the span."""

    name: str
    at: datetime
    sentence: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom a report asks. ``checks`` and ``measures`` are always there; each other one is None where its room is not."""

    checks: Callable[[], Sequence[CheckFacts]]
    measures: Measures
    objectives: Callable[[], Awaitable[Sequence[Promised]]] | None = None
    alerts: Callable[[Span], Awaitable[Sequence[Fired]]] | None = None
    tasks: Callable[[Span], Awaitable[Sequence[Done]]] | None = None
    backups: Callable[[Span], Awaitable[Sequence[BackedUp]]] | None = None
    findings: Callable[[], Awaitable[Audited]] | None = None
    incidents: Callable[[Span], Awaitable[Sequence[Happened]]] | None = None
    analyses: Callable[[Span], Awaitable[Sequence[Analysed]]] | None = None
