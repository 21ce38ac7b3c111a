"""An hour of the log becomes files: its samples, and their roll-up to five minutes. Work of a child process.

Nothing is taken from the log here: who asked for it deletes the batches that were used, once both files are on the disk. So every step
can be repeated; a sample that is in the file and in the log is in the file once, and the first that was stored wins.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.facts import labels_in
from keepwell.rooms.samples.files.layout import SET_ASIDE, File, Layout
from keepwell.rooms.samples.files.parquet import Opened, Point, nothing, verify
from keepwell.rooms.samples.files.ranges import Counts, counted, counted_in, ranges, series_in
from keepwell.rooms.samples.files.raw import is_partial, open_hour, read_rows, writing_hour
from keepwell.rooms.samples.files.rolled import open_rolled, writing_rolled
from keepwell.rooms.samples.files.source import Source
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import HOUR, Ids, Labels, Metric, Rows, Tier
from keepwell.rooms.samples.rollup import is_counter, roll, with_nan

MOST_ROWS = 250_000
"""Rows that are held at a time, about 100 bytes each."""

_INSTANT_BITS = 22
"""An hour has fewer than 2^22 milliseconds."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What became of an hour: ids of the batches that are in its file now, ids of those that were damaged; its samples in all, how many the
    log had, and how many of them were added (the others were there); sentences about what was passed over."""

    batches: list[int]
    damaged: list[int]
    rows: int
    taken: int
    added: int
    said: list[str]


def compact_hour(layout: Layout, source: Source, hour: int, point: Point = nothing) -> Compacted:
    """Brings an hour's batches into its files. Raises OSError (a full disk, for example): then nothing has changed but, perhaps, that the
    samples are in their file already. Raises StorageError where the log cannot be read."""
    batches, damaged, counts = _look_at(source)
    said = [f"a batch of samples of {_named(hour)} in the log is damaged and left out" for _ in damaged]
    taken = int(counts.sum())
    file = layout.hour(Tier.RAW, hour)
    existing, counts, found = _existing(file, counts)
    said += found
    partial = bool(found) or aside(file).exists() or (existing is not None and is_partial(existing))
    if not counts.any():
        return Compacted(batches, damaged, 0, taken, 0, said)
    labels = source.labels(series_in(counts), {} if existing is None else labels_in(existing))
    rolls = not partial or not _is_rolled(layout, hour)
    rows, nans = 0, set[int]()
    with ExitStack() as stack:
        rolled = (
            stack.enter_context(writing_rolled(layout.hour(Tier.FIVE_MINUTES, hour), labels, _named_point(point, "5m"), nans))
            if rolls
            else None
        )
        raw = stack.enter_context(writing_hour(file, labels, partial=partial, point=_named_point(point, "raw")))
        for ids in ranges(counts, MOST_ROWS):
            part = _merged(existing, source, hour, ids)
            raw.write(part)
            rows += len(part)
            nans |= with_nan(part)
            if rolled is not None:
                rolled.write(roll(part, Tier.FIVE_MINUTES.step, counters(labels, source.metrics(), ids)))
        if found:
            set_aside(file)
    before = 0 if existing is None else existing.metadata.num_rows
    return Compacted(batches, damaged, rows, taken, rows - before, said)


def roll_hour(layout: Layout, hour: int, metrics: Mapping[str, Metric], point: Point = nothing) -> int:
    """Makes the roll-up of an hour again from its samples; gives how many they are. Raises Damaged and OSError."""
    opened = open_hour(layout.hour(Tier.RAW, hour))
    labels = labels_in(opened)
    target = layout.hour(Tier.FIVE_MINUTES, hour)
    verify(opened)
    nans: set[int] = set()
    with writing_rolled(target, labels, _named_point(point, "5m"), nans) as writer:
        for ids in ranges(counted_in(np.zeros(0, np.int64), opened), MOST_ROWS):
            rows = read_rows(opened, ids, hour, hour + HOUR)
            nans |= with_nan(rows)
            writer.write(roll(rows, Tier.FIVE_MINUTES.step, counters(labels, metrics, ids)))
        if target.path.exists():
            set_aside(target)
    return int(opened.metadata.num_rows)


def aside(file: File) -> Path:
    """The name under which a damaged file is kept: it is not read there, but can still be looked at."""
    return file.path.with_name(file.path.name + SET_ASIDE)


def set_aside(file: File) -> None:
    """Gives a damaged file another name beside its own, which the next file is about to take. Raises OSError."""
    if file.path.exists():
        aside(file).unlink(missing_ok=True)
        try:
            os.link(file.path, aside(file))
        except OSError:  # a file system without hard links
            file.path.replace(aside(file))


def counters(labels: Mapping[int, Labels], metrics: Mapping[str, Metric], ids: Ids) -> Ids:
    """Which of these series are counters."""
    names = (labels.get(number, {}).get(NAME, "") for number in ids.tolist())
    counting = [is_counter(name, metrics[name].kind if name in metrics else "unknown") for name in names]
    return ids[np.array(counting, np.bool_)]


def _look_at(source: Source) -> tuple[list[int], list[int], Counts]:
    """The ids of whole and of damaged batches, and how many samples each series has."""
    whole, damaged, counts = [], [], np.zeros(0, np.int64)
    for batch in source.batches():
        if batch.rows is None:
            damaged.append(batch.id)
            continue
        whole.append(batch.id)
        if len(batch.rows):
            counts = counted(counts, batch.rows.series)
    return whole, damaged, counts


def _existing(file: File, counts: Counts) -> tuple[Opened | None, Counts, list[str]]:
    """The hour's file where there is one that is whole, the counts with its rows, and a sentence where it is damaged."""
    try:
        opened = open_hour(file)
        verify(opened)
        return opened, counted_in(counts, opened), []
    except FileNotFoundError:
        return None, counts, []
    except Damaged as damaged:
        return None, counts, [damaged.sentence]


def _is_rolled(layout: Layout, hour: int) -> bool:
    for file in (layout.hour(Tier.FIVE_MINUTES, hour), layout.day(Tier.FIVE_MINUTES, hour)):
        try:
            open_rolled(file)
        except (FileNotFoundError, Damaged):
            continue
        return True
    return False


def _merged(existing: Opened | None, source: Source, hour: int, ids: Ids) -> Rows:
    """The samples of a range of series, sorted by (series, at), each once: what is in the file first, then in the order of the log."""
    stored = [] if existing is None else [read_rows(existing, ids, hour, hour + HOUR)]
    rows = joined([*stored, *_of_range(source, int(ids[0]), int(ids[-1]))])
    key = (rows.series.astype(np.int64) - int(ids[0])) << _INSTANT_BITS
    key |= rows.at - hour
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=first[1:])
    order = order[first]
    return Rows(rows.series[order], rows.at[order], rows.value[order])


def _of_range(source: Source, first: int, last: int) -> Iterator[Rows]:
    for batch in source.batches():
        if batch.rows is None:
            continue
        inside = np.flatnonzero((batch.rows.series >= first) & (batch.rows.series <= last))
        if len(inside):
            yield Rows(batch.rows.series[inside], batch.rows.at[inside], batch.rows.value[inside])


def _named_point(point: Point, name: str) -> Point:
    return lambda step: point(f"{name}: {step}")


def _named(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour / 1000, UTC):%Y-%m-%d %H:00} UTC"
