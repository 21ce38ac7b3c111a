"""Putting something in the place of something else in one step, so that nobody ever sees neither: renameat2(2) with RENAME_EXCHANGE."""

import ctypes
import os
from pathlib import Path

from .files import sync_folder

_AT_FDCWD = -100
_RENAME_NOREPLACE, _RENAME_EXCHANGE = 1, 2


class Stranded(OSError):
    """What was at its place lies where the new one was: nothing there may be removed."""


def put_in_place(new: Path, place: Path, aside: Path) -> bool:
    """Puts ``new`` at ``place``; what was there is ``aside`` afterwards. All are in one file system. Gives whether anything was there.

    Raises OSError, FileExistsError among them where ``aside`` is taken: then everything is where it was, but for Stranded. Interrupted by
    a crash, what was at ``place`` is there still, or lies where ``new`` did.
    """
    if os.path.lexists(aside):
        raise FileExistsError(f"{aside} exists already")
    _sync(new)  # before it takes the place of what is there: the power may go at any moment after
    was_there = os.path.lexists(place)
    _rename(new, place, _RENAME_EXCHANGE if was_there else _RENAME_NOREPLACE)
    if was_there:
        try:
            _rename(new, aside, _RENAME_NOREPLACE)
        except OSError as error:
            try:
                _rename(new, place, _RENAME_EXCHANGE)
            except OSError as again:
                raise Stranded(again.errno, f"{again.strerror}; what was there lies in {new}", str(place)) from error
            raise
    sync_folder(place.parent)
    return was_there


def _sync(path: Path) -> None:
    """Waits until everything in the path's file system is on the disk: syncfs(2)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if libc.syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)


def _rename(old: Path, new: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(old), _AT_FDCWD, os.fsencode(new), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(new))
