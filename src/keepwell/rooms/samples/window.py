"""The newest samples in memory: blocks of five minutes, each sorted by (series, at) once it is over; about twelve bytes a sample.

Changed in one thread; read in any: a block is replaced as a whole, never altered where a reader may look.
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .admission import first_of_each, order
from .log import grouped, joined
from .model import HOUR, Ids, Instants, Rows, Values

BLOCK = 300_000
"""Milliseconds."""

_SMALL = 4096
_LARGE = 16_384
"""Rows."""
NEVER = np.iinfo(np.int64).min
"""Of a series that has no sample in memory: when its newest was."""

Offsets = NDArray[np.int32]
"""Milliseconds since a block's start."""


def _integers(length: int) -> NDArray[np.int32]:
    """Room for a column that lives for an hour. A large one is taken from the system and goes back to it: among the short-lived memory of
    malloc such columns leave holes that are never given back (for 3.6 million samples 86 MB were measured instead of 52).
    """
    return np.frombuffer(_mapped(4 * length), np.int32, length) if length >= _LARGE else np.empty(length, np.int32)


def _floats(length: int) -> Values:
    """The same for values."""
    return np.frombuffer(_mapped(8 * length), np.float64, length) if length >= _LARGE else np.empty(length, np.float64)


def _mapped(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Sealed:
    """Sorted rows: ``at`` and ``value`` of ``series[i]`` are those from ``edges[i]`` to ``edges[i+1]``."""

    series: Ids
    edges: NDArray[np.int32]
    at: Offsets
    value: Values

    def of(self, ids: Ids) -> tuple[Ids, Offsets, Values]:
        """The rows of these series (ascending), sorted."""
        place = np.searchsorted(self.series, ids)
        place = place[self.series[np.minimum(place, len(self.series) - 1)] == ids] if len(self.series) else place[:0]
        first, counts = self.edges[place], self.edges[place + 1] - self.edges[place]
        if len(place) == 1:
            picked: slice | NDArray[np.int64] = slice(int(first[0]), int(first[0] + counts[0]))
        else:
            picked = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return np.repeat(self.series[place], counts), self.at[picked], self.value[picked]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.series.nbytes + self.edges.nbytes + self.at.nbytes + self.value.nbytes


@dataclass(frozen=True, slots=True)
class Loose:
    """Rows as they came: the first ``length`` of each column. What lies behind them is room for more."""

    series: Ids
    at: Offsets
    value: Values
    length: int

    def grown(self, series: Ids, at: Offsets, value: Values) -> "Loose":
        """With these rows behind. The columns may be shared with what was before: a reader of that does not look so far."""
        end = self.length + len(at)
        if end <= len(self.at):
            grown = Loose(self.series, self.at, self.value, end)
        else:
            room = 2 * end if self.length else end
            grown = Loose(_integers(room), _integers(room), _floats(room), end)
            grown.series[: self.length], grown.at[: self.length], grown.value[: self.length] = self.columns()
        grown.series[self.length : end] = series
        grown.at[self.length : end] = at
        grown.value[self.length : end] = value
        return grown

    def columns(self) -> tuple[Ids, Offsets, Values]:
        """The rows."""
        return self.series[: self.length], self.at[: self.length], self.value[: self.length]

    @property
    def size(self) -> int:
        """Bytes."""
        return self.series.nbytes + self.at.nbytes + self.value.nbytes


_EMPTY = Sealed(np.zeros(0, np.int32), np.zeros(1, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float64))
_NONE = Loose(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float64), 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Five minutes from ``start``. Where both have a sample of one series and instant, ``sealed`` was there first."""

    start: int
    sealed: Sealed = _EMPTY
    loose: Loose = _NONE

    def __len__(self) -> int:
        return len(self.sealed.at) + self.loose.length

    def rows(self, ids: Ids | None) -> Rows:
        """The rows of these series (ascending; None for all), sorted by (series, at), each key once."""
        sealed, loose = self.sealed, self.loose
        if ids is None:
            series, at, value = np.repeat(sealed.series, np.diff(sealed.edges)), sealed.at, sealed.value
        else:
            series, at, value = sealed.of(ids)
        if not loose.length:
            return Rows(series, at + np.int64(self.start), value)
        columns = loose.columns()
        if ids is not None:
            mine = columns[0] == ids[0] if len(ids) == 1 else np.isin(columns[0], ids)
            columns = (columns[0][mine], columns[1][mine], columns[2][mine])
        late = Rows(columns[0], columns[1] + np.int64(self.start), columns[2])
        rows = joined([Rows(series, at + np.int64(self.start), value), late])
        placed = order(rows)
        return picked(picked(rows, placed), first_of_each(picked(rows, placed)))

    def seal(self) -> "Block":
        """Everything sorted. Takes a while: it may run in another thread, while rows are added to the block that this one is of."""
        rows = self.rows(None)
        series, first = np.unique(rows.series, return_index=True)
        edges = np.append(first, len(rows)).astype(np.int32)
        at, value = _integers(len(rows)), _floats(len(rows))
        at[:], value[:] = rows.at - self.start, rows.value
        return Block(self.start, Sealed(series, edges, at, value))


class Window:
    """What is in memory, and the newest sample of every series."""

    def __init__(self) -> None:
        self._blocks: dict[int, Block] = {}
        self._newest_at = np.full(1024, NEVER, np.int64)
        self._newest = np.full(1024, np.nan)

    def __len__(self) -> int:
        return sum(len(block) for block in list(self._blocks.values()))

    @property
    def size(self) -> int:
        """Bytes."""
        blocks = list(self._blocks.values())
        return sum(block.sealed.size + block.loose.size for block in blocks) + self._newest_at.nbytes + self._newest.nbytes

    def add(self, rows: Rows) -> None:
        """Takes rows in any order. They are visible when it returns."""
        for start, mine in grouped(rows.at // BLOCK * BLOCK):
            block = self._blocks.get(start) or Block(start)
            offsets = (rows.at[mine] - start).astype(np.int32)
            grown = block.loose.grown(rows.series[mine], offsets, rows.value[mine])
            self._blocks[start] = Block(start, block.sealed, grown)
        self._note_newest(rows)

    def _note_newest(self, rows: Rows) -> None:
        if not len(rows):
            return
        self._make_room(int(rows.series.max()) + 1)
        # The last of several assignments to one place stays: sorted by instant that is the newest, and of equal ones the first.
        placed = np.lexsort((np.arange(len(rows), 0, -1), rows.at))
        placed = placed[rows.at[placed] > self._newest_at[rows.series[placed]]]
        self._newest_at[rows.series[placed]] = rows.at[placed]
        self._newest[rows.series[placed]] = rows.value[placed]

    def _make_room(self, end: int) -> None:
        if end > len(self._newest):
            more = max(end, 2 * len(self._newest)) - len(self._newest)
            self._newest_at = np.append(self._newest_at, np.full(more, NEVER, np.int64))
            self._newest = np.append(self._newest, np.full(more, np.nan))

    def known(self, rows: Rows) -> NDArray[np.bool_]:
        """Which of these keys are in memory."""
        found = np.zeros(len(rows), np.bool_)
        inside = rows.series < len(self._newest)
        old = np.flatnonzero(inside & (rows.at <= self._newest_at[np.where(inside, rows.series, 0)]))
        for start, places in grouped(rows.at[old] // BLOCK * BLOCK):
            block = self._blocks.get(start)
            if block is not None:
                mine = old[places]
                there = block.rows(np.unique(rows.series[mine]))
                found[mine] = np.isin(_keys(rows.series[mine], rows.at[mine] - start), _keys(there.series, there.at - start))
        return found

    def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """The samples of these series (ascending) from ``start`` to ``end``, both included; sorted by (series, at), each key once."""
        found = []
        for block in sorted(list(self._blocks.values()), key=lambda block: block.start):
            if block.start <= end and block.start + BLOCK > start:
                rows = block.rows(ids)
                inside = start <= block.start and block.start + BLOCK <= end
                found.append(rows if inside else picked(rows, (rows.at >= start) & (rows.at <= end)))
        rows = joined(found)
        return rows if len(found) < 2 or len(ids) == 1 else by_series(rows, ids)

    @property
    def newest(self) -> int | None:
        """The instant of the newest sample of all, where there is any."""
        newest = int(self._newest_at.max())
        return newest if newest > NEVER else None

    def all(self) -> Rows:
        """Everything that is in memory."""
        return joined([block.rows(None) for block in sorted(list(self._blocks.values()), key=lambda block: block.start)])

    def latest(self, ids: Ids) -> tuple[Instants, Values]:
        """The newest sample of each of these series; the instant is the smallest int64 where there is none."""
        if len(ids):
            self._make_room(int(ids.max()) + 1)
        return self._newest_at[ids], self._newest[ids]

    def to_seal(self, before: int) -> list[Block]:
        """The blocks that end before this instant and have enough unsorted rows to be worth the work."""
        blocks = [block for block in self._blocks.values() if block.loose.length and block.start + BLOCK <= before]
        return [block for block in blocks if block.loose.length >= min(_SMALL, 1 + len(block.sealed.at) // 16)]

    def put_sealed(self, was: Block, sealed: Block) -> None:
        """Puts what ``was.seal()`` gave in the place of ``was``; rows that were added since stay."""
        now = self._blocks.get(was.start)
        if now is not None and now.sealed is was.sealed:
            series, at, value = now.loose.columns()
            since = slice(was.loose.length, None)
            self._blocks[was.start] = Block(was.start, sealed.sealed, _NONE.grown(series[since], at[since], value[since]))

    def drop_before(self, limit: int, is_needed: Callable[[int], bool]) -> None:
        """Drops the blocks that end at or before this instant, except those of an hour (its start) that is needed still."""
        for start in [start for start in self._blocks if start + BLOCK <= limit and not is_needed(start // HOUR * HOUR)]:
            del self._blocks[start]

    def starts(self) -> list[int]:
        """The starts of the blocks, ascending."""
        return sorted(self._blocks)


def by_series(rows: Rows, ids: Ids) -> Rows:
    """Rows of these series (ascending) that are in the order of time for each series, sorted by (series, at)."""
    rank = np.searchsorted(ids, rows.series)
    # numpy sorts 16 bits by radix, in one pass.
    return picked(rows, np.argsort(rank.astype(np.uint16) if len(ids) <= 1 << 16 else rank, kind="stable"))


def last_of_each(rows: Rows, ids: Ids) -> tuple[Instants, Values]:
    """The last row of each of these series (ascending), of rows sorted by (series, at); the instant is the smallest int64 where none is."""
    at, value = np.full(len(ids), NEVER, np.int64), np.full(len(ids), np.nan)
    place = np.searchsorted(rows.series, ids, side="right") - 1
    found = np.flatnonzero(place >= 0)
    found = found[rows.series[place[found]] == ids[found]]
    at[found], value[found] = rows.at[place[found]], rows.value[place[found]]
    return at, value


def picked(rows: Rows, which: NDArray[np.bool_] | NDArray[np.intp]) -> Rows:
    """Some of the rows, by a mask or by their places."""
    return Rows(rows.series[which], rows.at[which], rows.value[which])


def _keys(series: Ids, offset: Instants) -> NDArray[np.int64]:
    return series.astype(np.int64) << 20 | offset
