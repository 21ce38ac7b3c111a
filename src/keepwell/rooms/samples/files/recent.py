"""Rolled-up rows that were read a moment ago: a page that is drawn anew every half minute reads the files of a month once."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keepwell.rooms.samples.model import Ids, Rolled
from keepwell.rooms.samples.rollup import take

if TYPE_CHECKING:
    from keepwell.rooms.samples.files.parquet import Opened

BYTES = 16_000_000
"""How much is remembered: a month of two hundred series by the hour."""

_LARGEST = BYTES // 32
"""What of one file is more is not remembered: a month of it would push out everything else."""

_NUMBER = 40
"""Bytes that a checksum takes."""

Key = tuple[Path, bytes]
Sums = Sequence[Sequence[int]]
"""Checksums of a file's columns, by row group."""


class Recent:
    """Remembers by file and series. Any thread may ask; what it gives is shared and never changed."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, tuple[Sums, Rolled]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def rows(self, opened: "Opened", ids: Ids, read: Callable[[], Rolled]) -> Rolled:
        """The rows of these series in a file, read where they are not known: a file with the same checksums has not changed."""
        key = opened.file.path, ids.tobytes()
        with self._guard:
            known = self._known.get(key)
            if known is not None and known[0] == opened.sums:
                self._known.move_to_end(key)
                return known[1]
        found = read()
        if _size(key, opened.sums, found) <= _LARGEST:
            self._remember(key, opened.sums, found)
        return found

    def _remember(self, key: Key, sums: Sums, found: Rolled) -> None:
        for each in fields(found):
            getattr(found, each.name).setflags(write=False)
        with self._guard:
            before = self._known.pop(key, None)
            self._bytes += _size(key, sums, found) - (0 if before is None else _size(key, *before))
            self._known[key] = sums, found
            while self._bytes > BYTES:
                oldest, kept = self._known.popitem(last=False)
                self._bytes -= _size(oldest, *kept)


def _size(key: Key, sums: Sums, rolled: Rolled) -> int:
    columns: int = sum(getattr(rolled, each.name).nbytes for each in fields(rolled))
    return len(key[1]) + _NUMBER * sum(map(len, sums)) + columns


def within(rolled: Rolled, start: int, end: int) -> Rolled:
    """The rows that begin from ``start`` to ``end``, both included."""
    inside = (rolled.start >= start) & (rolled.start <= end)
    return rolled if inside.all() else take(rolled, np.flatnonzero(inside))
