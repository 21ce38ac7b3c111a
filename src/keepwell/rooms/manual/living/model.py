"""The words of the living manual: what became of an item, when it last ran and with what result, and how much of the manual is covered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Result = Literal["ok", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Ran:
    """That something ran: when, with what result, in a sentence, and where the details are (a path of the pages, empty for nowhere)."""

    at: datetime
    result: Result
    sentence: str
    link: str = ""


Evidence = Mapping[str, Ran]
"""What ran last, by place: ``checks.health``, ``tasks.rotate-logs``, ``runbooks/weekly.md``, ``runbooks/weekly.md#rotate-logs``."""


Standing = Literal["ran", "waits", "missing", "refused", "told"]
"""``ran``: there is evidence. ``waits``: it is carried, and never ran so far, or the newest time it could not be made. ``told``: it
explains, and nothing is to run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What import said of one item: its lines, what it is, what became of it and why, and where it stands now."""

    line: int
    end_line: int
    kind: str
    fate: str
    disposition: str
    places: tuple[str, ...]
    reason: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """An item with its evidence. ``place`` is the one of its places that the evidence is of."""

    kept: Kept
    standing: Standing
    ran: Ran | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many items ran, wait, miss something, are refused or only tell. ``share`` is the part of what should run that has run: refused
    items and those that only tell do not count."""

    ran: int
    waits: int
    missing: int
    refused: int
    told: int
    bad: int = 0
    """Of those that ran, how many ended badly the last time."""

    @property
    def wanted(self) -> int:
        """How many should run, or be done by a person."""
        return self.ran + self.waits + self.missing

    @property
    def share(self) -> float | None:
        """ran / wanted; None of nothing."""
        return self.ran / self.wanted if self.wanted else None


@dataclass(frozen=True, slots=True)
class Manual:
    """The living manual at an instant: the author's text (lines as they are read), and its items."""

    name: str
    service: str
    lines: Sequence[str]
    items: Sequence[Item]
    coverage: Coverage
    at: datetime
