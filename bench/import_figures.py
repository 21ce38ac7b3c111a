"""What import makes of real manuals, compared with what people found in them: counting over the outcomes, nothing is printed.

The labelled set is tests/conformance/import_fates.csv; the catalogue of procedures and the manuals lie beside a checkout.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.lint import MAPS, NEAR, Place, known_places
from keepwell.rooms.manual.importing.capabilities import family
from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.model import Disposition, Fate, Outcome, View
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.model import Item, Kind
from tests.support import OUTSIDE_CASES

MANUALS = OUTSIDE_CASES / "manuals"
FIVE = ("audiodeck-connect.md", "smart-campus-assistant.md", "speech-to-text.md", "voice-agent.md", "whisper-background-server.md")
RUNNABLE = (Kind.COMMAND, Kind.CRON, Kind.STATEMENT)
UNTOLD = (Fate.NARRATIVE, Fate.UNRECOGNISED)
SMALL_WORDS = frozenset((
    "echo", "printf", "[", "[[", "((", "test", "true", "false", ":", "exit", "return", "cd", "pushd", "popd", "sleep", "wait", "set",
    "eval", "unset", "shift", "local", "export", "declare", "readonly", "typeset", "read", "break", "continue", "trap", "source", ".",
))  # fmt: skip
"""Words of the shell itself, and those that only print: there is no operation in them that could be typed."""


@dataclass(frozen=True, slots=True)
class Read:
    """One manual as imported: each item with what could be seen of it and what became of it."""

    name: str
    items: tuple[Item, ...]
    pairs: tuple[tuple[View, Outcome], ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of each item."""
        return tuple(outcome for _, outcome in self.pairs)

    def at(self, line: int) -> tuple[Outcome, ...]:
        """The innermost outcomes of a line: those of the smallest items that contain it, of fences only where there is nothing else."""
        around = [outcome for outcome in self.outcomes if outcome.item.line <= line <= outcome.item.end_line]
        inner = [outcome for outcome in around if outcome.item.kind is not Kind.FENCE] or around
        smallest = min((_span(outcome.item) for outcome in inner), default=0)
        return tuple(outcome for outcome in inner if _span(outcome.item) == smallest)


Manuals = Mapping[str, Read]


def _span(item: Item) -> int:
    return item.end_line - item.line


def percent(part: int, whole: int) -> float:
    """How many of a hundred; 0 of nothing."""
    return 100 * part / whole if whole else 0.0


def others(folder: Path = MANUALS) -> tuple[str, ...]:
    """The runbooks beside the five, by their path below the folder."""
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/**/*.md")))


def read(names: Iterable[str], folder: Path = MANUALS) -> dict[str, Read]:
    """Imports manuals, with no value filled in. Raises FileNotFoundError where one is not there."""
    return {name: _read(name, (folder / name).read_bytes()) for name in names}


def _read(name: str, data: bytes) -> Read:
    imported = import_manual(data, name)
    return Read(name, imported.manual.items, tuple(zip(views(imported.manual), imported.outcomes, strict=False)))


# --- every item


def decided(manuals: Manuals) -> tuple[int, int]:
    """How many items have an outcome of their own with fate and disposition, of how many there are."""
    known = [
        outcome.item == view.item and outcome.found.fate in Fate and outcome.found.disposition in Disposition
        for manual in manuals.values()
        for view, outcome in manual.pairs
    ]
    return sum(known), sum(len(manual.items) for manual in manuals.values())


def commands_in_narrative(manuals: Manuals) -> list[tuple[str, Outcome]]:
    """What runs and is called narrative, with its manual."""
    found = [(manual.name, outcome) for manual in manuals.values() for outcome in manual.outcomes]
    return [(name, outcome) for name, outcome in found if outcome.item.kind in RUNNABLE and outcome.found.fate is Fate.NARRATIVE]


# --- the labelled set


