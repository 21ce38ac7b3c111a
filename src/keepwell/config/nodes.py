"""A YAML file as a tree whose every node knows where it stands."""

from dataclasses import dataclass, field

Plain = str | int | float | bool | None
"""What a scalar of YAML 1.2's core schema means."""


@dataclass(slots=True, eq=False)
class Node:
    """A place in the file: lines and columns count characters from 0; the end is exclusive.

    ``size`` counts this node and all below it, aliases expanded; ``height`` is how many levels it has.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    size: int = 1
    height: int = 1


@dataclass(slots=True, eq=False)
class Scalar(Node):
    """A leaf: ``text`` as it was written (quotes and folding undone), ``value`` as the core schema reads it."""

    text: str = ""
    value: Plain = None


@dataclass(slots=True, eq=False)
class Sequence(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping(Node):
    """Keys with values. Keys are text as it was written: ``200:`` and ``on:`` are "200" and "on"."""

    items: dict[str, tuple[Scalar, Node]] = field(default_factory=dict)

    def child(self, key: str) -> Node | None:
        """The value of a key, or None."""
        pair = self.items.get(key)
        return pair[1] if pair else None

    def key(self, key: str) -> Scalar | None:
        """The node of a key itself, or None."""
        pair = self.items.get(key)
        return pair[0] if pair else None


def plain(node: Node | None) -> object:
    """The tree as dictionaries, lists and scalars; an alias becomes a copy of its own."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Mapping):
        return {key: plain(value) for key, (_, value) in node.items.items()}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return None
