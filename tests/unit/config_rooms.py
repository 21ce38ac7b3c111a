"""Sections of two imagined rooms, for the tests of the configuration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from keepwell.config.nearest import nearest
from keepwell.config.operations import Operations, load
from keepwell.config.options import Duration, ExpandedText, Limit, Options, Percentage, Reference, SecretReference, Size
from keepwell.kernel.problems import ConfigurationError, NotFound
from keepwell.ports.offer import Section


class Weight(StrEnum):
    """How much it matters."""

    LIGHT = "light"
    HEAVY = "heavy"


class Place(Options):
    """Somewhere in the garden."""

    soil: ExpandedText | None = None
    """What it stands in. Clay is heavy."""
    beside: tuple[Annotated[str, Reference("places", acyclic=True)], ...] = ()
    """Its neighbours."""
    key: SecretReference | None = None
    """What opens its gate."""


class Care(Options):
    """What every plant may have."""

    every: Duration = timedelta(days=1)
    """How often it is cared for."""
    times: int = Field(default=1, ge=1, le=10)
    """How often in a row."""
    was: str | None = None
    """Its former name."""
    enabled: bool = True


class Water(Options):
    """Watering."""

    amount: Size
    """How much water. More in summer."""
    place: Annotated[str, Reference("places")] | None = None
    warn: Limit | None = None
    share: Percentage = 0.5
    how: Literal["slowly", "quickly"] = "slowly"
    weight: Weight = Weight.LIGHT
    labels: dict[str, ExpandedText] = Field(default_factory=dict)
    either: int | Duration | None = None


class Step(Options):
    """One cut."""

    length: float
    at: Annotated[str, Reference("places")] | None = None


class Cut(Options):
    """Cutting."""

    steps: tuple[Step, ...] = ()
    tool: ExpandedText = "knife"

    @model_validator(mode="after")
    def _not_by_hand(self) -> "Cut":
        if "hand" in self.tool:
            raise ValueError(f"{self.tool} cannot cut")
        return self


class Garden(Options):
    """The whole garden."""

    size: Size = 1000
    """How large it is."""


@dataclass(frozen=True, slots=True)
class Driver:
    """What a driver file exports."""

    summary: str
    options: type[Any]


class Drivers:
    """The drivers of a room, and which were loaded."""

    def __init__(self) -> None:
        self.loaded: list[str] = []
        self._all = {"water": Driver("Waters it.", Water), "cut": Driver("Cuts it.", Cut)}

    def names(self) -> Sequence[str]:
        return sorted(self._all)

    def load(self, name: str) -> Any:
        if name not in self._all:
            raise NotFound(f"there is no kind {name}", hint=str(nearest(name, self._all)))
        self.loaded.append(name)
        return self._all[name]


def sections(drivers: Drivers | None = None) -> tuple[Section, ...]:
    """The sections of both rooms."""
    return (
        Section("garden", "The garden", lambda: Garden, sample="garden:\n  size: 2MB\n"),
        Section("places", "Where plants stand", lambda: Place, named=True, sample="places:\n  bed: {}\n"),
        Section(
            "plants",
            "What grows",
            lambda: Care,
            named=True,
            kinds=lambda: drivers or Drivers(),
            sample="plants:\n  rose:\n    water: {amount: 1MB, place: bed}\n    every: 2d\n",
        ),
    )


HEAD = "keepwell: 1\nservice: garden\n"


def loaded(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None) -> Operations:
    """The operations of a file with this content."""
    data = text.encode() if isinstance(text, str) else text
    (tmp_path / "keepwell.yaml").write_bytes(data)
    return load(tmp_path, sections(), environment or {})


def problems(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None) -> list[tuple[int | None, int | None, str]]:
    """Line, column and message of every problem of a file with this content."""
    try:
        loaded(tmp_path, text, environment)
    except ConfigurationError as error:
        found = error.problems
    else:
        return []
    places = [problem.where for problem in found if problem.where and problem.where.file == str(tmp_path / "keepwell.yaml")]
    assert len(places) == len(found)
    return [(where.line, where.column, problem.message) for where, problem in zip(places, found, strict=True)]
