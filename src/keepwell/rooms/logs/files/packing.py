"""A rotated file is compressed (gzip, RFC 1952): written beside, read back, compared, and only then does it take the other's place."""

import hashlib
import os
import zlib
from collections.abc import Iterator

from keepwell.rooms.logs.decide import PACKED, PART
from keepwell.rooms.logs.model import Owner, Step

from .folder import Folder, give, identity_of
from .holders import holders_of, is_written

_PIECE = 256 * 1024
_PACKED_PIECE = 16 * 1024
"""Bytes that are unpacked at once: they become a thousand times as many at the very most."""
_GZIP = 31
"""zlib's window of 32 KiB with gzip's header and end (zlib.h, ``windowBits``)."""
_LEVEL = 6


_UNKNOWN = (
    "stays uncompressed: this user cannot tell whether somebody still writes to it, and what they wrote would be lost; "
    "let Keepwell run as its owner, or with the capability CAP_LEASE"
)


class Busy(Exception):
    """The file is still written to."""


class Different(Exception):
    """What was written is not what was read, another file has the name already, or nobody can tell whether it is complete."""


def pack(folder: Folder, name: str) -> Step:
    """Compresses one file in its folder. Raises Busy, Different, or OSError (no room): then the file is as it was.

    Interrupted anywhere, it is there once: as it was, or complete under the new name, or both until the next call removes the old."""
    packed, part = name + PACKED, name + PACKED + PART
    source = folder.open_to_read(name)
    try:
        before = os.fstat(source)
        written = is_written(source, identity_of(before))
        if written is None:
            raise Different(f"{os.path.join(folder.path, name)} {_UNKNOWN}")
        if written:
            raise Busy(_busy(folder, name, before))
        folder.remove(part)
        if folder.regular(packed) is None:
            _write(folder, part, source, before)
            if os.fstat(source).st_size != before.st_size:
                folder.remove(part)
                raise Busy(f"{os.path.join(folder.path, name)} grew while it was compressed")
            folder.rename(part, folder, packed)
            folder.settle()
        elif _digest(_unpacked(folder, packed)) != _digest(_pieces(source)):
            raise Different(f"{packed} in {folder.path} is there already and says something else: both stay")
        folder.remove(name)
        folder.settle()
    finally:
        os.close(source)
    path = os.path.join(folder.path, name)
    return Step("packed", path, path + PACKED, before.st_size)


def _busy(folder: Folder, name: str, found: os.stat_result) -> str:
    holders = ", ".join(map(str, holders_of(identity_of(found)))) or "a process"
    return f"{os.path.join(folder.path, name)} is still written to by {holders}"


def _write(folder: Folder, part: str, source: int, before: os.stat_result) -> None:
    target = folder.create(part, 0o600)
    try:
        digest = hashlib.sha256()
        packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        for piece in _pieces(source):
            digest.update(piece)
            _put(target, packer.compress(piece))
        _put(target, packer.flush())
        give(target, Owner(), before)
        os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
        os.fsync(target)
        if _digest(_unpacked(folder, part)) != digest.digest():
            raise Different(f"{os.path.join(folder.path, part)} was not stored as it was written: the disk is not to be trusted")
    except BaseException:
        folder.remove(part)
        raise
    finally:
        os.close(target)


def _put(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _pieces(descriptor: int) -> Iterator[bytes]:
    at = 0
    while piece := os.pread(descriptor, _PIECE, at):
        at += len(piece)
        yield piece


def _unpacked(folder: Folder, name: str) -> Iterator[bytes]:
    descriptor = folder.open_to_read(name)
    try:
        yield from unpacked(_pieces(descriptor), name)
    finally:
        os.close(descriptor)


def unpacked(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    """What a gzip file holds, piece by piece; several members behind each other are read as one. Raises Different where it is damaged."""
    members = _Members()
    try:
        for piece in pieces:
            for at in range(0, len(piece), _PACKED_PIECE):
                yield from members.feed(piece[at : at + _PACKED_PIECE])
    except zlib.error as error:
        raise Different(f"{name} is damaged: {error}") from None
    if members.begun:
        raise Different(f"{name} is cut off")


class _Members:
    """The members of a gzip file, one behind the other. ``begun``: the last of them is not complete."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(_GZIP)
        self.begun = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What these bytes hold."""
        while packed:
            self.begun = True
            yield self._unpacker.decompress(packed)
            packed = self._unpacker.unused_data
            if self._unpacker.eof:
                self._unpacker, self.begun = zlib.decompressobj(_GZIP), False


def _digest(pieces: Iterator[bytes]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()
