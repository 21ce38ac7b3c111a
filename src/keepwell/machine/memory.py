"""Memory that was needed for a moment goes back to the system: what the C library's allocator keeps for later is no use to a server that
computes with large arrays now and then. Where the library is another than glibc, nothing is done."""

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # mallopt(3), malloc.h
_LARGE = 1 << 20
_ARENAS = 2


def be_modest() -> None:
    """Blocks of a megabyte and more are mapped on their own and unmapped when they are free, whatever was freed before (mallopt(3):
    setting M_MMAP_THRESHOLD ends its growth), and threads share two arenas."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        for parameter, value in ((_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE), (_ARENA_MAX, _ARENAS)):
            library.mallopt(parameter, value)


def give_back() -> None:
    """Free pages amid those in use go back too (malloc_trim(3)). It takes milliseconds; call it in a thread."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
