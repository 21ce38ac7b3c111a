"""What happened in a window from its first sample to its last: rate and its kin, changes, resets.

The extrapolation is Prometheus' ("Query functions", rate; promql/functions.go, extrapolatedRate): a window whose samples begin or end
within 1.1 mean distances of its edge is taken to reach that edge, otherwise half a distance further than they do; a counter never to
before it was zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.promql.evaluate.context import Places
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.model import Flags, Instants, Values


@dataclass(frozen=True, slots=True)
class Growth:
    """How growth is told: a ``counter``'s never reaches back to before it was zero."""

    counter: bool
    per_second: bool


GROWTHS: Mapping[str, Growth] = {"rate": Growth(True, True), "increase": Growth(True, False), "delta": Growth(False, False)}
"""The functions that extrapolate."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen in windows, by series and moment: how many samples, when the first and the last of them were taken (milliseconds),
    what the first was worth, and by how much it grew from there to the last."""

    counts: Places
    first_at: Instants
    last_at: Instants
    begin: Values
    grown: Values


def _ends(windows: Windows) -> tuple[Places, Places, Flags]:
    # Positions of each window's first and last sample, and which windows have two.
    two = windows.counts >= 2
    return np.where(two, windows.low, 0), np.where(two, windows.high - 1, 0), two


def _none(windows: Windows) -> tuple[Values, Flags]:
    return np.zeros(windows.shape), np.zeros(windows.shape, dtype=np.bool_)


def rate(windows: Windows) -> tuple[Values, Flags]:
    """By how much a counter grew per second."""
    return _grown(windows, GROWTHS["rate"])


def increase(windows: Windows) -> tuple[Values, Flags]:
    """By how much a counter grew."""
    return _grown(windows, GROWTHS["increase"])


def delta(windows: Windows) -> tuple[Values, Flags]:
    """By how much a gauge is larger at the end of the window than at its start."""
    return _grown(windows, GROWTHS["delta"])


def _grown(windows: Windows, how: Growth) -> tuple[Values, Flags]:
    if not len(windows.at):
        return _none(windows)
    first, last, two = _ends(windows)
    begin = windows.values[first]
    grown = windows.values[last] - begin
    if how.counter:
        grown = grown + _lost_by_resets(windows, two)
    return extrapolated(Seen(windows.counts, windows.at[first], windows.at[last], begin, grown), windows, how), two


def extrapolated(seen: Seen, over: Windows, how: Growth) -> Values:
    """The growth over the whole of each window; without meaning where there are less than two samples."""
    from_start = (seen.first_at - over.opens) / 1000.0
    to_end = (over.closes - seen.last_at) / 1000.0
    sampled = (seen.last_at - seen.first_at) / 1000.0
    mean_distance = sampled / np.maximum(seen.counts - 1, 1)
    threshold = mean_distance * 1.1
    from_start = np.where(from_start >= threshold, mean_distance / 2, from_start)
    if how.counter:
        was_zero = np.where((seen.grown > 0) & (seen.begin >= 0), sampled * (seen.begin / seen.grown), from_start)
        from_start = np.where(was_zero < from_start, was_zero, from_start)
    to_end = np.where(to_end >= threshold, mean_distance / 2, to_end)
    factor = (sampled + from_start + to_end) / sampled
    if how.per_second:
        factor = factor / ((over.closes - over.opens) / 1000.0)
    return seen.grown * factor


def _lost_by_resets(windows: Windows, two: Flags) -> Values:
    # What a counter had when it fell, added up per window. Most windows have no fall; only for the others is anything summed.
    lost = np.zeros(windows.shape)
    falls = windows.values[1:] < windows.values[:-1]
    if not falls.any():
        return lost
    before = np.concatenate(([0, 0], np.cumsum(falls)))
    affected = two & (before[np.where(two, windows.high, 0)] > before[np.where(two, windows.low + 1, 0)])
    dropped = np.append(np.where(falls, windows.values[:-1], 0.0), 0.0)
    lost[affected] = range_sums(dropped, windows.low[affected], windows.high[affected] - 1)
    return lost


def range_sums(values: Values, low: Places, high: Places) -> Values:
    """The plain sum of ``values[low:high]`` for each pair, which may overlap and is nowhere empty."""
    if not len(low):
        return np.empty(0)
    edges = np.stack((low, high), axis=1).ravel()
    sums: Values = np.add.reduceat(np.append(values, 0.0), edges)[::2]
    return sums


def irate(windows: Windows) -> tuple[Values, Flags]:
    """The growth per second between a counter's last two samples; after a reset, what it has counted since."""
    return _between_last_two(windows, counter=True)


def idelta(windows: Windows) -> tuple[Values, Flags]:
    """The difference between the last two samples."""
    return _between_last_two(windows, counter=False)


def _between_last_two(windows: Windows, *, counter: bool) -> tuple[Values, Flags]:
    if not len(windows.at):
        return _none(windows)
    _, last, two = _ends(windows)
    before = np.maximum(last - 1, 0)
    newest, older = windows.values[last], windows.values[before]
    apart = (windows.at[last] - windows.at[before]) / 1000.0
    there = two & (apart != 0)
    if not counter:
        return newest - older, there
    return np.where(newest < older, newest, newest - older) / np.where(there, apart, 1.0), there


def changes(windows: Windows) -> tuple[Values, Flags]:
    """How often the value changed; from NaN to NaN is no change."""
    values = windows.values
    changed = (values[1:] != values[:-1]) & ~(np.isnan(values[1:]) & np.isnan(values[:-1]))
    return _how_often(windows, changed)


def resets(windows: Windows) -> tuple[Values, Flags]:
    """How often the value fell."""
    return _how_often(windows, windows.values[1:] < windows.values[:-1])


def _how_often(windows: Windows, between: Flags) -> tuple[Values, Flags]:
    # ``between[i]`` is about samples i and i + 1, so a window's first pair begins at its low.
    there = windows.counts > 0
    before = np.concatenate(([0, 0], np.cumsum(between)))
    found = before[np.where(there, windows.high, 0)] - before[np.where(there, windows.low + 1, 0)]
    return found.astype(np.float64), there
