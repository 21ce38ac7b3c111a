"""The control ``world_writable``: files and folders that every user of the host may write (CIS Benchmarks, "Ensure world writable files and
directories are secured"). A folder with the sticky bit, as /tmp has it, is none: there only an owner removes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field

from keepwell.config.options import Options
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import C_LOCALE, shown, text_of

LIMIT = 4 * 1024 * 1024

Path = Annotated[str, Field(pattern="^/", min_length=1)]


class WorldWritableOptions(Options):
    """Where to look."""

    paths: tuple[Path, ...] = Field(min_length=1)
    """Folders, with all below them on the same file system."""


def ask(options: WorldWritableOptions) -> tuple[Command, ...]:
    """find(1) over all of them."""
    what = ("(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")", "-perm", "-0002")
    argv = ("find", "-H", *options.paths, "-ignore_readdir_race", "-xdev", *what, "-printf", "%y %m %u:%g %p\\0")
    return (Command(argv, environment=C_LOCALE, output_limit=LIMIT, package="findutils"),)


def read(options: WorldWritableOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """One finding for each file or folder."""
    found = []
    for line in text_of(answers[0], "find").split("\0"):
        if not line:
            continue
        words = line.split(" ", 3)
        if len(words) != 4 or words[0] not in ("f", "d"):
            raise AnswerError(f"find gave no usable answer: {shown(line)}")
        kind, mode, owner, path = words
        found.append(Finding(path, f"every user may write the {'file' if kind == 'f' else 'folder'} {shown(path)} (mode {mode}, {owner})"))
    return found


DRIVER = Control(
    summary="Files and folders that every user may write",
    options=WorldWritableOptions,
    ask=ask,
    read=read,
    example="permissions:\n  world_writable: {paths: [/opt/shop, /etc/shop]}\n  every: weekly\n",
)
