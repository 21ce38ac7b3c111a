"""What leaves the store's memory, and when."""

from keepwell.rooms.samples.model import HOUR
from keepwell.rooms.samples.window import BLOCK

from .restart import FURTHEST, MOST_IN_MEMORY, State

AMPLE = 16_000_000
"""Bytes that samples may take in memory where questions reach further back than the window: a quarter of what Arrow takes."""


def trim(state: State, now: int, limit: int, crowded_until: int) -> int:
    """What is in files and older than the window (which begins at ``limit``) leaves memory, but for what questions reach for again and
    again, as far as there is little of it: a rule over a day would else bring Arrow into memory, which takes more. Of far too much, the
    oldest leaves. Gives until when samples left that no file has yet (milliseconds; 0 where none did), which was ``crowded_until``.
    """
    state.since = max(_wanted_since(state, now, limit), state.since)
    state.window.drop_before(state.since, state.pending.__contains__)
    while state.since < limit and (state.window.size > AMPLE or len(state.window) > MOST_IN_MEMORY):
        state.since = min(limit, max(state.since, state.window.starts()[0]) + BLOCK)
        state.window.drop_before(state.since, state.pending.__contains__)
    crowded_until = 0 if state.since <= limit else crowded_until
    while len(state.window) > MOST_IN_MEMORY and len(starts := state.window.starts()) > 1:
        state.window.drop_before(starts[0] + BLOCK, lambda _: False)
        crowded_until = starts[0] + BLOCK
        state.since = max(state.since, crowded_until)
    return crowded_until


def _wanted_since(state: State, now: int, limit: int) -> int:
    """From when on samples are wanted in memory, for questions of this hour and the one before."""
    if not 0 <= now - state.asked_since < HOUR:
        state.asked, state.asked_since = (0, state.asked[0]), now
    reach = max(state.asked)
    return min(limit, max(now - reach - BLOCK, now - FURTHEST) // BLOCK * BLOCK) if reach else limit
