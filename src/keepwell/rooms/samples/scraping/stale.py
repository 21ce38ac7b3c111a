"""Which series have ended: they get a staleness marker, so that a question after their end does not find their last value (Prometheus,
"Querying basics", "Staleness"). Pure.

A series has ended when its target's newest page does not have it, when the page could not be had, and when the target is gone. Samples with
an instant of their own are not followed: where their source leaves a gap, it means it.
"""

from dataclasses import dataclass

import numpy as np

from keepwell.rooms.samples.model import STALE, Ids, Instants, Rows

from .lines import NO_TIME

NOTHING: Ids = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Difference:
    """From one page to the next: ``ended`` and ``begun`` series, and ``followed``, those of the newer page, ascending."""

    ended: Ids
    begun: Ids
    followed: Ids


def difference(followed: Ids, ids: Ids, at: Instants | None) -> Difference:
    """What a page changed. ``followed`` as the page before left it; ``ids`` are the series of the rows of this page, in any order
    (negative: refused), ``at`` their own instants (None: none has one)."""
    taken = ids[ids >= 0] if at is None else ids[(ids >= 0) & (at == NO_TIME)]
    now = np.unique(taken)
    if np.array_equal(now, followed):
        return Difference(NOTHING, NOTHING, followed)
    return Difference(
        np.setdiff1d(followed, now, assume_unique=True),
        np.setdiff1d(now, followed, assume_unique=True),
        now,
    )


def markers(ended: Ids, at: int) -> Rows:
    """A staleness marker for each of these series, at one instant (milliseconds since 1970)."""
    return Rows(ended, np.full(len(ended), at, np.int64), np.full(len(ended), STALE, np.float64))
