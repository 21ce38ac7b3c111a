"""The words of tasks: what recurs, one occasion of it, and how a task stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from keepwell.kernel.cadences import Cadence
from keepwell.kernel.windows import Window
from keepwell.ports.work import Work

GRACE = timedelta(minutes=1)
"""How late an occasion may begin although its task says ``late: skip``: a restart takes a moment."""

LATE = timedelta(hours=6)
"""How late an occasion may begin where its task says nothing of it."""


BY_A_PERSON = "a person does it and says so"
"""What is said of an occasion that waits for a person to do all of it; of work that waits for one, its own words are said."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that recurs. ``work`` is what Keepwell does; None where a person does it, or where it ``waits_for`` a script that nobody
    supplied. ``late``: how long after its time an occasion may still begin. ``expected``: how long it takes. ``locks``: names of what only
    one task at a time may use."""

    name: str
    cadence: Cadence
    work: Work | None = None
    waits_for: str = ""
    window: Window | None = None
    late: timedelta = LATE
    expected: timedelta | None = None
    locks: tuple[str, ...] = ()
    severity: str = "warning"


class State(Enum):
    """How an occasion stands. ``WAITING``: for a person. ``MISSED``: it was not begun, or a person did not do it in time. ``SKIPPED``: a
    person said that it is not done this time."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    MISSED = "missed"
    SKIPPED = "skipped"

    @property
    def is_open(self) -> bool:
        """Whether something is still to come of it."""
        return self in (State.RUNNING, State.WAITING)


@dataclass(frozen=True, slots=True)
class Run:
    """One occasion of a task, and what came of it. ``by`` is who let it happen: ``tasks/NAME`` by its cadence, else a person.

    A missed one may stand for several in a row: ``count`` of them, from ``first_due_at`` (None: one alone) to ``due_at``.
    ``holder`` is the server that does it.
    """

    task: str
    due_at: datetime
    state: State
    by: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    sentence: str = ""
    record: str = ""
    facts: Mapping[str, float] = field(default_factory=dict)
    holder: str = ""
    first_due_at: datetime | None = None
    count: int = 1

    @property
    def is_a_persons(self) -> bool:
        """Whether it waits for a person to do all of it: no server does anything for it."""
        return self.state is State.WAITING and self.sentence == BY_A_PERSON

    @property
    def key(self) -> str:
        """The occasion's key: nothing is done twice under it."""
        return f"{subject(self.task)}/{stamp(self.due_at)}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a task: up to which instant its occasions were decided, the occasion that is open, the newest that ended, and when
    one last ended well. ``held_since``: when the next occasion became due that could not begin so far, and ``held_because`` why.
    ``ahead_since``: since when it is known that ``decided_until`` lies in the future."""

    decided_until: datetime
    open: Run | None = None
    last: Run | None = None
    last_success: datetime | None = None
    held_since: datetime | None = None
    held_because: str = ""
    ahead_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """Occasions that were not begun, one or several in a row, and why."""

    first: datetime
    last: datetime
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Tally:
    """Occasions of a task that are in one state and were due within the same quarter of an hour: from when on, how many rows they are, and
    how many occasions these stand for."""

    task: str
    state: State
    at: datetime
    rows: int
    occasions: int


@dataclass(frozen=True, slots=True)
class Total:
    """All occasions of a task in a span that are in one state: how many they are, and when the newest of them was due."""

    task: str
    state: State
    occasions: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens now: occasions that are missed, the one that begins, or the one that has to wait and why. ``again_at`` is when to
    decide anew (None: never)."""

    missed: tuple[Missed, ...] = ()
    start: datetime | None = None
    held: datetime | None = None
    why: str = ""
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """Which server this is. ``holder`` names it among all that use the database, the same after a restart. ``shared``: others use it
    too."""

    holder: str
    shared: bool = False


def later(at: datetime, span: timedelta) -> datetime:
    """The instant so long after another; the end of the calendar where that is beyond it."""
    return at + span if span < datetime.max.replace(tzinfo=UTC) - at else datetime.max.replace(tzinfo=UTC)


def subject(task: str) -> str:
    """What a task is called in the journal, in keys, and as the source of its alerts."""
    return f"tasks/{task}"


def stamp(at: datetime) -> str:
    """An instant in keys and sentences: ISO 8601 in UTC, whole seconds where it is one."""
    return at.astimezone(UTC).isoformat(timespec="auto").replace("+00:00", "Z")
