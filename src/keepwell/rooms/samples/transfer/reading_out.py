"""What an export reads, in bounded memory: by some series and some time at once, as many as fit."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from keepwell.kernel.problems import Refused
from keepwell.rooms.samples.model import Ids, Rows

from .model import Source

BUDGET = 250_000
"""Samples that are in memory at once, about; 20 bytes each, and their text."""

_MOST_GROUPS = 1000
_USUAL = 1e-4
"""Samples of a series a millisecond, before anything is known: one in ten seconds."""
_SHORTEST = 60_000
"""Milliseconds."""


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of groups ``first`` to before ``end``, sorted by (series, at). Where it holds one group there may be more parts of it, each
    later than the one before."""

    first: int
    end: int
    rows: Rows


class Reading:
    """Reads a stretch of time (milliseconds, both ends included). How much is read at once follows what was found before."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source, self._start, self._end = source, start, end
        self._rate = _USUAL
        self._groups = 1

    async def whole(self, ids: Sequence[int]) -> Rows | None:
        """All samples of these series; None where they are more than fit."""
        parts, count = [], 0
        async for rows in self._slices(ids):
            parts.append(rows)
            count += len(rows)
            if count > BUDGET:
                return None
        return _merged(parts)

    async def in_turn(self, ids: Sequence[int]) -> AsyncIterator[Rows]:
        """The samples of series that belong together, a stretch of time after the other."""
        async for rows in self._slices(ids):
            if len(rows):
                yield rows

    async def parts(self, groups: Sequence[Sequence[int]]) -> AsyncIterator[Part]:
        """The samples of groups of series, in the order of the groups."""
        first = 0
        while first < len(groups):
            end = min(first + self._groups, len(groups))
            if end == first + 1:
                found = 0
                async for rows in self.in_turn(groups[first]):
                    found += len(rows)
                    yield Part(first, end, rows)
                self.note(1, found)
            else:
                whole = await self.whole([number for group in groups[first:end] for number in group])
                self.note(end - first, None if whole is None else len(whole))
                if whole is None:
                    continue
                yield Part(first, end, whole)
            first = end

    @property
    def groups(self) -> int:
        """How many groups to read at once."""
        return self._groups

    def note(self, groups: int, found: int | None) -> None:
        """So many groups had so many samples; None where they were more than fit."""
        if found is None:
            self._groups = max(1, groups // 4)
        elif found * 2 < BUDGET:
            self._groups = min(_MOST_GROUPS, max(self._groups, groups * 2))

    async def _slices(self, ids: Sequence[int]) -> AsyncIterator[Rows]:
        ascending: Ids = np.array(sorted(ids), np.int32)
        begin = self._start
        while begin <= self._end:
            end = min(begin + self._length(len(ids)) - 1, self._end)
            try:
                rows = await self._source.rows(ascending, begin, end)
            except Refused:
                if end - begin < _SHORTEST:
                    raise
                self._rate *= 8
                continue
            yield rows
            self._rate = max(len(rows) / len(ids) / (end - begin + 1), self._rate / 2)
            begin = end + 1

    def _length(self, series: int) -> int:
        """How many milliseconds to read at once: as many as give a part of what fits. Where nothing was found for long, not too many: the
        next samples may be dense."""
        fits = BUDGET / 4 / series
        return max(_SHORTEST, int(fits / max(self._rate, _USUAL / 16)))


def _merged(parts: Sequence[Rows]) -> Rows:
    """Rows of stretches that follow each other, sorted by (series, at) again."""
    if len(parts) == 1:
        return parts[0]
    series = np.concatenate([rows.series for rows in parts])
    order = np.argsort(series, kind="stable")
    at, value = np.concatenate([rows.at for rows in parts]), np.concatenate([rows.value for rows in parts])
    return Rows(series[order], at[order], value[order])


def of_series(rows: Rows, number: int) -> slice:
    """Where the samples of one series are, of rows sorted by series."""
    return slice(int(np.searchsorted(rows.series, number, "left")), int(np.searchsorted(rows.series, number, "right")))
