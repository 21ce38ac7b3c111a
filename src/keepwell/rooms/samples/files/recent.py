"""Rolled-up rows that were read a moment ago: a page that is drawn anew every half minute reads the files of a month once."""

import threading
from collections import OrderedDict
from collections.abc import Callable
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


class Recent:
    """Remembers by file and series. Any thread may ask; what it gives is shared and never changed."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[Path, bytes], tuple[Opened, Rolled]] = OrderedDict()
        self._bytes = 0
        self._guard = threading.Lock()

    def rows(self, opened: "Opened", ids: Ids, read: Callable[[], Rolled]) -> Rolled:
        """The rows of these series in a file, read where they are not known. A file that was opened anew has changed."""
        key = opened.file.path, ids.tobytes()
        with self._guard:
            known = self._known.get(key)
            if known is not None and known[0] is opened:
                self._known.move_to_end(key)
                return known[1]
        found = read()
        if _size(found) + len(key[1]) <= _LARGEST:
            self._remember(key, opened, found)
        return found

    def _remember(self, key: tuple[Path, bytes], opened: "Opened", found: Rolled) -> None:
        for each in fields(found):
            getattr(found, each.name).setflags(write=False)
        with self._guard:
            before = self._known.pop(key, None)
            self._bytes += _size(found) + len(key[1]) if before is None else _size(found) - _size(before[1])
            self._known[key] = opened, found
            while self._bytes > BYTES:
                (_, ids), (_, oldest) = self._known.popitem(last=False)
                self._bytes -= _size(oldest) + len(ids)


def _size(rolled: Rolled) -> int:
    return sum(getattr(rolled, each.name).nbytes for each in fields(rolled))


def within(rolled: Rolled, start: int, end: int) -> Rolled:
    """The rows that begin from ``start`` to ``end``, both included."""
    inside = (rolled.start >= start) & (rolled.start <= end)
    return rolled if inside.all() else take(rolled, np.flatnonzero(inside))
