"""What an import gives: the files of the operations directory, and what became of every item."""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Manual

from .model import Missing, Outcome

CONFIGURATION = "keepwell.yaml"
RUNBOOKS = "runbooks"


@dataclass(frozen=True, slots=True)
class MissingInput:
    """Something that nobody supplied, and the lines that wait for it."""

    missing: Missing
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two places of the manual that say different things of one matter: the line that counts, the other one, and a sentence."""

    line: int
    other: int
    sentence: str


@dataclass(frozen=True, eq=False)
class Imported:
    """What a manual became. ``files`` are texts by their path below the operations directory; ``outcomes`` one an item, in their order."""

    manual: Manual
    name: str
    service: str
    files: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    missing: tuple[MissingInput, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    counts: Mapping[str, int] = None  # type: ignore[assignment]  # always given by decide
    """How many checks, rules, tasks and runbooks were written."""
