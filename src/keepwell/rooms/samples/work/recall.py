"""What the store answers: series by their labels, and samples from memory and from the hours' files."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from keepwell.kernel.problems import Problem, Refused
from keepwell.ports.samples import Column, Matcher, is_stale
from keepwell.rooms.samples.admission import first_of_each, order
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import HOUR, Ids, Labels, Metric, Rows
from keepwell.rooms.samples.window import NEVER, by_series, last_of_each, picked

from .restart import Files, State

MOST_AT_ONCE = 5_000_000
"""Samples in one answer."""

_IN_TURN = 500
"""Series; questions about more are answered in a thread."""

_SERIES_AT_ONCE = 5_000
_FEW = 250_000
"""Samples in hours' files: where fewer are found at once, twice as many hours are read next."""

_UNKNOWN = Metric()


class Recall:
    """The side of the store that is asked. Call everything on the event loop's thread."""

    def __init__(self, state: State, files: Files) -> None:
        self._state = state
        self._files = files

    def ids(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit all matchers, ascending. Raises Refused for a pattern that is none."""
        return self._state.index.find(matchers)

    def labels(self, number: int) -> Labels:
        """The labels of a series. Raises KeyError where there is none of this number."""
        return self._state.index.labels(number)

    @property
    def series_end(self) -> int:
        """One more than the largest number that a series was ever given."""
        return self._state.index.end

    def label_names(self) -> list[str]:
        """The names of all labels, sorted."""
        return self._state.index.names()

    def label_values(self, name: str) -> list[str]:
        """The values that a label has in any series, sorted."""
        return self._state.index.values(name)

    def counts(self, name: str) -> dict[str, int]:
        """How many series have each value of a label; of ``__name__``: each metric."""
        return self._state.index.counts(name)

    def existing(self, matchers: Sequence[Matcher], start: int) -> list[Labels]:
        """The labels of the series that fit and had not ended before ``start`` (milliseconds). When a series was last seen is known
        exactly of this run, and to the hour of earlier ones. Raises Refused for a pattern that is none.
        """
        state, ids = self._state, self.ids(matchers)
        newest, _ = state.window.latest(ids)
        noted = ids < len(state.seen)
        last = np.full(len(ids), start, np.int64)  # what is not noted yet is new
        last[noted] = state.seen[ids[noted]] + HOUR
        last = np.where(newest > NEVER, newest, last)
        return list(map(state.index.labels, ids[last >= start].tolist()))

    def metrics(self) -> Mapping[str, Metric]:
        """What is known of metrics, by the names of their families."""
        return self._state.metrics

    @property
    def since(self) -> int:
        """From this instant (milliseconds) on, memory has every sample; of earlier ones it has those that are in no file yet."""
        return self._state.since

    async def select(self, matchers: Sequence[Matcher], start: int, end: int) -> list[Column]:
        """Every series that fits and has samples from ``start`` to ``end`` (ports.samples.Select), from memory and files."""
        rows = await self.select_ids(self.ids(matchers), start, end)
        edges = [*np.flatnonzero(np.diff(rows.series, prepend=-1)).tolist(), len(rows)]
        return [Column(self.labels(int(rows.series[first])), rows.at[first:end], rows.value[first:end]) for first, end in pairwise(edges)]

    async def select_ids(self, ids: Ids, start: int, end: int) -> Rows:
        """The samples of these series (ascending), sorted by (series, at). Raises Refused where they are too many."""
        # Memory first: what leaves it in the meantime is in a file by then.
        since, files = self._state.since, self._files
        self._note_asked(start)
        rows = self.rows(ids, start, end) if len(ids) <= _IN_TURN else await asyncio.to_thread(self.rows, ids, start, end)
        _bound(len(rows), MOST_AT_ONCE)
        if start < since and len(ids):
            rows = await asyncio.to_thread(_with_files, files, rows, ids, (start, min(end, since - 1)))
        return rows

    def _note_asked(self, start: int) -> None:
        newest, (lately, before) = self._state.window.newest, self._state.asked
        if newest is not None and newest - start > lately:
            self._state.asked = newest - start, before

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """What memory has of these series (ascending) from ``start`` to ``end``, sorted by (series, at)."""
        return self._state.window.rows(ids, start, end)

    async def latest(self, matchers: Sequence[Matcher], now: int, within: int = 300_000) -> list[tuple[Labels, int, float]]:
        """The newest sample of each series that fits, at ``now`` (milliseconds) and less than so long before; none where the series has
        ended (a staleness marker).
        """
        ids = self.ids(matchers)
        at, value = self._state.window.latest(ids)
        ahead = at > now
        if ahead.any():
            at[ahead], value[ahead] = last_of_each(self.rows(ids[ahead], now - within, now), ids[ahead])
        fits = np.flatnonzero((at > now - within) & ~is_stale(value))
        return list(zip(map(self._state.index.labels, ids[fits].tolist()), at[fits].tolist(), value[fits].tolist(), strict=True))

    def metric(self, name: str) -> Metric:
        """What is known of a metric."""
        return self._state.metrics.get(name, _UNKNOWN)


def _with_files(files: Files, memory: Rows, ids: Ids, span: tuple[int, int]) -> Rows:
    """Of one key, what a file has was stored first."""
    filed = _filed(files, ids, *span, MOST_AT_ONCE - len(memory))
    rows = joined([filed, memory])
    if not len(memory) or not len(filed):
        return rows
    if memory.at.min() > filed.at.max():
        return by_series(rows, ids)
    rows = picked(rows, order(rows))
    return picked(rows, first_of_each(rows))


def _filed(files: Files, ids: Ids, start: int, end: int, most: int) -> Rows:
    """Some hours at a time, more where little is found, so that what is too much is noticed before it is in memory."""
    hours = sorted(hour for hour in files.hours() if hour + HOUR > start and hour <= end)
    parts: list[Rows] = []
    samples, many = 0, 1
    while hours:
        some, hours = hours[:many], hours[many:]
        before = samples
        for first in range(0, len(ids), _SERIES_AT_ONCE):
            part = files.rows(ids[first : first + _SERIES_AT_ONCE], max(start, some[0]), min(end, some[-1] + HOUR - 1))
            samples += len(part)
            _bound(samples, most)
            parts.append(part)
        if samples - before < _FEW:
            many *= 2
    return by_series(joined(parts), ids)


def _bound(samples: int, most: int) -> None:
    if samples > most:
        message = f"that is more than {MOST_AT_ONCE:,} samples"
        raise Refused(Problem("samples.too-many", message, "Ask for fewer series, or for less time."))
