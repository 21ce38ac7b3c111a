"""One Parquet file, written so that it is either whole or not there, and read so that no altered byte passes for a sample.

A page's checksum (Parquet format, "Checksumming") covers the page's data and neither its header nor the file's footer. Therefore a *seal*
stands before the footer (``seal.py``). Reading checks it when the file is opened, and each column that it reads. Other programs read
the file as any other.
"""

import os
import zlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.layout import UNFINISHED, File
from keepwell.rooms.samples.files.seal import MAGIC, footer_of, put_seal, read_seal

Point = Callable[[str], None]
"""Called before and after each step of writing, with the step's name: where tests pull the plug."""

_ZSTD_LEVEL = 3


def nothing(step: str) -> None:
    """The point of writing at which nothing happens."""


def be_frugal() -> None:
    """Has Arrow take memory from the system and give it back at once; for the whole process. Its own pool keeps what it once had."""
    pa.set_memory_pool(pa.system_memory_pool())


@dataclass(frozen=True, slots=True)
class Form:
    """How a tier's files are written: columns, their encodings, of which columns extremes are kept, and rows a row group."""

    schema: pa.Schema
    encodings: Mapping[str, str]
    extremes: Sequence[str]
    group: int


class Writer:
    """Writes one file under an unfinished name; ``close`` makes it durable and gives it its name."""

    def __init__(self, file: File, form: Form, point: Point = nothing) -> None:
        self.rows = 0
        self._file = file
        self._form = form
        self._point = point
        file.path.parent.mkdir(exist_ok=True)
        self._path = file.path.with_name(f".{file.path.name}.{os.getpid()}{UNFINISHED}")
        point("begin")
        self._path.unlink(missing_ok=True)
        self._writer = pq.ParquetWriter(
            str(self._path),
            form.schema,
            compression="zstd",
            compression_level=_ZSTD_LEVEL,
            use_dictionary=False,
            column_encoding=dict(form.encodings),
            write_page_checksum=True,
            write_statistics=list(form.extremes),
            store_schema=False,
        )

    def write(self, table: pa.Table) -> None:
        """Adds rows. Raises OSError."""
        self._point("write")
        self._writer.write_table(table, row_group_size=self._form.group)
        self.rows += table.num_rows

    def close(self, facts: Mapping[str, str]) -> None:
        """Ends the file with these facts about it; when it returns, the file is on the disk under its name. Raises OSError."""
        self._writer.add_key_value_metadata(dict(facts))
        self._point("footer")
        self._writer.close()
        self._point("seal")
        with self._path.open("r+b") as file:
            _seal(file.fileno())
            self._point("flush")
            os.fsync(file.fileno())
        self._point("rename")
        self._path.replace(self._file.path)
        self._point("flush folder")
        flush_folder(self._file.path.parent)
        self._point("end")

    def abandon(self) -> None:
        """Removes what was written so far."""
        with suppress(Exception):
            self._writer.close()
        self._path.unlink(missing_ok=True)


@contextmanager
def writing(file: File, form: Form, point: Point = nothing) -> Iterator[Writer]:
    """A writer whose unfinished file does not survive an error."""
    writer = Writer(file, form, point)
    try:
        yield writer
    except BaseException:
        writer.abandon()
        raise


def flush_folder(folder: Path) -> None:
    """Makes names that were given or removed in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _seal(handle: int) -> None:
    _, footer = footer_of(handle, os.fstat(handle).st_size)
    metadata = pq.read_metadata(pa.BufferReader(MAGIC + footer))
    put_seal(handle, [zlib.crc32(os.pread(handle, many, at)) for chunks in chunks_of(metadata) for at, many in chunks])


def chunks_of(metadata: pq.FileMetaData) -> Iterator[list[tuple[int, int]]]:
    """Where each row group's columns stand: begin and length in bytes."""
    for group in range(metadata.num_row_groups):
        columns = metadata.row_group(group)
        found = []
        for number in range(columns.num_columns):
            column = columns.column(number)
            begins = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
            found.append((begins, column.total_compressed_size))
        yield found


@dataclass(frozen=True, slots=True)
class Opened:
    """A file whose seal was right: its footer, the checksums of its columns by row group, and the extremes of each row group's series."""

    file: File
    metadata: pq.FileMetaData
    sums: Sequence[Sequence[int]]
    first_series: NDArray[np.int32]
    last_series: NDArray[np.int32]

    @property
    def size(self) -> int:
        """Bytes of its footer; what is remembered of it takes a few times as many."""
        return int(self.metadata.serialized_size)

    @property
    def facts(self) -> Mapping[str, str]:
        """What was said about it when it was closed."""
        return {key.decode(): value.decode() for key, value in (self.metadata.metadata or {}).items()}


def open_file(file: File, schema: pa.Schema) -> Opened:
    """Opens a file and checks its seal. Raises Damaged (FileNotFoundError where it is gone)."""
    try:
        with file.path.open("rb") as opened:
            return _opened(file, opened.fileno(), schema)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(file, f"cannot be read ({error.strerror or error})") from error


def _opened(file: File, handle: int, schema: pa.Schema) -> Opened:
    sealed = read_seal(file, handle)
    metadata = pq.read_metadata(pa.BufferReader(MAGIC + sealed.footer))
    if not metadata.schema.to_arrow_schema().equals(schema):
        raise Damaged(file, f"has other columns than a file of the tier {file.tier.value}")
    sums = sealed.sums
    wide = metadata.num_columns
    extremes = [metadata.row_group(group).column(0).statistics for group in range(metadata.num_row_groups)]
    return Opened(
        file,
        metadata,
        [sums[place : place + wide] for place in range(0, len(sums), wide)],
        np.array([one.min for one in extremes], np.int32),
        np.array([one.max for one in extremes], np.int32),
    )


def read_groups(opened: Opened, groups: Sequence[int], columns: Sequence[str]) -> Iterator[pa.Table]:
    """Row groups of a file, one at a time, with these columns, each checked. Raises Damaged (FileNotFoundError where the file is gone)."""
    file = opened.file
    try:
        with file.path.open("rb") as source:
            reader = pq.ParquetFile(source, metadata=opened.metadata, page_checksum_verification=True)
            for group in groups:
                _check(opened, source.fileno(), group, columns)
                yield reader.read_row_group(group, columns=list(columns), use_threads=False)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        raise Damaged(file, f"cannot be read ({_short(error)})") from error


def verify(opened: Opened) -> None:
    """Checks every column of a file. Raises Damaged (FileNotFoundError where the file is gone)."""
    names = frozenset(opened.metadata.schema.names)
    try:
        with opened.file.path.open("rb") as source:
            for group in range(len(opened.sums)):
                _check(opened, source.fileno(), group, names)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(opened.file, f"cannot be read ({_short(error)})") from error


def _check(opened: Opened, handle: int, group: int, columns: Container[str]) -> None:
    found = opened.metadata.row_group(group)
    for number in range(found.num_columns):
        column = found.column(number)
        name = column.path_in_schema.partition(".")[0]
        if name not in columns:
            continue
        begins = column.dictionary_page_offset if column.has_dictionary_page else column.data_page_offset
        if zlib.crc32(os.pread(handle, column.total_compressed_size, begins)) != opened.sums[group][number]:
            raise Damaged(opened.file, f"has been altered: its column {name} does not match its checksum")


def _short(error: Exception) -> str:
    number = getattr(error, "errno", None)
    return os.strerror(number) if number else str(error).partition("\n")[0][:200]
