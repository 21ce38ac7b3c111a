"""The runbooks of an operations directory: regular files inside it only, each read once and up to a bound; nothing is written."""

import os
import stat
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from keepwell.kernel.quoting import quoted

from .runbook_text import read_runbook
from .runbooks import Runbook

FOLDER = "runbooks"
LARGEST = 2_000_000
"""Bytes of a runbook."""
MOST = 2000
"""Runbooks that are read where nothing names them."""
LONGEST = 100
"""Characters of a path that a sentence repeats."""


def read_runbooks(directory: Path, paths: Iterable[str]) -> tuple[Runbook, ...]:
    """Each of these runbooks, once. One that is not there, cannot be read or leaves the directory has a fault instead of steps."""
    inside = directory.resolve()
    return tuple(_runbook(inside, path) for path in dict.fromkeys(paths))


def runbook_paths(directory: Path) -> list[str]:
    """The files of the folder ``runbooks``, by name."""
    try:
        names = sorted(entry.name for entry in islice(os.scandir(directory / FOLDER), 10 * MOST) if entry.name.endswith(".md"))
    except OSError:
        return []
    return [f"{FOLDER}/{name}" for name in names[:MOST]]


def read_regular(file: Path, largest: int) -> bytes:
    """The bytes of a regular file; opening one that is none (a pipe) never waits. Raises OSError; ValueError where it is none or larger."""
    handle = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no regular file")
        with open(handle, "rb", closefd=False) as opened:
            data = opened.read(largest + 1)
    finally:
        os.close(handle)
    if len(data) > largest:
        raise ValueError(f"it is larger than {largest} bytes")
    return data


def leaves(path: str) -> str:
    """Why a path that leaves the operations directory is not read."""
    return f"{quoted(path, LONGEST)} leaves the operations directory, so it is not read"


def _runbook(inside: Path, path: str) -> Runbook:
    try:
        file = (inside / path).resolve()
        if not file.is_relative_to(inside):
            return Runbook(path, fault=leaves(path))
        return read_runbook(path, read_regular(file, LARGEST).decode("utf-8"))
    except FileNotFoundError:
        return Runbook(path, fault=f"{quoted(path, LONGEST)} does not exist")
    except UnicodeDecodeError:
        return Runbook(path, fault=f"{quoted(path, LONGEST)} is not text in UTF-8")
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a circle of links
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return Runbook(path, fault=f"{quoted(path, LONGEST)} cannot be read: {reason}")
