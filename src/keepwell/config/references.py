"""What can only be checked when everything is read: references to entries, ways that lead back, and former names."""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.kernel.quoting import quoted

from . import nodes
from .findings import Findings
from .nearest import nearest
from .nodes import Node, Scalar
from .options import Reference

Name = tuple[str, str]
"""A section's key and an entry's name."""


@dataclass(frozen=True, slots=True)
class Link:
    """A reference as it was met: in which entry, of which sort, and the text that names the other entry."""

    section: str
    entry: str
    reference: Reference
    node: Scalar


def check_references(links: list[Link], sections: Mapping[str, Node | None], findings: Findings) -> None:
    """Adds a finding for every reference that names nothing, every circle, and every ``was`` that names what still exists."""
    names = {key: node.items.keys() if isinstance(node, nodes.Mapping) else () for key, node in sections.items()}
    for link in links:
        section, name = link.reference.section, link.node.text
        known = {*names.get(section, ()), *names.get(link.reference.or_in, ())}
        if name in known or (name and name == link.reference.also):
            continue
        near = nearest(name, known)
        some = ", ".join(sorted(known)[:10])
        hint = f"did you mean {quoted(near)}?" if near else f"what there is: {some}" if some else f"there are no {section} in this file"
        findings.add("config.reference", f"{quoted(name)} is not one of the {section}", link.node, hint)
    _check_circles([link for link in links if link.reference.acyclic], findings)
    for key, node in sections.items():
        if isinstance(node, nodes.Mapping):
            _check_former_names(key, node, findings)


def _check_circles(links: list[Link], findings: Findings) -> None:
    """Walks depth first, without recursion; a link back into the way that is being walked closes a circle."""
    ways: dict[Name, list[tuple[Name, Scalar]]] = {}
    for link in links:
        ways.setdefault((link.section, link.entry), []).append(((link.reference.section, link.node.text), link.node))
    done: set[Name] = set()
    for start in ways:
        if start in done:
            continue
        path = [start]
        pending = [iter(ways[start])]
        while pending:
            following = next(pending[-1], None)
            if following is None:
                pending.pop()
                done.add(path.pop())
            elif following[0] in path:
                circle = [*path[path.index(following[0]) :], following[0]]
                message = f"this closes a circle: {' → '.join(name for _, name in circle)}"
                findings.add("config.circle", message, following[1], "remove one of these references")
            elif following[0] not in done and following[0] in ways:
                path.append(following[0])
                pending.append(iter(ways[following[0]]))


def _check_former_names(section: str, node: nodes.Mapping, findings: Findings) -> None:
    """``was: old-name`` hands the history of an entry that no longer exists to one entry only."""
    claimed: dict[str, str] = {}
    for name, (_, entry) in node.items.items():
        was = entry.child("was") if isinstance(entry, nodes.Mapping) else None
        if not isinstance(was, Scalar) or not isinstance(was.value, str):
            continue
        if was.text in node.items:
            hint = "remove this line, or rename one of them"
            findings.add("config.was", f"{quoted(was.text)} is still one of the {section}, with a history of its own", was, hint)
        elif was.text in claimed:
            hint = "one history can go on in one place only"
            findings.add("config.was", f"{quoted(claimed[was.text])} takes over the history of {quoted(was.text)} already", was, hint)
        claimed.setdefault(was.text, name)
