"""The words of the outbox: a notice that waits, and how its receiver does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum


class Fate(Enum):
    """Where a notice in the outbox stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    REFUSED = "refused"
    EXPIRED = "expired"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A notice that waits: its row's number, its receiver, its group, how often it was tried, until when it is tried, the parts of its
    receiver that have it already, and the packed notice."""

    id: int
    key: str
    receiver: str
    digest: str
    tries: int
    expires_at: datetime
    served: frozenset[str]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the outbox as it may be shown; ``payload`` is the packed notice."""

    id: int
    key: str
    receiver: str
    group_digest: str
    created_at: datetime
    next_at: datetime
    tries: int
    state: str
    error: str
    expires_at: datetime
    ended_at: datetime | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """How delivery to one receiver goes. ``failures`` in a row; ``until`` (monotonic seconds) nothing is sent to it; ``stuck`` are notices
    that were tried often and still wait; ``lost`` says why the last notice was lost (refused, expired), until one is delivered; ``why`` is
    the newest failure; ``since`` is when it began to count as failing, None where it does not."""

    failures: int = 0
    until: float = 0.0
    stuck: frozenset[int] = frozenset()
    lost: str = ""
    why: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a notice, to be stored: ``error`` says why it was not delivered (or what of it was not)."""

    waiting: Waiting
    fate: Fate
    error: str
    at: datetime
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """A notice that was not delivered and waits on: why, when it is tried again, and the parts that have it."""

    waiting: Waiting
    error: str
    next_at: datetime
    served: frozenset[str]


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one receiver: how many notices, and when the first of them expires."""

    receiver: str
    count: int
    expires_at: datetime
