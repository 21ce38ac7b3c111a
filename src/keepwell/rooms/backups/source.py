"""What a driver of ``sources/`` exports: what can be backed up, and how it is brought into an archive."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keepwell.config.options import Options


@dataclass(frozen=True, slots=True)
class Seen:
    """Something to be archived: its path from the root, and what lstat(2) says of it; ``content`` is a file that stands for its content."""

    path: str
    facts: os.stat_result
    content: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that no archive holds, said in a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of source. ``seen(options, never)`` gives everything in the archive's order, without the paths in ``never``; it blocks. It is
    None for a kind that this version reads in the configuration and does not run."""

    summary: str
    options: type[Options]
    seen: Callable[[Any, Sequence[str]], Iterator[Seen | LeftOut]] | None = None
    example: str = ""
