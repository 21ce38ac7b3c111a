"""Sections of keepwell.yaml whose rooms are not built yet: their outer shape is checked, their content kept, and nothing runs it.

Import writes them, so that nothing of a manual is lost. As soon as a room declares a section of the same key, the one here steps back.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from keepwell.ports.offer import Section

from . import nodes
from .decoding import check_name
from .findings import Findings
from .model_errors import found
from .nodes import Node, Scalar, plain


class Shape(Enum):
    """What stands below a section's key; the value says it on the reference page."""

    NAMED = "entries by name"
    GROUPED = "groups of entries by name"
    SETTINGS = "keys with values"
    LISTED = "list of entries"
    TEXTS = "list of text"


@dataclass(frozen=True, slots=True)
class LaterSection:
    """A top-level key that this version keeps and does not run."""

    key: str
    summary: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One entry of such a section: its name (``severities.P1`` in a group, ``1`` for the first of a list), value and line."""

    name: str
    value: Any
    line: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What stands in such a section: ``value`` is all of it as dictionaries, lists and scalars, nothing in it expanded or looked up."""

    section: LaterSection
    value: Any
    line: int
    entries: tuple[KeptEntry, ...]


LATER = (
    LaterSection("contacts", "Who is told, and how they are reached", Shape.NAMED),
    LaterSection("rules", "Conditions on measured figures, and how severe they are", Shape.LISTED),
    LaterSection("rule_files", "Files of Prometheus rules", Shape.TEXTS),
    LaterSection("receivers", "Where alerts go", Shape.NAMED),
    LaterSection("routes", "Which alert goes to which receiver", Shape.SETTINGS),
    LaterSection("escalations", "Who is told when nobody answers", Shape.NAMED),
    LaterSection("windows", "When work may be done", Shape.NAMED),
    LaterSection("tasks", "Work that recurs: which runbook, and when", Shape.NAMED),
    LaterSection("backups", "What is copied, how often, how long it is kept, and how it is proved", Shape.NAMED),
    LaterSection("repositories", "Where backups are kept", Shape.NAMED),
    LaterSection("objectives", "What is promised: availability, recovery time and point", Shape.NAMED),
    LaterSection("logs", "Log files: their rotation, and what is watched in them", Shape.NAMED),
    LaterSection("incidents", "How severe an incident is, and how quickly it is answered", Shape.GROUPED),
    LaterSection("policy", "What may be done without asking", Shape.SETTINGS),
)


def later_beside(sections: Sequence[Section]) -> tuple[LaterSection, ...]:
    """The sections of later versions for which none of these exists yet."""
    real = {section.key for section in sections}
    return tuple(section for section in LATER if section.key not in real)


def keep(section: LaterSection, pair: tuple[Scalar, Node], findings: Findings) -> Kept:
    """The content of a section; what has another shape than the section's is among the findings, and left out."""
    key, node = pair
    entries = tuple(
        KeptEntry(name, plain(value), place.line + 1)
        for name, place, value in _entries(section.shape, node, findings)
        if _is_finite(value, findings)
    )
    return Kept(section, plain(node), key.line + 1, entries)


def _entries(shape: Shape, node: Node, findings: Findings) -> Iterator[tuple[str, Node, Node]]:
    """Each entry's name, where it begins, and its value."""
    if isinstance(node, Scalar) and node.value is None:
        return
    match shape:
        case Shape.NAMED:
            yield from _named(node, findings)
        case Shape.GROUPED:
            for group, (_, value) in _mapping(node, findings).items():
                yield from ((f"{group}.{name}", key, entry) for name, (key, entry) in _mapping(value, findings).items())
        case Shape.SETTINGS:
            yield from ((name, key, value) for name, (key, value) in _mapping(node, findings).items())
        case Shape.LISTED | Shape.TEXTS:
            yield from _listed(shape, node, findings)


def _named(node: Node, findings: Findings) -> Iterator[tuple[str, Node, Node]]:
    for name, (key, value) in _mapping(node, findings).items():
        check_name(key, findings)
        if isinstance(value, Scalar) and value.value is not None:
            findings.add("config.type", f"expected keys with values, found {found(value)}", value)
        else:
            yield name, key, value


def _listed(shape: Shape, node: Node, findings: Findings) -> Iterator[tuple[str, Node, Node]]:
    if not isinstance(node, nodes.Sequence):
        findings.add(
            "config.type", f"expected a list, found {found(node)}", node, 'write each entry in a line of its own that begins with "- "'
        )
        return
    for number, item in enumerate(node.items, 1):
        if shape is Shape.LISTED and not isinstance(item, nodes.Mapping):
            findings.add("config.type", f"expected keys with values, found {found(item)}", item)
        elif shape is Shape.TEXTS and not (isinstance(item, Scalar) and isinstance(item.value, str)):
            findings.add("config.type", f"expected text, found {found(item)}", item)
        else:
            yield str(number), item, item


def _mapping(node: Node, findings: Findings) -> Mapping[str, tuple[Scalar, Node]]:
    if isinstance(node, nodes.Mapping):
        return node.items
    if not (isinstance(node, Scalar) and node.value is None):
        hint = "write each entry as a name, a colon and what belongs to it"
        findings.add("config.type", f"expected entries, each with its name, found {found(node)}", node, hint)
    return {}


def _is_finite(node: Node, findings: Findings) -> bool:
    """Whether JSON can say all of it; no key of a configuration is infinite or not a number."""
    if isinstance(node, nodes.Mapping):
        return all([_is_finite(child, findings) for _, child in node.items.values()])
    if isinstance(node, nodes.Sequence):
        return all([_is_finite(child, findings) for child in node.items])
    if isinstance(node, Scalar) and isinstance(node.value, float) and not math.isfinite(node.value):
        findings.add("config.type", f"expected a finite number, found {found(node)}", node)
        return False
    return True
