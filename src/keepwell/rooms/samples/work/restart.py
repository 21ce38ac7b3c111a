"""Opening the store: what the log and the newest hours' files hold comes back to memory; a damaged log is set aside and begun anew."""

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from keepwell.kernel.problems import StorageError
from keepwell.rooms.samples import log as logs
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.index import SeriesIndex
from keepwell.rooms.samples.log import Log, Point, by_hour, joined
from keepwell.rooms.samples.model import HOUR, Ids, Instants, Labels, Metric, Rows
from keepwell.rooms.samples.window import BLOCK, Window, picked
from keepwell.storage.faults import DAMAGED, from_driver

MOST_IN_MEMORY = 24_000_000
"""Samples. Beyond it the oldest leave memory, whether a file has them yet or not."""

_SERIES_AT_ONCE = 2_000
_SAMPLES_AT_ONCE = 200_000
_LATEST = 1 << 62
_RECOVERED = "recovered"
"""The source of series that only files knew."""

_log = logging.getLogger("keepwell.samples")


class Files(Protocol):
    """What is asked of the hours' files. A damaged one is named elsewhere and gives nothing."""

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """Raw samples from ``start`` to ``end``, both included, sorted by (series, at). ``ids`` ascend."""
        ...

    def hours(self) -> Iterable[int]:
        """The starts of the hours that have a file of raw samples."""
        ...

    def labels(self) -> Mapping[int, Labels]:
        """The series that any file holds."""
        ...


class NoFiles:
    """There are none, and there never will be: everything stays in the log."""

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """Nothing."""
        return joined([])

    def hours(self) -> Iterable[int]:
        """None."""
        return ()

    def labels(self) -> Mapping[int, Labels]:
        """Nothing."""
        return {}


NO_FILES = NoFiles()


