"""The words of a plan: what would run and when, what waits for a person, and what nobody supplied."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keepwell.config.runbooks import Runbook
from keepwell.kernel.windows import Window


@dataclass(frozen=True, slots=True)
class PlannedCheck:
    """A check as it would be made. ``looks_at`` says in one phrase what it looks at. ``text`` is what runs only when accepted (None where
    nothing does), ``accepted_by`` who accepted it, ``why_not`` why nobody's acceptance counts."""

    name: str
    kind: str
    every: timedelta
    looks_at: str
    host: str
    user: str
    text: str | None = None
    accepted_by: str | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A text that runs only when a person accepts it, and that nobody accepted as it is now."""

    name: str
    text: str
    target: str
    host: str
    user: str
    why: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that recurs: its keys as text, and its line in keepwell.yaml."""

    name: str
    value: Mapping[str, str]
    line: int


@dataclass(frozen=True, slots=True)
class Operated:
    """What a valid operations directory holds, as the plan is told it: ``tasks`` are whatever recurs, ``windows`` by name."""

    service: str
    host: str
    user: str
    checks: tuple[PlannedCheck, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    tasks: tuple[Entry, ...] = ()
    windows: Mapping[str, Window] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Moment:
    """When a task would start, in its own zone. ``in_window`` is None where it has no window."""

    at: datetime
    in_window: bool | None = None


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task with its moments of the days asked for. One that recurs more than twelve times a day is ``frequent``: of it only the next
    moment is given. ``more``: there are others within the days. ``next`` is its next moment, however far (None: never). ``run`` is its
    runbook, ``does`` any other work in words; without either it waits for the script ``waits_for``, or a person does it. ``faults``: why
    it could not be planned or run, a sentence each."""

    name: str
    line: int
    run: str = ""
    does: str = ""
    waits_for: str = ""
    every: str = ""
    zone: str = "UTC"
    window: str = ""
    takes: str = ""
    frequent: bool = False
    moments: tuple[Moment, ...] = ()
    more: bool = False
    next: datetime | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that nobody supplied: what kind of thing, how the manual writes it, what a person is asked, and where it is needed
    (``lines`` of the manual, and ``places`` in this directory)."""

    name: str
    wanting: str
    written: str = ""
    asks: str = ""
    lines: tuple[int, ...] = ()
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What the last import said: how many items fared how, and what is missing. ``fault``: why it could not be read, in one sentence."""

    dispositions: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[Wanted, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it. ``runbooks`` are those that tasks run and the others of the folder ``runbooks``; ``dispositions`` the last import's."""

    directory: str
    operated: Operated
    after: datetime
    until: datetime
    tasks: tuple[PlannedTask, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    missing: tuple[Wanted, ...] = ()
    dispositions: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
