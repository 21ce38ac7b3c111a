"""Keys and values of Alertmanager's file, read as Go reads them, with every problem in its place.

A *shape* says which keys a mapping has, how each is read, and what must hold between them. Nothing at all counts as a key that is absent.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepwell.config import nodes
from keepwell.config.findings import Findings
from keepwell.config.model_errors import found
from keepwell.config.nearest import nearest
from keepwell.config.nodes import Node, Scalar
from keepwell.kernel.quoting import quoted

_MERGE = "<<"
_DEEPEST_MERGE = 16


@dataclass(slots=True)
class Reader:
    """``newer``: keys that Alertmanager 0.25 does not know are left out and kept in ``left_out``, not refused."""

    findings: Findings
    newer: bool = False
    left_out: list[tuple[str, int]] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def wrong(self, message: str, node: Node, hint: str = "") -> None:
        """A problem; what an alias repeats is said once."""
        if not any(said == message and at is node for _, said, _, at in self.findings.found):
            self.findings.add("alertmanager.value", message, node, hint)


Read = Callable[[Node, Reader], Any]
"""Gives the value of a node; what is wrong with it is among the findings, and the value then is of no use."""


@dataclass(slots=True)
class Part:
    """One mapping that was read: its values by key, those only that are there."""

    node: Node
    values: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Scalar] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key."""
        return self.values.get(key, default)

    def text(self, key: str) -> str:
        """The text of a key, empty where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def part(self, key: str) -> "Part":
        """The mapping below a key, empty where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, Part) else Part(self.node)

    def all(self, key: str) -> Sequence[Any]:
        """The items of a list, none where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, list) else ()

    def place(self, key: str = "") -> str:
        """Where a key stands, as a word of its own."""
        node = self.keys.get(key, self.node)
        return f"{node.line}:{node.column}"

    def line(self, key: str = "") -> int:
        """The line in which a key stands, counted from 1."""
        return (self.keys[key].line if key in self.keys else self.node.line) + 1


Wrong = tuple[str, str] | tuple[str, str, Part]
"""A key (empty for all of it), what is wrong with it, and where that is some other mapping, which."""


@dataclass(slots=True)
class Shape:
    """The keys of a mapping. A shape that contains itself gets its keys after it was made."""

    fields: dict[str, Read]
    rules: Sequence[Callable[[Part], Iterator[Wrong]]] = ()

    def __call__(self, node: Node, reader: Reader) -> Part:
        part = Part(node)
        if is_nothing(node):
            return part
        try:
            pairs = _pairs(node, reader)
        except NoMapping:
            return part
        for key, value in pairs:
            read = self.fields.get(key.text)
            if read is None:
                # Nobody knows whether what stands there is secret.
                reader.findings.source.conceal(value)
                self._unknown(key, reader)
            elif not is_nothing(value):
                part.keys[key.text] = key
                part.values[key.text] = read(value, reader)
        self._check(part, reader)
        return part

    def _unknown(self, key: Scalar, reader: Reader) -> None:
        if reader.newer:
            reader.left_out.append((key.text, key.line + 1))
            return
        near = nearest(key.text, self.fields)
        later = "with --newer it is left out, where a later version of Alertmanager knows it"
        hint = f"did you mean {quoted(near)}? Or {later}" if near else later
        reader.wrong(f"{quoted(key.text)} is not a key that Alertmanager 0.25 knows here", key, hint)

    def _check(self, part: Part, reader: Reader) -> None:
        if any(value is BAD for value in part.values.values()):
            return
        for rule in self.rules:
            for key, message, *elsewhere in rule(part):
                place = elsewhere[0] if elsewhere else part
                reader.wrong(message, place.keys.get(key, place.node))


class NoMapping(Exception):
    """Something else stands where a mapping is wanted; that is among the findings."""


class Bad:
    """What could not be read."""


BAD = Bad()


def is_nothing(node: Node) -> bool:
    """Whether a node is null."""
    return isinstance(node, Scalar) and node.value is None


def _pairs(node: Node, reader: Reader, depth: int = 0) -> Sequence[tuple[Scalar, Node]]:
    """The pairs of a mapping with those that ``<<`` merges in; its own count."""
    if not isinstance(node, nodes.Mapping):
        reader.wrong(f"expected keys with values, found {shown(node, reader)}", node)
        raise NoMapping
    own = [pair for name, pair in node.items.items() if name != _MERGE]
    source = node.child(_MERGE)
    if source is None or depth > _DEEPEST_MERGE:
        return own
    merged: dict[str, tuple[Scalar, Node]] = {}
    for one in source.items if isinstance(source, nodes.Sequence) else [source]:
        merged = {**{key.text: (key, value) for key, value in _pairs(one, reader, depth + 1)}, **merged}
    return list({**merged, **{key.text: (key, value) for key, value in own}}.values())


def shown(node: Node, reader: Reader) -> str:
    """A node in words, without what is secret."""
    return "a secret" if isinstance(node, Scalar) and node.text in reader.secrets else found(node)


# --- how values are read -------------------------------------------------------------------------------------------------------


def text(node: Node, reader: Reader) -> Any:
    """Any scalar, as it was written."""
    if isinstance(node, Scalar):
        return "" if node.value is None else node.text
    reader.wrong(f"expected text, found {shown(node, reader)}", node)
    return BAD


def secret(node: Node, reader: Reader) -> Any:
    """A text that no message may show."""
    reader.findings.source.conceal(node)
    if isinstance(node, Scalar):
        reader.secrets.add(node.text)
    return text(node, reader)


_TRUE, _FALSE = frozenset({"true", "yes", "on", "y"}), frozenset({"false", "no", "off", "n"})


def flag(node: Node, reader: Reader) -> Any:
    """True or false, in the words of YAML 1.1 too."""
    if isinstance(node, Scalar):
        word = node.text.lower()
        if isinstance(node.value, bool) or word in (_TRUE | _FALSE) - {"true", "false"}:
            return word in _TRUE
    reader.wrong(f"expected true or false, found {shown(node, reader)}", node)
    return BAD


def whole(least: int | None = None) -> Read:
    """A whole number."""

    def read(node: Node, reader: Reader) -> Any:
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is int and (least is None or value >= least):
            return value
        reader.wrong(f"expected a whole number{'' if least is None else f' of at least {least}'}, found {shown(node, reader)}", node)
        return BAD

    return read


def checked(convert: Callable[[str], Any], read: Read = text) -> Read:
    """A text of which ``convert`` makes the value; its ValueError is the problem."""

    def converted(node: Node, reader: Reader) -> Any:
        value = read(node, reader)
        if value is BAD:
            return BAD
        try:
            return convert(value)
        except ValueError as error:
            reader.wrong(str(error), node)
            return BAD

    return converted


def listed(item: Read) -> Read:
    """A list; nothing in place of an item is an empty text, and no mapping."""

    def read(node: Node, reader: Reader) -> Any:
        if not isinstance(node, nodes.Sequence):
            reader.wrong(f"expected a list, found {shown(node, reader)}", node, 'each item begins with "- "')
            return BAD
        found_items = []
        for one in node.items:
            if isinstance(item, Shape) and is_nothing(one):
                reader.wrong("expected keys with values, found nothing", one)
                continue
            found_items.append(item(one, reader))
        return BAD if any(one is BAD for one in found_items) else found_items

    return read


def named(item: Read, name: Callable[[str], str] = lambda name: name) -> Read:
    """Values by name; ``name`` raises ValueError for what cannot be one."""

    def read(node: Node, reader: Reader) -> Any:
        values: dict[str, Any] = {}
        try:
            pairs = _pairs(node, reader)
        except NoMapping:
            return BAD
        for key, value in pairs:
            try:
                values[name(key.text)] = item(value, reader)
            except ValueError as error:
                reader.wrong(str(error), key)
        return BAD if any(one is BAD for one in values.values()) else values

    return read