@dataclass(slots=True)
class State:
    """What the store has in memory. ``pending`` are the batches in the log by hour; ``seen`` is until when each series was, by number;
    from ``since`` on, memory has every sample; ``sentences`` say what was found to be damaged.
    """

    index: SeriesIndex
    window: Window = field(default_factory=Window)
    log: Log | None = None
    pending: dict[int, set[int]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    seen: Instants = field(default_factory=lambda: np.zeros(0, np.int64))
    since: int = 0
    sentences: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opening:
    """With what a store is opened: at ``now`` (milliseconds), holding the newest ``span`` of milliseconds in memory."""

    folder: Path
    files: Files
    limits: Limits
    now: int
    span: int
    point: Point

    @property
    def path(self) -> Path:
        """The log's file."""
        return self.folder / logs.NAME


def open_state(opening: Opening) -> State:
    """Opens the log and loads everything. Blocks. Raises StorageError where the log can be neither used nor replaced."""
    try:
        opening.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise from_driver(error, str(opening.folder)) or DAMAGED.at(str(opening.folder)) from error
    try:
        return _load(opening, Log.open(opening.path, opening.point))
    except StorageError as error:
        if not is_damage(error):
            raise
        return _replace(opening)


def is_damage(error: StorageError) -> bool:
    """Whether the log itself is damaged, as opposed to a disk that is full or cannot be written."""
    return error.problems[0].code == f"storage.{DAMAGED.code}"


def _load(opening: Opening, log: Log) -> State:
    state = State(SeriesIndex(opening.limits), log=log)
    try:
        seen = {}
        for number, text, source, at in log.series():
            labels = _labels(text)
            if labels is None:
                raise DAMAGED.at(str(opening.path))
            state.index.add(number, labels, source)
            seen[number] = at or opening.now
        state.metrics = log.metrics()
        _catch_up_with_files(state, opening)
        state.seen = np.full(state.index.end, opening.now, np.int64)
        state.seen[list(seen)] = list(seen.values())
        state.since = (opening.now - opening.span) // BLOCK * BLOCK
        _fill(state, opening, log)
    except BaseException:
        log.close()
        raise
    return state


def _catch_up_with_files(state: State, opening: Opening) -> None:
    """Where the log has no series at all, it may be new beside old files: their series keep their numbers."""
    if not len(state.index):
        for number, labels in opening.files.labels().items():
            state.index.restore(number, labels, _RECOVERED)


def _fill(state: State, opening: Opening, log: Log) -> None:
    """Files first: of one key, what a file has was stored first."""
    numbers = state.index.find([])
    for first in range(0, len(numbers), _SERIES_AT_ONCE):
        state.window.add(opening.files.rows(numbers[first : first + _SERIES_AT_ONCE], state.since, _LATEST))
    _seal(state.window)
    state.pending = {hour: set(ids) for hour, ids in log.hours().items()}
    damaged: list[int] = []
    for hour in sorted(state.pending, reverse=True):
        if len(state.window) > MOST_IN_MEMORY:
            state.since = max(state.since, hour + HOUR)
            continue
        damaged += _fill_hour(state, log, hour)
        _seal(state.window)
    if damaged:
        state.sentences.append(put_aside(log, damaged, state.pending))


def _fill_hour(state: State, log: Log, hour: int) -> list[int]:
    damaged, parts, samples = [], [], 0
    for batch in log.batches(hour):
        if batch.rows is None:
            damaged.append(batch.id)
            continue
        parts.append(batch.rows)
        samples += len(batch.rows)
        if samples >= _SAMPLES_AT_ONCE:
            state.window.add(_of_known(joined(parts), state.index))
            parts, samples = [], 0
    state.window.add(_of_known(joined(parts), state.index))
    return damaged


def _of_known(rows: Rows, index: SeriesIndex) -> Rows:
    known = index.has(rows.series)
    return rows if known.all() else picked(rows, known)


def _seal(window: Window) -> None:
    for block in window.to_seal(_LATEST):
        window.put_sealed(block, block.seal())


def put_aside(log: Log, damaged: Sequence[int], pending: dict[int, set[int]]) -> str:
    """Takes damaged batches out of the way, and says so."""
    log.put_aside(damaged)
    for ids in pending.values():
        ids.difference_update(damaged)
    for hour in [hour for hour, ids in pending.items() if not ids]:
        del pending[hour]
    sentence = (
        f"{_count(len(damaged), 'batch', 'batches')} of samples in {logs.NAME} did not match the checksum and was passed over "
        "(kept there in the table damaged_batch); everything else is served"
    )
    _log.error(sentence)
    return sentence


# --- a damaged log ---


def _replace(opening: Opening) -> State:
    aside = set_aside(opening.path)
    old = read_what_is_left(aside)
    state = State(SeriesIndex(opening.limits))
    for number, text, source in old.series:
        if (labels := _labels(text)) is not None:
            state.index.restore(number, labels, source)
    for number, labels in opening.files.labels().items():
        state.index.restore(number, labels, _RECOVERED)
    log = begin_anew(opening.path, opening.point, state.index.everything(), old.batches)
    state = _load(opening, log)
    state.sentences.append(said_of(aside, old))
    return state


def renewed(log: Log, series: Sequence[tuple[int, str, str]], held: Rows) -> tuple[Log, dict[int, set[int]], str]:
    """Takes the place of a log that is found to be damaged while it is used: all series, what can be read of it, and where that is not
    everything, what memory holds. Gives the new log, its batches by hour, and what people are told. Blocks; raises StorageError.
    """
    log.close()
    aside = set_aside(log.path)
    left = read_what_is_left(aside)
    anew = begin_anew(log.path, log.point, series, [*left.batches, *([held] if left.lost or not left.batches else [])])
    return anew, {hour: set(ids) for hour, ids in anew.hours().items()}, said_of(aside, left)


@dataclass(frozen=True, slots=True)
class Left:
    """What could be read of a damaged log: series as the index gives them, batches, and how many batches could not."""

    series: Sequence[tuple[int, str, str]]
    batches: Sequence[Rows]
    lost: int


def set_aside(path: Path) -> Path:
    """Moves a damaged log and what belongs to it into a folder of its own beside it. Raises StorageError."""
    number = 1
    while (folder := path.with_name(f"damaged-{number}")).exists():
        number += 1
    try:
        folder.mkdir(mode=0o700)
        # The log of the log first: beside another file than its own, SQLite would take it for that one's.
        for name in (f"{path.name}-wal", f"{path.name}-shm", path.name):
            if path.with_name(name).exists():
                path.with_name(name).rename(folder / name)
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
        return Left([], [], 0)
    with suppress(StorageError):
        series += ((number, text, source) for number, text, source, _ in log.series() if _labels(text) is not None)
    for number in log.readable_ids():
        rows = log.batch(number)
        if rows is None:
            lost += 1
        else:
            batches.append(rows)
    log.close()
    return Left(series, batches, lost)


def _labels(text: object) -> Labels | None:
    try:
        labels = json.loads(str(text))
    except ValueError:
        return None
    return labels if isinstance(labels, dict) and all(isinstance(value, str) for value in labels.values()) else None


def begin_anew(path: Path, point: Point, series: Sequence[tuple[int, str, str]], batches: Iterable[Rows]) -> Log:
    """A new log with these series and batches. Raises StorageError."""
    log = Log.open(path, point)
    try:
        log.append([], series)
        for rows in batches:
            log.append(by_hour(rows))
    except BaseException:
        log.close()
        raise
    return log


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
