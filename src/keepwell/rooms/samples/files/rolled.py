"""Roll-ups as a file: one row a series and stretch of time, sorted by (series, start).

A number stands in its own column where it is kept as it is, and otherwise in ``NAME_whole``, to be divided by 10 to the power of
``digits`` (``decimals.py``). Instants of the first and last sample are kept as milliseconds after the row's start. For the bins see
``packed_bins.py``.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa

from keepwell.rooms.samples.bins import Bins
from keepwell.rooms.samples.files.columns import (
    INSTANT,
    bytes_array,
    bytes_of,
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
from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.decimals import digits_of, snapped
from keepwell.rooms.samples.files.facts import facts_of, nans_said
from keepwell.rooms.samples.files.layout import File
from keepwell.rooms.samples.files.packed_bins import Packed, pack, unpack
from keepwell.rooms.samples.files.parquet import Form, Opened, Point, Writer, nothing, open_file, read_groups, writing
from keepwell.rooms.samples.model import Ids, Labels, Rolled, Values
from keepwell.rooms.samples.rollup import join, take

_NUMBERS = ("sum", "minimum", "maximum", "first", "last", "increase")
_BINS = (
    whole_field("bin_first", pa.int32()),
    whole_field("bin_bits", pa.int32()),
    pa.field("bins", pa.binary()),
    whole_field("bins_wide", pa.binary()),
)
_SCHEMA = pa.schema(
    [
        whole_field("series", pa.int32()),
        whole_field("start", INSTANT),
        whole_field("count", pa.int64()),
        whole_field("digits", pa.int32()),
        *(field for name in _NUMBERS for field in number_fields(name)),
        whole_field("first_after", pa.int32()),
        whole_field("last_after", pa.int32()),
        *_BINS,
    ]
)
FORM = Form(_SCHEMA, encodings(_SCHEMA), extremes=("series", "start"), group=10_000)

_BIN_NAMES = tuple(field.name for field in _BINS)
_PLAIN_NAMES = tuple(name for name in _SCHEMA.names if name not in _BIN_NAMES)


class RolledWriter:
    """Writes roll-ups by ranges of series, ascending."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, rolled: Rolled) -> None:
        """Adds rows, sorted by (series, start), after all that were written before. Raises OSError."""
        for begins in range(0, len(rolled), FORM.group):
            part = take(rolled, np.arange(begins, min(begins + FORM.group, len(rolled))))
            self._writer.write(_table(part))


@contextmanager
def writing_rolled(
    file: File, labels: Mapping[int, Labels], point: Point = nothing, nans: Collection[int] | None = None
) -> Iterator[RolledWriter]:
    """A writer of one file of roll-ups; at its end the file is on the disk under its name, after an error nothing is. ``nans`` are, by
    then, the series of which a NaN that is no staleness marker is left out (None: not known). Raises OSError."""
    with writing(file, FORM, point) as writer:
        yield RolledWriter(writer)
        writer.close(facts_of(file, labels) | ({} if nans is None else nans_said(nans)))


def open_rolled(file: File) -> Opened:
    """Opens a file of roll-ups. Raises Damaged (FileNotFoundError where it is gone)."""
    return open_file(file, FORM.schema)


def read_rolled(opened: Opened, ids: Ids | None, start: int, end: int, *, bins: bool = True) -> Rolled:
    """The rows of these series (ascending; None for all) that begin from ``start`` to ``end``, both included, sorted by (series, start).
    Without ``bins`` they are not read, and no row has any. Raises Damaged (FileNotFoundError where the file is gone)."""
    parts = []
    for table in read_groups(opened, groups_with(opened, ids), _PLAIN_NAMES + (_BIN_NAMES if bins else ())):
        places = places_of(column(table, "series"), ids, column(table, "start"), start, end)
        if len(places):
            first, last = int(places[0]), int(places[-1])
            parts.append(take(_rolled(opened.file, table.slice(first, last + 1 - first), bins), places - first))
    return join(parts)


def _table(rolled: Rolled) -> pa.Table:
    digits = digits_of(rolled.series, rolled.last)
    packed = pack(Bins(rolled.edges, rolled.bin, rolled.weight), rolled.count)
    rolled = replace(rolled, sum=snapped(rolled.sum, digits, _lost_in_sums(rolled)))
    numbers = [array for name in _NUMBERS for array in number_arrays(rolled.series, getattr(rolled, name), digits)]
    columns = [
        pa.array(np.ascontiguousarray(rolled.series, np.int32)),
        instant_array(rolled.start),
        pa.array(rolled.count),
        pa.array(digits),
        *numbers,
        pa.array((rolled.first_at - rolled.start).astype(np.int32)),
        pa.array((rolled.last_at - rolled.start).astype(np.int32)),
        pa.array(packed.first),
        pa.array(np.full(len(rolled), packed.bits, np.int32)),
        bytes_array(packed.edges, packed.bins, packed.none),
        bytes_array(packed.wide_edges, packed.wide),
    ]
    return pa.Table.from_arrays(columns, schema=_SCHEMA)


def _lost_in_sums(rolled: Rolled) -> Values:
    """The bound of what adding up may lose: n numbers of at most m lose n * n * m * u (Higham, "Accuracy and Stability", 4.2)."""
    with np.errstate(over="ignore", invalid="ignore"):
        largest = np.maximum(np.abs(rolled.minimum), np.abs(rolled.maximum))
        return rolled.count.astype(np.float64) ** 2 * largest * 2.0**-53


def _rolled(file: File, table: pa.Table, bins: bool) -> Rolled:
    start = column(table, "start")
    numbers = {name: numbers_of(table, name) for name in _NUMBERS}
    count = column(table, "count")
    held = _bins(file, table, count) if bins else Bins(np.zeros(len(start) + 1, np.int64), np.empty(0, np.int32), np.empty(0, np.int64))
    return Rolled(
        series=column(table, "series"),
        start=start,
        count=count,
        first_at=start + column(table, "first_after"),
        last_at=start + column(table, "last_after"),
        edges=held.edges,
        bin=held.bin,
        weight=held.weight,
        **numbers,
    )


def _bins(file: File, table: pa.Table, count: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Bins:
    """All rows of a row group, or of several that were packed with different bits."""
    bits = column(table, "bin_bits")
    if not len(bits):
        return Bins(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.int64))
    edges, content, none = bytes_of(table, "bins")
    wide_edges, wide, _ = bytes_of(table, "bins_wide")
    if len(set(bits.tolist()[:1] + bits.tolist()[-1:])) > 1:
        raise Damaged(file, "has bins of different kinds in one row group")
    try:
        pairs = wide.view(np.int64).reshape(-1, 2)
        return unpack(Packed(none, column(table, "bin_first"), int(bits[0]), edges, content, wide_edges // 16, pairs), count)
    except ValueError as error:
        raise Damaged(file, f"has bins that do not fit ({error})") from error
