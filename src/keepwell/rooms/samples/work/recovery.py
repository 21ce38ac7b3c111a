"""A damaged log: what can be read of it goes to a new one, which takes its place; the damaged one is kept for examination."""

import json
import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from keepwell.kernel.problems import StorageError
from keepwell.rooms.samples import log as logs
from keepwell.rooms.samples.log import Log, Point, by_hour
from keepwell.rooms.samples.model import Labels, Rows
from keepwell.storage.faults import DAMAGED, from_driver

_MARGIN = 1_000_000
"""How far the batches' numbers of a new log are from those of the old: whoever still has numbers of the old one must not mean new ones."""

_log = logging.getLogger("keepwell.samples")


def is_damage(error: StorageError) -> bool:
    """Whether the log itself is damaged, as opposed to a disk that is full or cannot be written."""
    return error.problems[0].code == f"storage.{DAMAGED.code}"


def put_aside(log: Log, damaged: Sequence[int]) -> str:
    """Takes damaged batches out of the way, and says so. Raises StorageError."""
    log.put_aside(damaged)
    sentence = (
        f"{_count(len(damaged), 'batch', 'batches')} of samples in {logs.NAME} did not match the checksum and was passed over "
        "(kept there in the table damaged_batch); everything else is served"
    )
    _log.error(sentence)
    return sentence


def renewed(log: Log, series: Sequence[tuple[int, str, str]], held: Rows, last: int) -> tuple[Log, dict[int, set[int]], str]:
    """Takes the place of a log that is found to be damaged while it is used: all series, what can be read of it, and where that is not
    everything, what memory holds. ``last`` is the largest number of a batch. Gives the new log, its batches by hour, and what people are
    told. Blocks; raises StorageError.
    """
    log.close()
    left = read_what_is_left(log.path)
    if left.lost or not left.batches:
        left = replace(left, batches=[*left.batches, held])
    aside = take_its_place(log.path, log.point, series, replace(left, last=max(left.last, last)))
    anew = Log.open(log.path, log.point)
    return anew, {hour: set(ids) for hour, ids in anew.hours().items()}, said_of(aside, left)


@dataclass(frozen=True, slots=True)
class Left:
    """What could be read of a damaged log: series as the index gives them, batches, how many batches could not, and the last one's
    number."""

    series: Sequence[tuple[int, str, str]]
    batches: Sequence[Rows]
    lost: int
    last: int


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + ".recovered")


def take_its_place(path: Path, point: Point, series: Sequence[tuple[int, str, str]], left: Left) -> Path:
    """A new log with these series and batches in the place of a damaged one; gives where that lies now. Whenever this ends, either the
    damaged one is there still, or ``finish_taking_its_place`` does the rest. Blocks; raises StorageError.
    """
    fresh = _fresh(path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(fresh.name + suffix).unlink(missing_ok=True)
    log = Log.open(fresh, point)
    try:
        log.begin_after(left.last + _MARGIN)
        log.append([], series)
        for rows in left.batches:
            log.append(by_hour(rows))
    finally:
        log.close()
    point("replace: filled")
    aside = _set_aside(path, point)
    finish_taking_its_place(path)
    return aside


def finish_taking_its_place(path: Path) -> None:
    """Where the damaged log was moved away and the new one is not in its place yet. Raises StorageError."""
    fresh = _fresh(path)
    try:
        if fresh.exists() and not path.exists():
            fresh.rename(path)
            logs.flush(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise from_driver(error, str(path)) or DAMAGED.at(str(path)) from error


def _set_aside(path: Path, point: Point) -> Path:
    """Moves a log and what belongs to it into a folder of its own beside it."""
    number = 1
    while (folder := path.with_name(f"damaged-{number}")).exists():
        number += 1
    try:
        folder.mkdir(mode=0o700)
        # The log of the log first: beside another file than its own, SQLite would take it for that one's.
        for name in (f"{path.name}-wal", f"{path.name}-shm", path.name):
            point("replace: move")
            if path.with_name(name).exists():
                path.with_name(name).rename(folder / name)
        point("replace: moved")
    except OSError as error:
        raise from_driver(error, str(path)) or DAMAGED.at(str(path)) from error
    return folder / path.name


def read_what_is_left(path: Path) -> Left:
    """Whatever a damaged log gives still."""
    series: list[tuple[int, str, str]] = []
    batches: list[Rows] = []
    lost = 0
    try:
        log = Log.open_to_read(path)
    except StorageError:
        return Left([], [], 0, 0)
    with suppress(StorageError):
        series += ((number, text, source) for number, text, source, _ in log.series() if labels_of(text) is not None)
    ids = log.readable_ids()
    for number in ids:
        rows = log.batch(number)
        if rows is None:
            lost += 1
        else:
            batches.append(rows)
    log.close()
    return Left(series, batches, lost, max(ids, default=0))


def labels_of(text: object) -> Labels | None:
    """The labels that a canonical text means; None where it is none."""
    try:
        labels = json.loads(str(text))
    except ValueError:
        return None
    return labels if isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values()) else None


def said_of(aside: Path, left: Left) -> str:
    """What people are told of a damaged log."""
    sentence = (
        f"{logs.NAME} was damaged; it lies in samples/{aside.parent.name}, and a new one has been begun with what could be read: "
        f"{_count(len(left.series), 'series', 'series')} and {_count(len(left.batches), 'batch', 'batches')}"
    )
    if left.lost or not left.batches:
        sentence += "; samples of the last hours may be missing, the hours in files are not touched"
    _log.error(sentence)
    return sentence


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"
