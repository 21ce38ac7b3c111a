"""What was added to a log file since it was read last, through renames: first the rest of the file that was read, then what came after."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from keepwell.rooms.logs.model import Identity

from .folder import Folder, identity_of
from .holders import is_written
from .listing import rotated_files
from .packing import Different, unpacked

PIECE = 256 * 1024
HEAD = 256
"""Bytes of a file's beginning by which it is known again."""
MOST = 4 * 1024 * 1024
"""Bytes that are read at one look: a file that grows faster is caught up with by the next looks."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: which file, and up to which byte (the beginning of a line).

    ``head`` is how it begins, as far as it was read: an inode that was freed is given to the next new file, often at once."""

    identity: Identity
    at: int
    head: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class Read:
    """What was read at one look: whole lines, and the place behind them. ``is_behind``: there is more."""

    lines: Sequence[bytes]
    place: Place
    is_behind: bool = False
    said: str = ""


def end_of(path: str) -> Place | None:
    """The end of a file's last whole line, where reading begins that never read it; None where there is no file."""
    folder, name = os.path.split(path)
    with Folder(folder) as opened:
        found = opened.regular(name)
        if found is None:
            return None
        descriptor = opened.open_to_read(name)
        try:
            at = found.st_size
            while at > 0:
                begin = max(0, at - PIECE)
                piece = os.pread(descriptor, at - begin, begin)
                if b"\n" in piece:
                    return Place(identity_of(found), begin + piece.rindex(b"\n") + 1)
                at = begin
            return Place(identity_of(found), 0)
        finally:
            os.close(descriptor)


def read_on(path: str, archive: str, place: Place | None) -> Read | None:
    """What came since ``place`` (None: from the beginning of the file). None where there is no file. Raises OSError."""
    folder, name = os.path.split(path)
    with Folder(folder) as opened:
        live = opened.regular(name)
        if live is None and place is None:
            return None
        if live is not None and (place is None or place.identity == identity_of(live)):
            descriptor = opened.open_to_read(name)
            try:
                return _of_live(path, descriptor, place)
            finally:
                os.close(descriptor)
    assert place is not None, "without a place there is a file, which was read"
    return _of_rotated(path, archive, place, identity_of(live) if live is not None else None)


def _of_live(path: str, descriptor: int, place: Place | None) -> Read:
    found = os.fstat(descriptor)
    if place is None:
        return _on(descriptor, Place(identity_of(found), 0))
    said = ""
    if place.at > found.st_size:
        said = f"{path} was cut to nothing while it was read: lines that were written just before may not be counted"
    elif os.pread(descriptor, len(place.head), 0) != place.head:
        said = f"{path} was replaced by another file while it was read: the last lines of the one before may not be counted"
    return _on(descriptor, Place(place.identity, 0) if said else place, said)


def _on(descriptor: int, place: Place, said: str = "", *, to_its_end: bool = False) -> Read:
    """Whole lines from a place on; ``to_its_end``: nobody writes to it any more, so its last line is whole."""
    pieces, size = [], 0
    while size < MOST and (piece := os.pread(descriptor, PIECE, place.at + size)):
        pieces.append(piece)
        size += len(piece)
    content = b"".join(pieces)
    read = _cut(content, place, is_behind=size >= MOST, to_its_end=to_its_end, said=said)
    return replace(read, place=replace(read.place, head=os.pread(descriptor, min(HEAD, read.place.at), 0)))


def _cut(content: bytes, place: Place, *, is_behind: bool, to_its_end: bool, said: str = "") -> Read:
    whole = len(content) if to_its_end and not is_behind else content.rfind(b"\n") + 1
    if not whole and is_behind:
        whole = len(content)  # one line that is longer than everything: its parts count as lines
    lines = content[:whole].split(b"\n")
    if not lines[-1]:
        lines.pop()
    return Read(lines, Place(place.identity, place.at + whole), is_behind, said)


def _of_rotated(path: str, archive: str, place: Place, live: Identity | None) -> Read:
    """What is left of a file that was renamed; when nobody writes to it any more, the place is the beginning of the next."""
    folder, name = os.path.split(path)
    rotated = rotated_files(folder, name, archive)
    at = next((number for number, one in enumerate(rotated) if one.identity == place.identity), None)
    if at is None:
        after = rotated[0].identity if live is None and rotated else live
        said = f"what was rotated of {path} while nobody read it is gone or was compressed: its last lines may not be counted"
        return Read((), Place(after, 0), True, said) if after is not None else Read((), place, False, said)
    found = rotated[at]
    following = rotated[at - 1].identity if at > 0 else live
    if found.path.endswith(".gz"):
        return _of_packed(found.path, place, following)
    descriptor = os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        is_open = is_written(descriptor, place.identity)  # asked first: what is written after that is read at the next look
        read = _on(descriptor, place, to_its_end=not is_open and following is not None)
    finally:
        os.close(descriptor)
    if is_open or read.is_behind or following is None:
        return read
    return Read(read.lines, Place(following, 0), True)


def _of_packed(path: str, place: Place, following: Identity | None) -> Read:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        content = b"".join(_behind(unpacked(_pieces(descriptor), path), place.at))
    except Different as trouble:
        return Read((), Place(following, 0) if following is not None else place, False, str(trouble))
    finally:
        os.close(descriptor)
    read = _cut(content, place, is_behind=len(content) >= MOST, to_its_end=following is not None)
    return read if read.is_behind or following is None else Read(read.lines, Place(following, 0), True)


def _behind(pieces: Iterator[bytes], at: int) -> Iterator[bytes]:
    """At most ``MOST`` bytes from a byte on."""
    passed, given = 0, 0
    for piece in pieces:
        fresh = piece[max(0, at - passed) :][: MOST - given]
        passed += len(piece)
        given += len(fresh)
        yield fresh
        if given >= MOST:
            return


def _pieces(descriptor: int) -> Iterator[bytes]:
    while piece := os.read(descriptor, PIECE):
        yield piece
