"""What files hold, as the reader of questions asks for it."""

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keepwell.rooms.samples.model import HOUR, Ids, Labels, Rolled, Rows, Tier

from .apart import read_apart

if TYPE_CHECKING:
    from keepwell.rooms.samples.files.layout import File
    from keepwell.rooms.samples.files.reading import Files


APART_BYTES = 2_000_000
"""How large files may be together that are read apart: about as many samples as may lie in memory beside the window (store.AMPLE)."""


class KeptFiles:
    """The files of one folder of samples. Any thread may ask. A damaged file is named once (``files.damages``) and gives nothing."""

    def __init__(self, folder: Path, files: "Files | None" = None) -> None:
        self._folder = folder
        self._given = files

    @cached_property
    def files(self) -> "Files":
        """Reads them."""
        from keepwell.rooms.samples.files.reading import Files  # brings pyarrow, of which a server without questions has no need

        return self._given or Files(self._folder)

    def hours(self) -> Collection[int]:
        """The hours that have a file of raw samples which can be read, as far as is known."""
        return self.files.hours()

    def labels(self) -> dict[int, Labels]:
        """The series that any file holds."""
        return self.files.labels()

    def apart(self, start: int) -> Rows | None:
        """Raw samples of all series from ``start`` on, read by a process of its own; None where they are many, or it cannot."""
        files = [file.path for file in self.files.layout.files(Tier.RAW) if file.end > start]
        try:
            is_much = sum(path.stat().st_size for path in files) > APART_BYTES
        except OSError:
            return None
        return None if is_much else read_apart(self._folder, start)

    def count(self, tier: Tier, start: int, end: int) -> int:
        """How many files of a tier hold something of this time (both included)."""
        return len(self.files.layout.pieces(tier, start, end))

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """Raw samples of series (ascending), sorted by hour, then (series, at)."""
        return self.files.rows(ids, start, end)

    def nans(self, tier: Tier, start: int, end: int) -> Collection[int] | None:
        """The series of which roll-ups of this time (both included) left out a NaN that is no staleness marker; None: not known."""
        return self.files.nans(tier, start, end)

    def rolled(self, tier: Tier, ids: Ids, start: int, end: int, bins: bool) -> tuple[Rolled, list[tuple[int, int]]]:
        """Rolled-up rows (without ``bins`` none has any), and the stretches (start, end not contained) of which this tier has everything.

        An hour whose 5-minute rows still have a file of their own has been made anew, or was never merged: a day by the hour may be older
        than it, and does not count as having it.
        """
        there = self.files.layout.files(tier)
        rolled = self.files.rolled(tier, ids, start, end, bins=bins)
        damaged = self.files.damages.paths()
        covered = _stretches([file for file in there if file.path not in damaged], start, end)
        if tier is not Tier.HOUR:
            return rolled, covered
        newer = [file.start for file in self.files.layout.files(Tier.FIVE_MINUTES) if file.is_hour]
        return _without_hours(rolled, covered, newer)


def _stretches(files: "list[File]", start: int, end: int) -> list[tuple[int, int]]:
    from keepwell.rooms.samples.files.layout import pieces

    return [(piece.start, piece.end + 1) for piece in pieces(files, start, end)]


def _without_hours(rolled: Rolled, covered: list[tuple[int, int]], hours: list[int]) -> tuple[Rolled, list[tuple[int, int]]]:
    import numpy as np

    from keepwell.rooms.samples.rollup import take

    left = covered
    for hour in hours:
        left = [part for first, last in left for part in ((first, min(last, hour)), (max(first, hour + HOUR), last)) if part[0] < part[1]]
    places = np.flatnonzero(~np.isin(rolled.start, hours))
    return (rolled if len(places) == len(rolled) else take(rolled, places)), left
