"""Opening the store: what the log and the newest hours' files hold comes back to memory; a damaged log is set aside and begun anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from keepwell.kernel.problems import StorageError
from keepwell.rooms.samples import log as logs
from keepwell.rooms.samples.admission import Limits
from keepwell.rooms.samples.index import SeriesIndex
from keepwell.rooms.samples.log import Log, Point, joined
from keepwell.rooms.samples.model import DAY, HOUR, Ids, Instants, Labels, Metric, Rows
from keepwell.rooms.samples.window import BLOCK, Window, picked
from keepwell.storage.faults import DAMAGED, from_driver

from .recovery import finish_taking_its_place, is_damage, labels_of, put_aside, read_what_is_left, said_of, take_its_place

MOST_IN_MEMORY = 24_000_000
"""Samples. Beyond it the oldest leave memory, whether a file has them yet or not."""

FURTHEST = DAY + HOUR
"""Milliseconds: what is older leaves memory however far back questions reach."""

_SERIES_AT_ONCE = 2_000
_SAMPLES_AT_ONCE = 200_000
_LATEST = 1 << 62
_RECOVERED = "recovered"
"""The source of series that only files knew."""


class Files(Protocol):
    """What is asked of the hours' files. A damaged one is named elsewhere and gives nothing."""

    def rows(self, ids: Ids | None, start: int, end: int) -> Rows:
        """Raw samples from ``start`` to ``end``, both included, sorted by (series, at). ``ids`` ascend."""
        ...

    def apart(self, start: int) -> Rows | None:
        """Raw samples of all series from ``start`` on, sorted by (series, at), without that their reading leaves anything in memory; None
        where that cannot be."""
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

    def apart(self, start: int) -> Rows | None:
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
    from ``since`` on, memory has every sample; ``sentences`` say what was found to be damaged. ``asked`` is how far back questions went
    lately (milliseconds before the newest sample): in the hour from ``asked_since`` on, and in the one before.
    """

    index: SeriesIndex
    window: Window = field(default_factory=Window)
    log: Log | None = None
    pending: dict[int, set[int]] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    seen: Instants = field(default_factory=lambda: np.zeros(0, np.int64))
    since: int = 0
    sentences: list[str] = field(default_factory=list)
    asked: tuple[int, int] = (0, 0)
    asked_since: int = 0


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
        finish_taking_its_place(opening.path)
        return _load(opening, Log.open(opening.path, opening.point))
    except StorageError as error:
        if not is_damage(error):
            raise
        return _replace(opening)


def _load(opening: Opening, log: Log) -> State:
    state = State(SeriesIndex(opening.limits), log=log)
    try:
        seen = {}
        for number, text, source, at in log.series():
            labels = labels_of(text)
            if labels is None:
                raise DAMAGED.at(str(opening.path))
            state.index.add(number, labels, source)
            seen[number] = at or opening.now
        state.metrics = log.metrics()
        _catch_up_with_files(state, opening)
        state.seen = np.full(state.index.end, opening.now, np.int64)
        state.seen[list(seen)] = list(seen.values())
        has_files = next(iter(opening.files.hours()), None) is not None
        state.since = (opening.now - opening.span) // BLOCK * BLOCK if has_files else 0
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
    if state.since:
        _fill_from_files(state, opening)
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
        state.sentences.append(put_aside(log, damaged))
        leave(state.pending, damaged)


def _fill_from_files(state: State, opening: Opening) -> None:
    """Further back than the window where that is little: a rule over a day finds it in memory, as before the restart."""
    for since in (min(state.since, (opening.now - FURTHEST) // BLOCK * BLOCK), state.since):
        rows = opening.files.apart(since)
        if rows is not None:
            state.window.add(_of_known(rows, state.index))
            state.since, state.asked = since, (opening.now - since, 0)
            return
    numbers = state.index.find([])
    for first in range(0, len(numbers), _SERIES_AT_ONCE):
        state.window.add(opening.files.rows(numbers[first : first + _SERIES_AT_ONCE], state.since, _LATEST))


def _fill_hour(state: State, log: Log, hour: int) -> list[int]:
    damaged, parts, samples = [], [], 0
    for batch in log.batches(hour):
        if batch.rows is None:
            damaged.append(batch.id)
            continue
        parts.append(batch.rows)
        samples += len(batch.rows)
        if samples >= _SAMPLES_AT_ONCE:
            rows = _of_known(joined(parts), state.index)
            state.window.add(rows)
            # Batches come in the order of time: what is over can be sorted now, so that little lies unsorted at once.
            _seal(state.window, int(batch.rows.at.max()) - BLOCK)
            parts, samples = [], 0
    state.window.add(_of_known(joined(parts), state.index))
    return damaged


def _of_known(rows: Rows, index: SeriesIndex) -> Rows:
    known = index.has(rows.series)
    return rows if known.all() else picked(rows, known)


def _seal(window: Window, before: int = _LATEST) -> None:
    for block in window.to_seal(before):
        window.put_sealed(block, block.seal())


def leave(pending: dict[int, set[int]], batches: Iterable[int]) -> None:
    """These batches are not pending any more."""
    gone = set(batches)
    for hour, ids in list(pending.items()):
        ids -= gone
        if not ids:
            del pending[hour]


def _replace(opening: Opening) -> State:
    """A new log in the place of a damaged one."""
    left = read_what_is_left(opening.path)
    index = SeriesIndex(opening.limits)
    for number, text, source in left.series:
        if (labels := labels_of(text)) is not None:
            index.restore(number, labels, source)
    for number, labels in opening.files.labels().items():
        index.restore(number, labels, _RECOVERED)
    aside = take_its_place(opening.path, opening.point, index.everything(), left)
    state = _load(opening, Log.open(opening.path, opening.point))
    state.sentences.append(said_of(aside, left))
    return state
