"""What an observation changes, and when a check is due: decisions without I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil, floor, isfinite, log2
from zlib import crc32

from keepwell.kernel.states import State

from .model import Change, CheckOptions, Observation, Standing

FIRST_LOOKS_WITHIN = 10.0
"""Seconds after a start within which every check has been looked at once, however long its interval."""

TOGETHER = 16
"""About so many looks begin at the same moment: a process that wakes for each alone spends two to three times the CPU
(docs/performance.md), and with many more each would wait for the others, which would show in the times it measures."""

COARSEST, FINEST = -2, -7
"""Powers of two of a second: looks begin on a grid of at most 1/4 s and at least 1/128 s."""

_RANK = {State.OK: 0, State.WARN: 1, State.FAIL: 2}


def judge(standing: Standing | None, observation: Observation, options: CheckOptions, now: datetime) -> tuple[Standing, Change | None]:
    """The new standing of a check after one observation, and the change where its state changed.

    A worse result takes effect after ``fail_after`` in a row, a better one after ``recover_after``. ``unknown`` takes effect at once: it
    says nothing of the target, and it must not be hidden. Coming out of ``unknown`` counts as getting worse (to warn or fail) or
    better (to ok), so a fault of ours never shortens the confirmation of theirs. The very first result counts the same way, from
    ``unknown``, except that a first ``ok`` is believed at once.
    """
    if now.tzinfo is None:
        raise ValueError("now must be timezone-aware")
    before = standing.state if standing else None
    seen = observation.state
    streak = (standing.streak if standing and _same_side(standing, seen) else 0) + 1
    needed = _needed(before, seen, options)
    if seen == before:
        return _updated(standing, observation, now, state=seen, streak=0), None
    if streak >= needed:
        changed = Standing(seen, now, seen, observation.sentence, now, 0, observation.values)
        return changed, Change(now, before, seen, observation.sentence)
    if standing is None:
        sentence = f"seen {seen} once, {needed} in a row needed: {observation.sentence}"
        pending = Standing(State.UNKNOWN, now, seen, sentence, now, streak, observation.values)
        return pending, Change(now, None, State.UNKNOWN, sentence)
    return _updated(standing, observation, now, state=standing.state, streak=streak), None


def _needed(before: State | None, seen: State, options: CheckOptions) -> int:
    if seen is State.UNKNOWN:
        return 1
    if before is None:
        return 1 if seen is State.OK else options.fail_after
    if before is State.UNKNOWN:
        return options.recover_after if seen is State.OK else options.fail_after
    return options.fail_after if _RANK[seen] > _RANK[before] else options.recover_after


def _same_side(standing: Standing, seen: State) -> bool:
    """Whether this result disagrees with the state in the same direction as the one before it, so that both belong to one streak."""
    if standing.observed is standing.state or seen is State.UNKNOWN or standing.observed is State.UNKNOWN:
        return False
    if standing.state is State.UNKNOWN:
        return (seen is State.OK) == (standing.observed is State.OK)
    here = _RANK[standing.state]
    return (_RANK[seen] > here) == (_RANK[standing.observed] > here)


def _updated(standing: Standing | None, observation: Observation, now: datetime, *, state: State, streak: int) -> Standing:
    assert standing is not None
    return replace(
        standing,
        state=state,
        observed=observation.state,
        sentence=observation.sentence,
        last_at=now,
        streak=streak,
        values=observation.values,
    )


def spread(name: str) -> float:
    """A fraction from 0 to 1 that belongs to the name: checks keep their place in the interval across restarts, evenly spread."""
    return crc32(name.encode()) / 2**32


def first_due(name: str, every: float, started: float, seconds_since_last: float | None) -> float:
    """When (monotonic seconds) a check is first due after a start.

    Where its last observation is known and recent, it goes on from there; otherwise it is due within FIRST_LOOKS_WITHIN seconds.
    """
    if seconds_since_last is not None and 0 <= seconds_since_last < every:
        return started + every - seconds_since_last
    return started + spread(name) * min(every, FIRST_LOOKS_WITHIN)


def grain(intervals: Iterable[float]) -> float:
    """The seconds of the grid on which checks with these intervals begin, so that about TOGETHER of them do so at the same moment."""
    rate = sum(1 / every for every in intervals)
    return float(2 ** max(FINEST, min(COARSEST, floor(log2(TOGETHER / rate))))) if rate > 0 else 2.0**COARSEST


def on_grid(due: float, size: float) -> float:
    """The first moment of the grid at or after that time. Whole seconds are on every grid, so usual intervals stay on it."""
    return ceil(due / size) * size


@dataclass(frozen=True, slots=True)
class Next:
    """When a check is due after this time, and how many looks were skipped because their time had passed."""

    due: float
    skipped: int


def next_due(due: float, every: float, monotonic: float) -> Next:
    """The next time on the check's own grid that is still to come; whole intervals that already passed are skipped and counted."""
    passed = max(0, int((monotonic - due) // every))
    return Next(due + (passed + 1) * every, passed)


def finite(observation: Observation) -> Observation:
    """The observation without values that are no finite number: JSON has no word for them, and no threshold holds for them."""
    if all(map(isfinite, observation.values.values())):
        return observation
    return replace(observation, values={name: value for name, value in observation.values.items() if isfinite(value)})


def worst_first(rows: Sequence[tuple[str, State]]) -> list[str]:
    """Names in the order in which a person should read them: fail, warn, unknown, ok, and by name within each."""
    order = {State.FAIL: 0, State.WARN: 1, State.UNKNOWN: 2, State.OK: 3}
    return [name for name, state in sorted(rows, key=lambda row: (order[row[1]], row[0]))]
