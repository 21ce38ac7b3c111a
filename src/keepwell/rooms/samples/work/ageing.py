"""Until when series were seen: which count for their source's limit, and which no file can have any more."""

import numpy as np

from .restart import State

LIVING = 86_400_000
"""Milliseconds: a series without a sample for so long does not count for its source's limit."""

_EXACTLY = 3_600_000
"""Milliseconds: it is noted again once it was seen so much later."""


def note_seen(state: State, now: int, longest: int) -> tuple[dict[int, int], list[int]]:
    """Brings ``state.seen`` up to date, and drops the series that were not seen for ``longest`` milliseconds, the longest that any tier is
    kept. Gives what the log is to be told: until when (by number), and who is gone.
    """
    _widen(state, now)
    numbers = state.index.find([])
    at, _ = state.window.latest(numbers)
    newer = at > state.seen[numbers] + _EXACTLY
    state.seen[numbers[newer]] = at[newer]
    gone = numbers[state.seen[numbers] < now - longest].tolist()
    state.index.forget(gone)
    count_living(state, now)
    return dict(zip(numbers[newer].tolist(), at[newer].tolist(), strict=True)), gone


def count_living(state: State, now: int) -> None:
    """Counts per source the series that were seen in the last day."""
    _widen(state, now)
    state.index.count_living(state.seen > now - LIVING)


def _widen(state: State, now: int) -> None:
    """A series that is new has been seen just now."""
    state.seen = np.append(state.seen, np.full(max(0, state.index.end - len(state.seen)), now, np.int64))