@dataclass(frozen=True, slots=True)
class Label:
    """An item of the labelled set, and what became of it. Of several fates any is right."""

    manual: str
    line: int
    kind: str
    fates: tuple[str, ...]
    outcome: Outcome | None

    @property
    def is_right(self) -> bool:
        """Whether import gives the item a fate that it was labelled with."""
        return self.outcome is not None and self.outcome.found.fate.value in self.fates


def labels(manuals: Manuals, held_out: bool = False) -> list[Label]:
    """The labelled items of these manuals: those that were at hand while import was made, or those that were not."""
    with (MAPS / ("import_fates_held_out.csv" if held_out else "import_fates.csv")).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["manual"] in manuals]
    return [_label(manuals[row["manual"]], int(row["line"]), row["kind"], row["fate"]) for row in rows]


def _label(manual: Read, line: int, kind: str, fate: str) -> Label:
    there = (outcome for outcome in manual.outcomes if outcome.item.line == line and outcome.item.kind.value == kind)
    return Label(manual.name, line, kind, tuple(fate.split("|")), next(there, None))


# --- the catalogue


@dataclass(frozen=True, slots=True)
class Procedure:
    """A row of the catalogue, and the innermost outcomes on its line that are operations."""

    id: str
    manual: str
    line: int
    capability: str
    operations: tuple[Outcome, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The capabilities that import says of them."""
        return tuple(word for outcome in self.operations for word in outcome.found.capabilities)

    @property
    def shares_family(self) -> bool:
        """Whether one of them is of the row's family."""
        return any(family(word) == family(self.capability) for word in self.words)

    @property
    def is_exact(self) -> bool:
        """Whether one of them has the row's own word."""
        return self.capability in self.words


def procedures(manuals: Manuals, folder: Path = OUTSIDE_CASES) -> list[Procedure]:
    """The rows of the catalogue for these manuals."""
    with (folder / "procedures.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["manual"] in manuals]
    return [_procedure(manuals[row["manual"]], row) for row in rows]


def _procedure(manual: Read, row: Mapping[str, str]) -> Procedure:
    operations = tuple(outcome for outcome in manual.at(int(row["line"])) if outcome.found.fate not in UNTOLD)
    return Procedure(row["id"], manual.name, int(row["line"]), row["capability"], operations)


# --- commands


@dataclass(frozen=True, slots=True)
class Command:
    """A command, cron entry or statement that could be typed. ``program`` is the first of its pipeline that says something."""

    manual: str
    outcome: Outcome
    program: str

    @property
    def is_typed(self) -> bool:
        """Whether every word of it was understood."""
        return bool(self.outcome.found.operation)


def commands(manuals: Manuals) -> Iterator[Command]:
    """Every command, cron entry and statement, without what only prints, sets, tests or leaves."""
    for manual in manuals.values():
        for view, outcome in manual.pairs:
            if outcome.item.kind in RUNNABLE and (program := _program(view)):
                yield Command(manual.name, outcome, program)


def _program(view: View) -> str:
    """The first program of an item; empty where it has none but small words of the shell."""
    if view.item.kind is Kind.STATEMENT:
        return "SQL"
    own = [command.name or "?" for command in view.pipeline if command.depth == 0]
    return next((name for name in own if name not in SMALL_WORDS), "") if own else "?"


# --- what lint calls most dangerous


def dangers(manuals: Manuals) -> list[tuple[Place, bool]]:
    """The most dangerous places of these manuals, and whether import corrects or refuses what stands there by one of their rules."""
    places = [place for place in known_places() if place.kind == "dangerous" and place.manual in manuals]
    return [(place, any(_amends(place, outcome) for outcome in manuals[place.manual].outcomes)) for place in places]


def _amends(place: Place, outcome: Outcome) -> bool:
    near = outcome.item.line - NEAR <= place.line <= outcome.item.end_line + NEAR
    amended = outcome.found.disposition in (Disposition.CORRECTED, Disposition.REFUSED)
    return near and amended and any(amendment.rule in place.rules for amendment in outcome.amendments)
