"""The words of an import: what stands in a manual, what was recognised in it, and what became of each item."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block. ``line`` is that of its first line of content, counted from 1; ``heading`` the nearest one above it."""

    line: int
    language: str
    content: str
    heading: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table, its cells as plain text."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns as plain text, and its rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Manual:
    """A manual as far as import reads it, each list in the order of the document. ``title`` is its first heading, or empty."""

    title: str
    fences: tuple[Fence, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that looks at something: the ``kind`` of check that carries it, and that kind's settings.

    ``base`` is the address of the service that an http check asks; its settings hold the path.
    """

    line: int
    text: str
    kind: str
    settings: Mapping[str, Any]
    base: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Limited:
    """A row of a table of key figures: when a ``metric`` (response time, memory, cpu, disk) is worth a warning or a failure."""

    line: int
    text: str
    metric: str
    unit: str
    limits: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Expected:
    """A block that shows what the health endpoint answers: conditions as ``expect`` of an http check holds them."""

    line: int
    text: str
    conditions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Left:
    """A line that was recognised and cannot be carried, and why."""

    line: int
    text: str
    reason: str


Found = Asked | Limited | Expected | Left


class Fate(StrEnum):
    """What became of a recognised item."""

    CHECK = "check"
    """A check was made of it."""
    SAME = "same check"
    """It asks what a check made of an earlier line asks already; the check names both lines."""
    LIMIT = "limit"
    """It gives a check its limits."""
    EXPECTATION = "expectation"
    """It gives a check what it expects."""
    NOT_IMPORTED = "not imported"
    """Nothing carries it; the reason is stated."""


@dataclass(frozen=True, slots=True)
class Item:
    """A recognised item of the manual and its fate: which ``checks`` carry it, or the ``reason`` why none does (or what to know)."""

    line: int
    text: str
    fate: Fate
    checks: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """A check as it will be written. ``lines`` are those of the manual that it carries, the first one first."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    every: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What a manual became: the text of keepwell.yaml, and the report, item by item in the order of the document's lines."""

    manual: str
    service: str
    yaml: str
    checks: tuple[Draft, ...]
    items: tuple[Item, ...]
    targets: Mapping[str, str] = field(default_factory=dict)

    def report(self) -> dict[str, Any]:
        """The report as JSON holds it."""
        return {
            "manual": self.manual,
            "service": self.service,
            "checks": {draft.name: {"kind": draft.kind, "lines": list(draft.lines)} for draft in self.checks},
            "items": [
                {"line": item.line, "text": item.text, "fate": item.fate.value, "checks": list(item.checks), "reason": item.reason}
                for item in self.items
            ],
        }
