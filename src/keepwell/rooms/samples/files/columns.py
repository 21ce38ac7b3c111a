"""Between numpy's columns and those of a Parquet file."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from keepwell.rooms.samples.files.decimals import Digits, restored, split
from keepwell.rooms.samples.files.parquet import Opened
from keepwell.rooms.samples.model import Ids, Instants, Values

INSTANT = pa.timestamp("ms", "UTC")

Places = NDArray[np.int64]


def whole_field(name: str, kind: pa.DataType) -> pa.Field:
    """A column without gaps."""
    return pa.field(name, kind, nullable=False)


def number_fields(name: str) -> list[pa.Field]:
    """The two columns of a number: as it is, and in whole numbers where the first is null."""
    return [pa.field(name, pa.float64()), whole_field(f"{name}_whole", pa.int64())]


def encodings(schema: pa.Schema) -> Mapping[str, str]:
    """What suits each type of column; measured with half constants, a quarter counters, a quarter latencies."""
    by_type = {pa.float64(): "BYTE_STREAM_SPLIT", pa.binary(): "DELTA_LENGTH_BYTE_ARRAY"}
    return {field.name: by_type.get(field.type, "DELTA_BINARY_PACKED") for field in schema if field.type != pa.bool_()}


def number_arrays(series: Ids, values: Values, digits: Digits) -> list[pa.Array]:
    """The two columns of a number, of rows sorted by series."""
    wholes, exact = split(series, values, digits)
    return [pa.array(values, pa.float64(), mask=exact), pa.array(wholes, pa.int64())]


def instant_array(instants: Instants) -> pa.Array:
    """Milliseconds since 1970 as a column of instants."""
    return pa.array(np.ascontiguousarray(instants, np.int64)).view(INSTANT)


def bytes_array(edges: Places, content: NDArray[Any], none: NDArray[np.bool_] | None = None) -> pa.Array:
    """A column of bytes: those of row ``i`` are the elements ``edges[i]`` to before ``edges[i+1]``; null where ``none`` says so."""
    offsets = pa.py_buffer((edges * content.itemsize * int(np.prod(content.shape[1:]))).astype(np.int32).tobytes())
    valid = None if none is None else pa.array(~none).buffers()[1]
    return pa.Array.from_buffers(pa.binary(), len(edges) - 1, [valid, offsets, pa.py_buffer(content.tobytes())])


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column without gaps, of one row group; instants as milliseconds."""
    found = _array(table, name)
    if pa.types.is_timestamp(found.type):
        found = found.view(pa.int64())
    numbers: NDArray[Any] = found.to_numpy(zero_copy_only=False)
    return numbers


def numbers_of(table: pa.Table, name: str) -> Values:
    """A number's two columns as one."""
    plain = _array(table, name)
    values: Values = plain.to_numpy(zero_copy_only=False)
    if not plain.null_count:
        return values
    short = restored(column(table, f"{name}_whole"), column(table, "digits"))
    return short if plain.null_count == len(plain) else np.where(plain.is_null().to_numpy(zero_copy_only=False), short, values)


def bytes_of(table: pa.Table, name: str) -> tuple[Places, NDArray[np.uint8], NDArray[np.bool_]]:
    """A column of bytes: the edges of its rows, the bytes of all, and which rows are null."""
    found = _array(table, name)
    if not len(found):
        return np.zeros(1, np.int64), np.empty(0, np.uint8), np.empty(0, np.bool_)
    _, offsets, content = found.buffers()
    edges = np.frombuffer(offsets, np.int32)[found.offset : found.offset + len(found) + 1].astype(np.int64)
    held = np.empty(0, np.uint8) if content is None else np.frombuffer(content, np.uint8)[edges[0] : edges[-1]]
    edges -= edges[0]
    return edges, held, found.is_null().to_numpy(zero_copy_only=False)


def _array(table: pa.Table, name: str) -> pa.Array:
    found = table.column(name)
    return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def groups_with(opened: Opened, ids: Ids | None) -> list[int]:
    """The row groups that can hold one of these series (ascending; None for all)."""
    if ids is None:
        return list(range(len(opened.first_series)))
    first = np.searchsorted(ids, opened.first_series, side="left")
    last = np.searchsorted(ids, opened.last_series, side="right")
    return [int(group) for group in np.flatnonzero(last > first)]


def places_of(series: Ids, ids: Ids | None, at: Instants, start: int, end: int) -> Places:
    """Where, in columns sorted by series, the rows of these series (ascending; None for all) and this time (both ends included) are."""
    if ids is None:
        inside: Places = np.flatnonzero((at >= start) & (at <= end))
        return inside
    begins = np.searchsorted(series, ids, side="left")
    lengths = np.searchsorted(series, ids, side="right") - begins
    shifts = np.cumsum(lengths) - lengths
    places: Places = np.arange(int(lengths.sum())) + np.repeat(begins - shifts, lengths)
    return places[(at[places] >= start) & (at[places] <= end)]
