"""An hour of samples as a file: sorted by (series, at), each of them once.

A sample's number stands in ``value`` where it is kept as it is, and otherwise in ``value_whole``, to be divided by 10 to the power of
``digits`` (``decimals.py``).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pyarrow as pa

from keepwell.rooms.samples.files.columns import (
    INSTANT,
    column,
    encodings,
    groups_with,
    instant_array,
    number_arrays,
    number_fields,
    numbers_of,
    places_of,
    whole_field,
)
from keepwell.rooms.samples.files.decimals import digits_of
from keepwell.rooms.samples.files.facts import facts_of
from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.files.parquet import Form, Opened, Point, Writer, nothing, open_file, read_groups, writing
from keepwell.rooms.samples.log import joined
from keepwell.rooms.samples.model import Ids, Labels, Rows

_SCHEMA = pa.schema(
    [
        whole_field("series", pa.int32()),
        whole_field("at", INSTANT),
        whole_field("digits", pa.int32()),
        *number_fields("value"),
    ]
)
FORM = Form(_SCHEMA, encodings(_SCHEMA), extremes=("series", "at"), group=60_000)

_PARTIAL = "keepwell.partial"


class RawWriter:
    """Writes an hour by ranges of series, ascending."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, rows: Rows) -> None:
        """Adds rows, sorted by (series, at), after all that were written before. Raises OSError."""
        digits = digits_of(rows.series, rows.value)
        columns = [
            pa.array(np.ascontiguousarray(rows.series, np.int32)),
            instant_array(rows.at),
            pa.array(digits),
            *number_arrays(rows.series, rows.value, digits),
        ]
        self._writer.write(pa.Table.from_arrays(columns, schema=_SCHEMA))


@contextmanager
def writing_hour(file: File, labels: Mapping[int, Labels], *, partial: bool = False, point: Point = nothing) -> Iterator[RawWriter]:
    """A writer of an hour's file; at its end the file is on the disk under its name, after an error nothing is. ``labels`` are those of the
    series in it; ``partial`` says that samples of the hour are known to be lost. Raises OSError."""
    with writing(file, FORM, point) as writer:
        yield RawWriter(writer)
        writer.close(facts_of(file, labels) | ({_PARTIAL: "yes"} if partial else {}))


def write_hour(file: File, rows: Rows, labels: Mapping[int, Labels], point: Point = nothing) -> None:
    """Writes the samples of an hour, sorted by (series, at), each of them once. Raises OSError."""
    with writing_hour(file, labels, point=point) as writer:
        writer.write(rows)


def open_hour(file: File) -> Opened:
    """Opens an hour's file. Raises Damaged (FileNotFoundError where it is gone)."""
    return open_file(file, FORM.schema)


def is_partial(opened: Opened) -> bool:
    """Whether samples of the hour are known to be lost."""
    return _PARTIAL in opened.facts


def read_rows(opened: Opened, ids: Ids | None, start: int, end: int) -> Rows:
    """The samples of these series (ascending; None for all) from ``start`` to ``end``, both included, sorted by (series, at).
    Raises Damaged (FileNotFoundError where the file is gone)."""
    parts = []
    for table in read_groups(opened, groups_with(opened, ids), _SCHEMA.names):
        series, at = column(table, "series"), column(table, "at")
        places = places_of(series, ids, at, start, end)
        if len(places):
            first, last = int(places[0]), int(places[-1])
            value = numbers_of(table.slice(first, last + 1 - first), "value")[places - first]
            parts.append(Rows(series[places], at[places], value))
    return joined(parts)
