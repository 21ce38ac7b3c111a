"""An hour of samples as a file: sorted by (series, at), each of them once."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.files.parquet import Form, Opened, Point, Writer, nothing, open_file, read_groups, writing
from keepwell.rooms.samples.model import Ids, Labels, Rows

FORM = Form(
    schema=pa.schema(
        [
            pa.field("series", pa.int32(), nullable=False),
            pa.field("at", pa.timestamp("ms", "UTC"), nullable=False),
            pa.field("value", pa.float64(), nullable=False),
        ]
    ),
    encodings={"series": "DELTA_BINARY_PACKED", "at": "DELTA_BINARY_PACKED", "value": "PLAIN"},
    extremes=("series", "at"),
    group=60_000,
)

_COLUMNS = ("series", "at", "value")

Places = NDArray[np.int64]


class RawWriter:
    """Writes an hour by ranges of series, ascending."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, rows: Rows) -> None:
        """Adds rows, sorted by (series, at), after all that were written before. Raises OSError."""
        at = pa.array(np.ascontiguousarray(rows.at, np.int64)).view(pa.timestamp("ms", "UTC"))
        columns = [pa.array(np.ascontiguousarray(rows.series, np.int32)), at, pa.array(np.ascontiguousarray(rows.value, np.float64))]
        self._writer.write(pa.Table.from_arrays(columns, schema=FORM.schema))


@contextmanager
def writing_hour(file: File, labels: Mapping[int, Labels], *, whole: bool = True, point: Point = nothing) -> Iterator[RawWriter]:
    """A writer of an hour's file; at its end the file is on the disk under its name, after an error nothing is. ``labels`` are those of the
    series in it; ``whole`` is false where samples of the hour are known to be lost, so that no roll-up is made of the rest."""
    with writing(file, FORM, point) as writer:
        yield RawWriter(writer)
        writer.close(facts_of(file, labels) | ({} if whole else {"keepwell.partial": "yes"}))


def write_hour(file: File, rows: Rows, labels: Mapping[int, Labels], point: Point = nothing) -> None:
    """Writes the samples of an hour, sorted by (series, at), each of them once. Raises OSError."""
    with writing_hour(file, labels, point=point) as writer:
        writer.write(rows)


def open_hour(file: File) -> Opened:
    """Opens an hour's file. Raises Damaged (FileNotFoundError where it is gone)."""
    return open_file(file, FORM.schema)


def read_rows(opened: Opened, ids: Ids | None, start: int, end: int) -> Rows:
    """The samples of these series (ascending; None for all) from ``start`` to ``end``, both included, sorted by (series, at).
    Raises Damaged (FileNotFoundError where the file is gone)."""
    parts = []
    for table in read_groups(opened, groups_with(opened, ids), _COLUMNS):
        series, at, value = column(table, "series"), column(table, "at"), column(table, "value")
        places = places_of(series, ids, at, start, end)
        parts.append(Rows(series[places], at[places], value[places]))
    return together(parts)


def together(parts: list[Rows]) -> Rows:
    """Rows one after the other."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Rows(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.float64))
    return Rows(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.value for part in parts]),
    )


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column of one row group without copying it; instants as milliseconds."""
    found = table.column(name)
    if pa.types.is_timestamp(found.type):
        found = found.cast(pa.int64())
    array = found.combine_chunks() if found.num_chunks != 1 else found.chunk(0)
    numbers: NDArray[Any] = array.to_numpy(zero_copy_only=False)
    return numbers


def groups_with(opened: Opened, ids: Ids | None) -> list[int]:
    """The row groups that can hold one of these series."""
    if ids is None:
        return list(range(len(opened.first_series)))
    first = np.searchsorted(ids, opened.first_series, side="left")
    last = np.searchsorted(ids, opened.last_series, side="right")
    return [int(group) for group in np.flatnonzero(last > first)]


def places_of(series: Ids, ids: Ids | None, at: NDArray[np.int64], start: int, end: int) -> Places | slice:
    """Where, in columns sorted by series, the rows of these series and this time (both ends included) are."""
    if ids is None:
        inside = (at >= start) & (at <= end)
        found: Places = np.flatnonzero(inside)
        return slice(None) if inside.all() else found
    begins = np.searchsorted(series, ids, side="left")
    lengths = np.searchsorted(series, ids, side="right") - begins
    shifts = np.cumsum(lengths) - lengths
    places: Places = np.arange(int(lengths.sum())) + np.repeat(begins - shifts, lengths)
    inside = (at[places] >= start) & (at[places] <= end)
    return places if inside.all() else places[inside]


def facts_of(file: File, labels: Mapping[int, Labels]) -> dict[str, str]:
    """What every file says about itself, so that it outlives the index: tier, first and last millisecond, and the labels of its series as
    zstd-compressed JSON in base64 (metadata of Parquet is text)."""
    packed = json.dumps({str(number): dict(one) for number, one in labels.items()}, ensure_ascii=False, separators=(",", ":")).encode()
    squeezed = pa.Codec("zstd").compress(packed, asbytes=True)
    return {
        "keepwell.tier": file.tier.value,
        "keepwell.start": str(file.start),
        "keepwell.end": str(file.end),
        "keepwell.series": f"{len(packed)}:{base64.b64encode(squeezed).decode()}",
    }


def labels_in(opened: Opened) -> dict[int, Labels]:
    """The labels of the series that a file holds, by number."""
    length, _, squeezed = opened.facts["keepwell.series"].partition(":")
    packed = pa.Codec("zstd").decompress(base64.b64decode(squeezed), int(length), asbytes=True)
    return {int(number): labels for number, labels in json.loads(packed).items()}
