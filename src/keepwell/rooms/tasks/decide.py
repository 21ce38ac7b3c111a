"""Pure: a task, how it stands, and ``now`` give which of its occasions begins, waits or is missed.

Occasions are decided in their order, each once. Of several that are due together only the newest may begin: what is done late is done once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from keepwell.kernel.cadences import instants, last_instant, next_instant
from keepwell.kernel.durations import format_duration
from keepwell.kernel.windows import current_window, next_window

from .model import GRACE, Decision, Missed, Run, Standing, State, Task, later, stamp

MOST_COUNTED = 10_000
"""Missed occasions in a row that are counted; that many are said to be at least so many."""

LOOK_AGAIN = timedelta(minutes=1)
"""How soon what is held by other work is looked at again, where nobody says that it ended."""

AHEAD = timedelta(days=1)
"""How far the occasions that were decided may be ahead of the clock before that is told of."""

TOGETHER = timedelta(seconds=30)
"""Until how long after its time, or after the start of the server, an occasion waits for those that come before it in the same instant:
half of the time that a restart may take."""

_RANKS = {"rotation": 0, "cleanup": 1, "report": 3}
_RANK = 2

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Around:
    """What there is beside the task: since when this server decides, who holds which lock (its name to the holder's words), and what is
    under way of tasks that come before it in one instant."""

    alive_since: datetime
    locked: Mapping[str, str]
    before: tuple[Run, ...] = ()


def rank(task: Task) -> int:
    """Which tasks come first of those that are due in the same instant: what reads logs or tells of the day comes after what changes
    them."""
    return _RANKS.get(task.work.kind, _RANK) if task.work is not None else _RANK


def under_way_before(task: Task, shown: Iterable[tuple[Task, Standing]]) -> tuple[Run, ...]:
    """The occasions under way, on whatever server, of tasks that come before this one in one instant. What waits for a person holds up
    nothing."""
    running = ((other, known.open) for other, known in shown if known.open is not None and known.open.state is State.RUNNING)
    return tuple(run for other, run in running if rank(other) < rank(task))


def decide(task: Task, standing: Standing, around: Around, now: datetime) -> Decision:
    """What happens to the task now."""
    if task.work is None and task.waits_for:
        return Decision()
    after = min(standing.decided_until, now)  # the clock may have been set back: then what was done is known by its time
    due = last_instant(task.cadence, after, now)
    following = next_instant(task.cadence, now)
    if due is None:
        return Decision(again_at=following)
    missed = _earlier(task, after, due, standing, around)
    late_at = max(later(due, task.late), due + GRACE)
    if now > late_at:
        why = f"it could begin until {stamp(late_at)}, and {_reason(due, standing, around)}"
        return Decision((*missed, Missed(due, due, 1, why)), again_at=following)
    if task.work is None:
        return Decision(missed, due, again_at=following)
    why, look_at = _held(task, standing, around, now)
    if not why:
        why, look_at = _behind(due, around, min(late_at, following or late_at), now)
    if not why:
        return Decision(missed, due, again_at=following)
    again = min(at for at in (look_at, later(late_at, _MICROSECOND), following) if at is not None)
    return Decision(missed, held=due, why=why, again_at=again)


def ahead_since(standing: Standing, now: datetime) -> datetime | None:
    """Since when it is known that occasions were decided that have not come yet: the clock was ahead, or is behind. Nobody but a person can
    say which; None where that is not so."""
    return (standing.ahead_since or now) if standing.decided_until - now > AHEAD else None


def _earlier(task: Task, after: datetime, due: datetime, standing: Standing, around: Around) -> tuple[Missed, ...]:
    """Those due before the newest: they are not done any more."""
    last = last_instant(task.cadence, after, due - _MICROSECOND)
    if last is None:
        return ()
    first = next_instant(task.cadence, after)
    assert first is not None
    count = sum(1 for _ in islice(instants(task.cadence, after, last), MOST_COUNTED))
    return (Missed(first, last, count, _reason(last, standing, around)),)


def _reason(due: datetime, standing: Standing, around: Around) -> str:
    if due < around.alive_since:
        return "Keepwell was not running then"
    if standing.open is not None:
        return f"{_open_words(standing.open)} had not ended"
    return standing.held_because or "it was not come to in time"


def _held(task: Task, standing: Standing, around: Around, now: datetime) -> tuple[str, datetime | None]:
    """Why the newest occasion cannot begin now (empty: it can), and when to look again."""
    if standing.open is not None:
        return f"{_open_words(standing.open)} has not ended", now + LOOK_AGAIN
    taken = next((name for name in task.locks if name in around.locked), None)
    if taken is not None:
        return f"{taken} is in use by {around.locked[taken]}", now + LOOK_AGAIN
    if task.window is not None and current_window(task.window, now) is None:
        coming = next_window(task.window, now)
        opens = f"opens at {stamp(coming[0])}" if coming else "never opens"
        return f"its window {task.window} {opens}", coming[0] if coming else None
    return "", None


def _behind(due: datetime, around: Around, latest: datetime, now: datetime) -> tuple[str, datetime | None]:
    """What comes before it in the same instant and has not ended (empty: nothing), and until when it waits for that. It never waits until
    it would be too late, or its next one due."""
    until = min(later(max(due, around.alive_since), TOGETHER), later(latest, -TOGETHER))
    first = next((run for run in around.before if run.due_at == due), None)
    if first is None or now >= until:
        return "", None
    return f"{first.task}, which is due together with it and comes before it, has not ended", until


def _open_words(run: Run | None) -> str:
    if run is None:
        return "the one before"
    waits = ", which waits for a person," if run.state is State.WAITING else ""
    return f"the one of {stamp(run.due_at)}{waits}"


# --- what is said of it ------------------------------------------------------------------------------------------------------


def late_words(run: Run, now: datetime) -> str:
    """How late an occasion began, in words; empty where it was in time."""
    late = now - run.due_at
    return f"begun {format_duration(timedelta(seconds=round(late.total_seconds())))} late" if late > GRACE else ""
