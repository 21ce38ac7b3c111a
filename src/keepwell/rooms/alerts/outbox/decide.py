"""When a notice is tried, how long its receiver is left alone after a failure, and when a receiver counts as failing.

A failure is the receiver's: the next attempt waits for all of its notices, twice as long each time. Then one is tried, of those tried least
often; when it arrives, the others follow at once. Between the notices of one group the order is kept.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from keepwell.rooms.alerts.delivery.model import Delivered, Outcome, Refused, TryLater

from .model import Line, Queue

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds before the second attempt, and at most between two (unless the receiver itself asks for more)."""
ENOUGH = 3
"""Failures in a row, or attempts at one notice, after which a receiver counts as failing."""
MOST_EACH, MOST = 4, 32
"""Notices that are on their way at once: to one receiver, and to all (but for the first to each)."""


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE)


def after(line: Line, outcome: Outcome, id: int, tries: int, monotonic: float, now: datetime) -> Line:
    """How its receiver does after an attempt, the ``tries``-th, at the notice with that number."""
    if isinstance(outcome, Delivered):
        left = line.stuck - {id}
        return Line(stuck=left, why=line.why if left else "", since=line.since if left else None)
    if isinstance(outcome, Refused):
        return lost(line, id, outcome.why, now)
    failures = line.failures + 1
    stuck = line.stuck | {id} if tries >= ENOUGH else line.stuck
    until = monotonic + max(pause(failures), outcome.after or 0.0)
    return _since(replace(line, failures=failures, until=until, stuck=stuck, why=outcome.why), now)


def lost(line: Line, id: int, why: str, now: datetime) -> Line:
    """How a receiver does that lost a notice for good: it answered (or the notice expired), so the next may go at once."""
    return _since(replace(line, until=0.0, stuck=line.stuck - {id}, lost=why, why=why), now)


def forgotten(line: Line, id: int) -> Line:
    """How a receiver does after somebody dropped a notice that waited for it."""
    return _since(replace(line, stuck=line.stuck - {id}), None)


def is_failing(line: Line) -> bool:
    """Whether people should know that this receiver gets nothing."""
    return line.failures >= ENOUGH or bool(line.stuck) or bool(line.lost)


def _since(line: Line, now: datetime | None) -> Line:
    if not is_failing(line):
        return replace(line, since=None)
    return line if line.since is not None else replace(line, since=now)


def room(line: Line, on_their_way: int, all_on_their_way: int, monotonic: float) -> int:
    """How many notices may be sent to a receiver now: one at a time while it fails, none until its pause is over. Its first one waits for
    no other receiver, so that those who hang hold nobody up."""
    if line.until > monotonic:
        return 0
    anyway = 0 if on_their_way else 1
    return max(min((1 if line.failures else MOST_EACH) - on_their_way, max(MOST - all_on_their_way, anyway)), 0)


def next_look(queues: Collection[Queue], lines: Mapping[str, Line], busy: Collection[str], monotonic: float) -> float | None:
    """When (monotonic seconds) the outbox is looked at again, None where nothing waits. A receiver that notices are on their way to is
    looked at when these come back."""
    ends = [max(lines[queue.receiver].until, monotonic) for queue in queues if queue.receiver in lines and queue.receiver not in busy]
    return min([*ends, monotonic + LONGEST_PAUSE]) if queues else None


__all__ = ["Delivered", "Refused", "TryLater", "after", "forgotten", "is_failing", "lost", "next_look", "pause", "room"]
