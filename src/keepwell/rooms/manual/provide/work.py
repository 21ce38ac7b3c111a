"""Writes the wrappers. A file that is somebody's own is never replaced, and no link is followed."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.rooms.manual.importing.keep import read_kept
from keepwell.rooms.manual.reading.document import read_manual

from .decide import Facts, Program, is_wrapper, programs_of, wrapper


@dataclass(frozen=True, slots=True)
class Written:
    """A program and what became of it: ``written``, ``unchanged``, or why not."""

    program: Program
    became: str


def programs(folder: Path, data: Path, facts: Facts) -> list[Program]:
    """The programs of the manual that was imported into a folder. Raises NotFound where none was."""
    kept = read_kept(data, folder)
    if kept is None:
        raise NotFound(f"on this machine nothing was imported into {folder}", hint=f"keepwell import MANUAL -o {folder} does")
    return programs_of(read_manual(kept.manual, kept.name), facts)


def provide(found: list[Program], to: Path, keepwell: str, data: Path, folder: Path) -> list[Written]:
    """Writes a wrapper for each program that a command stands for. Raises UsageError where the folder cannot be written to."""
    try:
        to.mkdir(parents=True, exist_ok=True)
        return [Written(one, _write(one, to, wrapper(one, keepwell, str(data), str(folder)))) for one in found]
    except OSError as error:
        raise UsageError(f"{to} cannot be written to: {error.strerror}", hint="name another folder with --to") from None


def _write(program: Program, to: Path, text: str) -> str:
    if not program.command:
        return program.why_not
    path = to / program.name
    there = _there(path)
    if there is None or (there and not is_wrapper(there)):
        return "a file of that name is there already, and not made by keepwell provide"
    if there == text:
        return "unchanged"
    new = path.with_name(f".{program.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o755)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
    new.replace(path)
    return "written"


def _there(path: Path) -> str | None:
    """The text of a file; empty where there is none, None where it is no plain file or no text."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        return path.read_text("utf-8", "surrogateescape") or " "
    except FileNotFoundError:
        return ""
