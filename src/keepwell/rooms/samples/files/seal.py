"""The seal of a file: checksums of its columns and of its footer, before the footer. Reads without Arrow, which costs forty megabytes.

It stands where other programs do not look: the CRC-32 of each column of each row group (little-endian), how many these are, the CRC-32 of
all of them, the footer and the file's size, and a word. Then follow the footer, its length and Parquet's own word.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from keepwell.rooms.samples.files.damage import Damaged
from keepwell.rooms.samples.files.layout import File

MAGIC = b"PAR1"
"""A Parquet file begins and ends with it."""

_SEAL = struct.Struct("<II8s")
_WORD = b"KWSEAL01"
_TAIL = struct.Struct("<I4s")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What stands at the end of a file: its footer (with its length and Parquet's word), and the columns' checksums."""

    footer: bytes
    sums: Sequence[int]


def footer_of(handle: int, size: int) -> tuple[int, bytes]:
    """Where the footer of a file without a seal begins, and the footer."""
    length, _ = _TAIL.unpack(os.pread(handle, _TAIL.size, size - _TAIL.size))
    begins = size - _TAIL.size - length
    return begins, os.pread(handle, size - begins, begins)


def put_seal(handle: int, sums: Sequence[int]) -> None:
    """Writes the seal before the footer. Raises OSError."""
    size = os.fstat(handle).st_size
    begins, footer = footer_of(handle, size)
    packed = struct.pack(f"<{len(sums)}I", *sums)
    after = size + len(packed) + _SEAL.size
    os.pwrite(handle, packed + _SEAL.pack(len(sums), _sum(packed, footer, after), _WORD) + footer, begins)


def check_seal(file: File) -> None:
    """Opens a file and checks its seal. Raises Damaged (FileNotFoundError where it is gone)."""
    try:
        with file.path.open("rb") as opened:
            read_seal(file, opened.fileno())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(file, f"cannot be read ({error.strerror or error})") from error


def read_seal(file: File, handle: int) -> Sealed:
    """Reads the end of a file and checks it. Raises Damaged and OSError."""
    size = os.fstat(handle).st_size
    if size == 0:
        raise Damaged(file, "is empty (0 bytes)")
    tail = os.pread(handle, _TAIL.size, size - _TAIL.size) if size >= _TAIL.size else b""
    if os.pread(handle, 4, 0) != MAGIC or tail[4:] != MAGIC:
        raise Damaged(file, "is no Parquet file, or a part of it is missing")
    begins = size - _TAIL.size - _TAIL.unpack(tail)[0]
    if begins < _SEAL.size:
        raise Damaged(file, "has been altered: its footer does not fit its size")
    count, expected, word = _SEAL.unpack(os.pread(handle, _SEAL.size, begins - _SEAL.size))
    first = begins - _SEAL.size - 4 * count
    if word != _WORD or first < 0:
        raise Damaged(file, "has been altered, or was not written by Keepwell: it has no seal")
    packed, footer = os.pread(handle, 4 * count, first), os.pread(handle, size - begins, begins)
    if _sum(packed, footer, size) != expected:
        raise Damaged(file, "has been altered: its footer does not match its seal")
    return Sealed(footer, struct.unpack(f"<{count}I", packed))


def _sum(packed: bytes, footer: bytes, size: int) -> int:
    return zlib.crc32(struct.pack("<Q", size), zlib.crc32(footer, zlib.crc32(packed)))
