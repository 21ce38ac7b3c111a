"""From columns of samples to an instant vector, or to windows over them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepwell.ports.samples import is_stale
from keepwell.rooms.promql.evaluate.context import Context, Guard, Places, Track
from keepwell.rooms.promql.evaluate.vectors import Vector
from keepwell.rooms.promql.expression import At, Selector
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Flags, Instants, Values


@dataclass(frozen=True, slots=True)
class Windows:
    """A range vector over many moments: all series' samples one after the other, and for each series and moment where its window begins
    (``low``) and ends (``high``, not included). The window of column ``j`` covers the time after ``opens[j]`` up to and including
    ``closes[j]``.
    """

    labels: Sequence[Labels]
    nameless: Sequence[bool]
    at: Instants
    values: Values
    low: Places
    high: Places
    opens: Instants
    closes: Instants
    guard: Guard

    @property
    def counts(self) -> Places:
        """How many samples each window has."""
        return self.high - self.low

    @property
    def shape(self) -> tuple[int, int]:
        """Series and moments."""
        return self.low.shape[0], self.low.shape[1]


_REMEMBERED = 1 << 20
"""How many numbers a selector may give for its answer to be kept until the end of the query."""


def reference(moments: Instants, at: At, offset: int, context: Context) -> Instants:
    """The moments at which a selector looks: ``@`` puts all of them to one, ``offset`` shifts them into the past."""
    if at is None:
        return moments - offset
    fixed = {"start": context.start, "end": context.end}.get(at, 0) if isinstance(at, str) else at
    return np.full(len(moments), fixed - offset, dtype=np.int64)


def instant(selector: Selector, context: Context) -> tuple[Vector, Values]:
    """The selector's series, each with its newest sample of the look-back, and when these were taken (seconds since 1970).

    A sample exactly as old as the look-back is too old (left-open, as in Prometheus 3), and a series that was marked stale is gone.
    """
    key = (selector.matchers, selector.offset, selector.at)
    if key in context.known:
        return context.known[key]
    found = _instant(selector, context)
    if found[0].values.size <= _REMEMBERED:
        context.known[key] = found
    return found


def _instant(selector: Selector, context: Context) -> tuple[Vector, Values]:
    moments = reference(context.moments, selector.at, selector.offset, context)
    oldest = moments - context.look_back
    stretch = context.fetched(selector.matchers, int(oldest[0]) + 1, int(moments[-1]))
    track = stretch.track
    context.guard(3 * len(track.labels) * len(moments))
    newest = _positions(track, moments) - 1
    present: Flags = newest >= track.bounds[:-1, np.newaxis]
    if not len(track.at):
        return Vector(track.labels, [False] * len(track.labels), np.empty(newest.shape), present), np.empty(newest.shape)
    newest[~present] = 0
    taken = track.at[newest]
    values = track.values[newest]
    present &= taken > oldest
    present &= ~is_stale(values)
    return Vector(track.labels, [False] * len(track.labels), values, present), taken / 1000.0


def windows(selector: Selector, context: Context) -> Windows:
    """The selector's series with their samples in the range before each moment; staleness markers are none."""
    assert selector.range is not None
    closes = reference(context.moments, selector.at, selector.offset, context)
    opens = closes - selector.range
    stretch = context.fetched(selector.matchers, int(opens[0]) + 1, int(closes[-1]))
    track = stretch.fresh
    context.guard(4 * len(track.labels) * len(closes))
    low = _positions(track, opens)
    high = low if selector.range == 0 else _positions(track, closes)
    return Windows(track.labels, [False] * len(track.labels), track.at, track.values, low, high, opens, closes, context.guard)


def windows_of(vector: Vector, grid: Instants, opens: Instants, closes: Instants, context: Context) -> Windows:
    """Windows over a subquery's values: ``vector`` has a column for each moment of ``grid``."""
    context.guard(2 * vector.values.size + 4 * len(vector) * len(opens))
    # How many values each row has before each column of the grid turns columns into positions.
    before = np.zeros((len(vector), len(grid) + 1), dtype=np.int64)
    np.cumsum(vector.present, axis=1, out=before[:, 1:])
    starts = np.concatenate(([0], np.cumsum(before[:, -1])))[:-1, np.newaxis]
    low = starts + before[:, np.searchsorted(grid, opens, side="right")]
    high = starts + before[:, np.searchsorted(grid, closes, side="right")]
    at = np.broadcast_to(grid, vector.values.shape)[vector.present]
    return Windows(vector.labels, vector.nameless, at, vector.values[vector.present], low, high, opens, closes, context.guard)


_FEW = 1_000
"""Below so many samples per series and moment, counting them all is quicker than searching each series."""


def _positions(track: Track, moments: Instants) -> Places:
    # For each series and moment: the position after the last sample at or before it.
    if len(moments) * len(track.at) < min(_FEW * len(track.labels), _REMEMBERED * 4):
        return _counted(track, moments)
    found = np.empty((len(track.labels), len(moments)), dtype=np.int64)
    for row in range(len(track.labels)):
        begin, end = track.bounds[row], track.bounds[row + 1]
        found[row] = track.at[begin:end].searchsorted(moments, side="right")
        found[row] += begin
    return found


def _counted(track: Track, moments: Instants) -> Places:
    before = np.zeros((len(moments), len(track.at) + 1), dtype=np.int64)
    np.cumsum(track.at <= moments[:, np.newaxis], axis=1, out=before[:, 1:])
    begins, ends = track.bounds[:-1], track.bounds[1:]
    return np.ascontiguousarray((begins + before[:, ends] - before[:, begins]).T)
