"""Samples as Parquet for any reader: ``time`` (milliseconds in UTC), ``metric``, ``value`` and a column of text for each label.

A label that a series has not is null. The columns of labels are called as in CSV. Rows are sorted by series (name, then labels), then by
time. A staleness marker is the NaN whose bits are 0x7ff0000000000002.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Instants, Labels, Values

from .csv_writing import METRIC, TIME, VALUE, column_of

_MOST_CELLS = 2_000_000
_TEXT = pa.dictionary(pa.int32(), pa.string())


class _Pieces:
    """A file that is only written, forwards; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0
        self.closed = False

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self.closed = True

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class ParquetWriter:
    """Writes the samples of series that have labels of these names (without ``__name__``). Every call gives the next bytes of the file."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(set(names) - {NAME})
        fields = [pa.field(TIME, pa.timestamp("ms", "UTC"), False), pa.field(METRIC, _TEXT, False), pa.field(VALUE, pa.float64(), False)]
        self._schema = pa.schema([*fields, *(pa.field(column_of(name), _TEXT) for name in self._names)])
        self._sink = _Pieces()
        self._file = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"), self._schema, compression="zstd", compression_level=3, write_page_checksum=True
        )
        self._most = max(10_000, _MOST_CELLS // len(self._schema))
        self._waiting: list[tuple[Labels, Instants, Values]] = []
        self._count = 0

    def rows(self, labels: Labels, at: Instants, value: Values) -> bytes:
        """Adds the samples of one series, ascending."""
        for first in range(0, len(at), self._most):
            piece = slice(first, first + self._most)
            self._waiting.append((labels, at[piece], value[piece]))
            self._count += len(at[piece])
            if self._count >= self._most:
                self._flush()
        return self._sink.take()

    def end(self) -> bytes:
        """The end of the file."""
        if self._count:
            self._flush()
        self._file.close()
        return self._sink.take()

    def _flush(self) -> None:
        counts = [len(at) for _, at, _ in self._waiting]
        time = pa.array(np.concatenate([at for _, at, _ in self._waiting])).view(pa.timestamp("ms", "UTC"))
        value = pa.array(np.concatenate([value for _, _, value in self._waiting]))
        labels = [labels for labels, _, _ in self._waiting]
        texts = [_column([one.get(name) for one in labels], counts) for name in (NAME, *self._names)]
        self._file.write_table(pa.Table.from_arrays([time, texts[0], value, *texts[1:]], schema=self._schema), row_group_size=self._count)
        self._waiting, self._count = [], 0


def _column(values: list[str | None], counts: list[int]) -> pa.DictionaryArray:
    """A text for each series, repeated for its samples."""
    distinct = {value: place for place, value in enumerate(dict.fromkeys(value for value in values if value is not None))}
    codes = np.repeat(np.array([-1 if value is None else distinct[value] for value in values], np.int32), counts)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(list(distinct), pa.string()))
