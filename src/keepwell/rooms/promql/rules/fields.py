"""Fields of YAML files in Prometheus' formats: every key is known, values have their types, and what is wrong becomes findings.

Prometheus' own reader is Go's yaml.v3 in strict mode: a scalar stands for text as it was written (``severity: 1`` is "1", ``~`` is ""),
keys of ``<<`` are merged in (YAML 1.1, "Merge Key Language-Independent Type").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from keepwell.config import nodes
from keepwell.config.findings import Findings
from keepwell.config.model_errors import found
from keepwell.config.nearest import nearest
from keepwell.config.nodes import Node, Scalar
from keepwell.kernel.quoting import quoted

from .durations import read_duration

_MERGE = "<<"
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Named:
    """A text with its name: where the name stands, and where the text."""

    text: str
    key: Node
    value: Node


@dataclass(frozen=True, slots=True)
class Fields:
    """The keys of one mapping. ``node`` is where it stands."""

    node: Node
    pairs: Mapping[str, tuple[Scalar, Node]]
    findings: Findings

    def __contains__(self, key: str) -> bool:
        return key in self.pairs

    def place(self, key: str) -> Node:
        """Where a key's value stands; the whole where there is no such key."""
        pair = self.pairs.get(key)
        return pair[1] if pair else self.node

    def key(self, key: str) -> Node:
        """Where a key stands."""
        pair = self.pairs.get(key)
        return pair[0] if pair else self.node

    def text(self, key: str) -> str:
        """A text, empty where there is none."""
        pair = self.pairs.get(key)
        return text_of(pair[1], self.findings) if pair else ""

    def duration(self, key: str) -> int | None:
        """A duration in milliseconds; None where there is none."""
        pair = self.pairs.get(key)
        if pair is None or _is_nothing(pair[1]):
            return None
        return duration_of(pair[1], self.findings)

    def whole(self, key: str) -> int:
        """A whole number, 0 where there is none."""
        pair = self.pairs.get(key)
        if pair is None or _is_nothing(pair[1]):
            return 0
        value = pair[1].value if isinstance(pair[1], Scalar) else None
        if type(value) is int:
            return value
        self.findings.add("rules.type", f"expected a whole number, found {found(pair[1])}", pair[1])
        return 0

    def texts(self, key: str) -> dict[str, "Named"]:
        """Texts by name."""
        pair = self.pairs.get(key)
        if pair is None or _is_nothing(pair[1]):
            return {}
        pairs = merged(pair[1], self.findings)
        return {name: Named(text_of(value, self.findings), key, value) for name, (key, value) in pairs.items()}

    def items(self, key: str) -> Sequence[Node]:
        """The items of a list."""
        pair = self.pairs.get(key)
        if pair is None or _is_nothing(pair[1]):
            return ()
        if isinstance(pair[1], nodes.Sequence):
            return pair[1].items
        self.findings.add("rules.type", f"expected a list, found {found(pair[1])}", pair[1], 'each item begins with "- "')
        return ()

    def each(self, key: str, known: Sequence[str]) -> Iterator["Fields"]:
        """The items of a list of mappings."""
        yield from (fields_of(item, known, self.findings) for item in self.items(key))


def fields_of(node: Node | None, known: Sequence[str], findings: Findings) -> Fields:
    """The keys of a mapping; unknown ones are findings, and so is what is no mapping."""
    if node is None or _is_nothing(node):
        return Fields(node or Node(0, 0, 0, 0), {}, findings)
    pairs = merged(node, findings)
    for key, _ in pairs.values():
        if key.text not in known:
            close = nearest(key.text, known)
            hint = f"did you mean {quoted(close)}?" if close else f"the keys here are {', '.join(known)}"
            findings.add("rules.unknown-key", f"the key {quoted(key.text)} is not known here", key, hint)
    return Fields(node, pairs, findings)


def merged(node: Node, findings: Findings, depth: int = 0) -> dict[str, tuple[Scalar, Node]]:
    """The pairs of a mapping, with those that ``<<`` merges in; its own come first."""
    if not isinstance(node, nodes.Mapping):
        findings.add("rules.type", f"expected keys with values, found {found(node)}", node, "write each key, a colon and its value")
        return {}
    pairs = {name: pair for name, pair in node.items.items() if name != _MERGE}
    source = node.child(_MERGE)
    if source is None or depth > _DEEPEST:
        return pairs
    for one in source.items if isinstance(source, nodes.Sequence) else [source]:
        pairs = {**merged(one, findings, depth + 1), **pairs}
    return pairs


def text_of(node: Node, findings: Findings) -> str:
    """A scalar as it was written."""
    if isinstance(node, Scalar):
        return "" if node.value is None else node.text
    findings.add("rules.type", f"expected text, found {found(node)}", node)
    return ""


def duration_of(node: Node, findings: Findings) -> int:
    """A duration in milliseconds; 0 where it is none, which is a finding."""
    return checked(read_duration, text_of(node, findings), node, findings, 0)


def checked(read: Callable[[str], int], text: str, node: Node, findings: Findings, instead: int) -> int:
    """What ``read`` makes of a text; where it raises ValueError that is a finding, and ``instead`` the value."""
    try:
        return read(text)
    except ValueError as error:
        findings.add("rules.value", str(error), node)
        return instead


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
