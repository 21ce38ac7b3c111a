"""A file is rotated by copying it and cutting it to nothing (copytruncate), for a writer that can only go on writing to the same file.

What is written between the last look at the file's size and the cut is lost; nothing can prevent that from outside. So this is done only
where the configuration says why.
"""

import os

from keepwell.rooms.logs.decide import PART, room_for_one, slots_of
from keepwell.rooms.logs.model import Owner, Rotate, Step

from .folder import Folder, give, identity_of
from .listing import Live
from .rotating import open_archive

_PIECE = 1024 * 1024


def copy_and_cut(live: Live, rotate: Rotate) -> Step | None:
    """Copies the file to number 1 of its rotated ones, and cuts it. None where it is no longer the file that was meant, or is empty.

    Interrupted before the cut, the copy is there already: what it has not yet is added, and then the file is cut. Raises OSError."""
    with Folder(live.folder) as folder, open_archive(folder, rotate.archive) as archive:
        found = folder.regular(live.name)
        if found is None or identity_of(found) != live.identity or not found.st_size:
            return None
        source = os.open(live.name, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.descriptor)
        first = f"{live.name}.1"
        try:
            if not _is_copied(archive, first, source):
                for old, new in room_for_one(slots_of(live.name, archive.names()), live.name):
                    archive.rename(old, archive, new)
                _copy(archive, first, source, found)
            size = _catch_up(archive, first, source)
            os.ftruncate(source, 0)
        finally:
            os.close(source)
        return Step("rotated", live.path, os.path.join(archive.path, first), size)


def _is_copied(archive: Folder, first: str, source: int) -> bool:
    """Whether number 1 is the beginning of the file: then a copy was interrupted before the cut."""
    found = archive.regular(first)
    if found is None or not found.st_size or found.st_size > os.fstat(source).st_size:
        return False
    copy = archive.open_to_read(first)
    try:
        at = 0
        while at < found.st_size:
            piece = os.pread(copy, min(_PIECE, found.st_size - at), at)
            if not piece or piece != os.pread(source, len(piece), at):
                return False
            at += len(piece)
        return True
    finally:
        os.close(copy)


def _copy(archive: Folder, first: str, source: int, found: os.stat_result) -> None:
    part = first + PART
    archive.remove(part)
    target = archive.create(part, 0o600)
    try:
        _append(target, source, 0)
        give(target, Owner(), found)
        os.fsync(target)
        archive.rename(part, archive, first)
        archive.settle()
    except BaseException:
        archive.remove(part)
        raise
    finally:
        os.close(target)


def _catch_up(archive: Folder, first: str, source: int) -> int:
    """Adds what was written meanwhile, until there is nothing; the bytes that the copy has."""
    target = os.open(first, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=archive.descriptor)
    try:
        os.fsync(target)
        size = os.fstat(target).st_size
        while os.fstat(source).st_size > size:
            size = _append(target, source, size)
        return size
    finally:
        os.close(target)


def _append(target: int, source: int, at: int) -> int:
    while piece := os.pread(source, _PIECE, at):
        view = memoryview(piece)
        while view:
            view = view[os.write(target, view) :]
        at += len(piece)
    return at
