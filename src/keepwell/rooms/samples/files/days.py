"""A day that is over: the roll-ups of its hours become one file, and one of hours is made of them. Work of a child process.

The day's own file of an earlier merge goes in where no hour's file does. The hours' files go only when both new files are on the disk;
until then, and whenever a merge was cut off, they answer in the day's place, so nothing counts twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keepwell.rooms.samples.files.compact import set_aside
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.facts import labels_in, nans_in
from keepwell.rooms.samples.files.layout import File, Layout, Piece, pieces
from keepwell.rooms.samples.files.parquet import Opened, Point, flush_folder, nothing, verify
from keepwell.rooms.samples.files.ranges import counted_in, ranges
from keepwell.rooms.samples.files.rolled import open_rolled, read_rolled, writing_rolled
from keepwell.rooms.samples.model import DAY, HOUR, Labels, Tier
from keepwell.rooms.samples.rollup import join, merge

MOST_ROWS = 30_000
"""Rows of five minutes that are held at a time, about 500 bytes each with their bins."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a day: rows of five minutes and of hours, and sentences about files that were passed over."""

    rows: int = 0
    hours: int = 0
    said: list[str] = field(default_factory=list)


def merge_day(layout: Layout, day: int, point: Point = nothing) -> Merged:
    """Merges a day. Raises OSError (a full disk, for example): then nothing has changed, or the files that are there hold the same."""
    fine, said = _whole([file for file in layout.files(Tier.FIVE_MINUTES) if day <= file.start < day + DAY])
    earlier, more = _whole([file for file in layout.files(Tier.HOUR) if file.start == day])
    targets = layout.day(Tier.FIVE_MINUTES, day), layout.day(Tier.HOUR, day)
    if not fine:
        return Merged(said=said + more)
    rows = _write(targets, fine, earlier, point)
    for opened in fine:
        if opened.file.is_hour:
            point(f"remove {opened.file.path.name}")
            opened.file.path.unlink(missing_ok=True)
    flush_folder(targets[0].path.parent)
    point("removed")
    return Merged(*rows, said + more)


def _write(targets: tuple[File, File], fine: Sequence[Opened], earlier: Sequence[Opened], point: Point) -> tuple[int, int]:
    """Writes both files of a day; gives their rows. The one of five minutes is there first."""
    counts = np.zeros(0, np.int64)
    labels: dict[int, Labels] = {}
    for opened in (*earlier, *fine):
        counts = counted_in(counts, opened)
        labels |= labels_in(opened)
    parts = _pieces(fine)
    nans = _nans(fine), _nans((*fine, *earlier))
    rows = hours = 0
    with (
        writing_rolled(targets[1], labels, lambda step: point(f"1h: {step}"), nans[1]) as coarse_writer,
        writing_rolled(targets[0], labels, lambda step: point(f"5m: {step}"), nans[0]) as fine_writer,
    ):
        for ids in ranges(counts, MOST_ROWS):
            part = join([read_rolled(opened, ids, piece.start, piece.end) for opened, piece in parts])
            known = [read_rolled(opened, ids, 0, opened.file.end) for opened in earlier]
            coarse = join([merge(part, HOUR), *known])
            fine_writer.write(part)
            coarse_writer.write(coarse)
            rows, hours = rows + len(part), hours + len(coarse)
        _put_damaged_aside(targets, (*fine, *earlier))
    return rows, hours


def _nans(files: Sequence[Opened]) -> set[int] | None:
    """The series with a NaN in any of them; None where one of them does not say."""
    found: set[int] = set()
    for opened in files:
        noted = nans_in(opened)
        if noted is None:
            return None
        found |= noted
    return found


def _pieces(opened: Sequence[Opened]) -> list[tuple[Opened, Piece]]:
    by_path = {one.file.path: one for one in opened}
    found = pieces([one.file for one in opened], 0, max(one.file.end for one in opened))
    return [(by_path[piece.file.path], piece) for piece in found]


def _put_damaged_aside(targets: Sequence[File], whole: Sequence[Opened]) -> None:
    fine = {opened.file.path for opened in whole}
    for target in targets:
        if target.path not in fine:
            set_aside(target)


def _whole(files: Sequence[File]) -> tuple[list[Opened], list[str]]:
    """The files that are whole, opened, and a sentence about each that is not."""
    opened, said = [], []
    for file in files:
        try:
            one = open_rolled(file)
            verify(one)
        except Damaged as damaged:
            said.append(damaged.sentence)
        else:
            opened.append(one)
    return opened, said
