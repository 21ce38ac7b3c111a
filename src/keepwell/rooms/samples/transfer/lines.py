"""The lines of a file of any size, with their numbers, in bounded memory; gzip is undone on the way."""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from keepwell.kernel.problems import KeepwellError, Problem

LONGEST = 256 * 1024
"""Bytes of a line; a longer one is passed over and told."""

_BLOCK = 1024 * 1024
_GZIP = b"\x1f\x8b"
_FOREIGN = (
    (b"PAR1", "is a Parquet file, which is not imported", "export as csv or openmetrics"),
    (b"\x28\xb5\x2f\xfd", "is packed with zstd", "unpack it first: zstd -dc FILE | keepwell samples import -"),
    (b"\xfd7zXZ\x00", "is packed with xz", "unpack it first: xz -dc FILE | keepwell samples import -"),
    (b"BZh", "is packed with bzip2", "unpack it first: bzip2 -dc FILE | keepwell samples import -"),
    (b"PK\x03\x04", "is a zip archive", "unpack it first: unzip -p FILE | keepwell samples import -"),
    (b"\xff\xfe", "is written in UTF-16", "write it in UTF-8: iconv -f UTF-16 -t UTF-8 FILE | keepwell samples import -"),
    (b"\xfe\xff", "is written in UTF-16", "write it in UTF-8: iconv -f UTF-16 -t UTF-8 FILE | keepwell samples import -"),
)
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines one after the other, without their ends (``\\n``); ``first`` is the number of the first. Where it is ``too_long`` there is one
    text, the beginning of that line."""

    first: int
    texts: list[bytes]
    too_long: bool = False


class Broken(KeepwellError):
    """A file that cannot be read any further."""

    code = "samples.import"


class Lines:
    """The lines of a stream. ``done`` are the bytes of the stream that were read, ``number`` the line last given."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Raises KeepwellError for a file that cannot hold lines of samples."""
        self._counted = _Counted(stream)
        self._name = name
        self.number = 0
        self.is_whole = True
        """Whether the last line ended with a newline."""
        buffered = io.BufferedReader(self._counted, _BLOCK)
        start = buffered.peek(8)[:8]
        for magic, what, hint in _FOREIGN:
            if start.startswith(magic):
                raise KeepwellError(Problem("samples.import", f"{name} {what}", hint))
        self._stream = gzip.GzipFile(fileobj=buffered) if start.startswith(_GZIP) else buffered

    @property
    def done(self) -> int:
        """Bytes that were read of the stream, packed where it is."""
        return self._counted.done

    def __iter__(self) -> Iterator[Chunk]:
        """Raises Broken where the stream breaks off; all lines before were given."""
        rest, dropping = b"", False
        while block := self._read():
            whole, newline, block = block.rpartition(b"\n")
            if newline:
                texts = whole.split(b"\n")
                texts[0] = rest + texts[0]
                yield from self._chunks(texts, dropping)
                rest, dropping = block, False
            elif not dropping:
                rest += block
            if len(rest) > LONGEST:
                rest, dropping = rest[:LONGEST], True
        if rest:
            self.is_whole = False
            yield from self._chunks([rest], dropping)

    def _chunks(self, texts: list[bytes], dropping: bool) -> Iterator[Chunk]:
        first = self.number + 1
        if first == 1:
            texts[0] = texts[0].removeprefix(_BOM)
        begin = 0
        for place in range(len(texts)) if dropping or max(map(len, texts)) > LONGEST else ():
            if len(texts[place]) > LONGEST or (dropping and not place):
                if begin < place:
                    yield self._chunk(first + begin, texts[begin:place])
                yield self._chunk(first + place, [texts[place][:LONGEST]], too_long=True)
                begin = place + 1
        if begin < len(texts):
            yield self._chunk(first + begin, texts[begin:])

    def _chunk(self, first: int, texts: list[bytes], too_long: bool = False) -> Chunk:
        self.number = first + len(texts) - 1
        return Chunk(first, texts, too_long)

    def _read(self) -> bytes:
        try:
            return self._stream.read1(_BLOCK)
        except EOFError:
            raise self._broken("it ends in the middle of its gzip data: it is cut") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise self._broken(f"its gzip data is damaged ({error})") from None
        except OSError as error:
            raise self._broken(f"it cannot be read any further: {error.strerror or error}") from None

    def _broken(self, why: str) -> Broken:
        return Broken(f"{self._name}, after line {self.number}: {why}", hint="bring it again, whole")


class _Counted(io.RawIOBase):
    """Counts what is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.done += len(data)
        return len(data)
