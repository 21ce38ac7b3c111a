"""Lines of a log file and what was rotated of it, in blocks of bounded size, the oldest file first."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.logs.files.packing import Different, unpacked

BLOCK = 1024 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes of a line; of a longer one the rest is left out, which is counted."""
_HEAD = 64 * 1024
_UNREADABLE = (".zst", ".xz", ".bz2")


@dataclass(slots=True)
class Block:
    """Some whole lines as one text, without the end of the last.

    ``undecodable`` of them had bytes that are no UTF-8 (replaced by U+FFFD), ``cut`` were too long."""

    text: str
    undecodable: int = 0
    cut: int = 0


def blocks(path: str) -> Iterator[Block]:
    """A file's lines, unpacked where it is compressed. Raises OSError and Different (damaged)."""
    rest, is_cut = b"", False
    for piece in _pieces(path):
        whole, found, rest = (rest + piece).rpartition(b"\n")
        if found:
            yield _block(whole, int(is_cut))
            is_cut = False
        if len(rest) > LONGEST_LINE:
            rest, is_cut = rest[:LONGEST_LINE], True
    if rest:
        yield _block(rest, int(is_cut))


def head(path: str) -> str:
    """The beginning of a file."""
    for piece in _pieces(path):
        return piece[:_HEAD].decode("utf-8", "replace")
    return ""


def _block(content: bytes, cut: int) -> Block:
    try:
        text, undecodable = content.decode("utf-8"), 0
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        undecodable = sum(1 for line in content.split(b"\n") if not _is_text(line))
    if "\r" in text:
        text = text.replace("\r\n", "\n").removesuffix("\r")
    return Block(text, undecodable, cut)


def _is_text(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _pieces(path: str) -> Iterator[bytes]:
    if path.endswith(_UNREADABLE):
        raise Different("it is compressed by another program than gzip")
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        raw = _raw(descriptor)
        yield from unpacked(raw, path) if path.endswith(".gz") else raw
    finally:
        os.close(descriptor)


def _raw(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, BLOCK):
        yield piece


__all__ = ["BLOCK", "LONGEST_LINE", "Block", "Different", "blocks", "head"]
