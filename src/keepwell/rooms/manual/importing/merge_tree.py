"""A YAML file as members, each with the text that it consists of, so that one place can be changed and every other byte stays. Pure."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from keepwell.config.nodes import Mapping, Node, Scalar, Sequence, plain
from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.problems import ConfigurationError

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
IDENTITIES = ("alert", "when", "name")
"""The keys that identify an item of a list, as rules have them."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A key with its value, or an item of a list whose items have identities.

    ``start`` and ``end`` are offsets, from the key (or the dash) to behind the value; ``top`` is the first line of the comments directly
    above it, ``line`` and ``last`` its own first and last lines. ``flow``: it stands inside brackets. ``alone``: nothing but blanks stands
    before it in its line. ``item``: of a list.
    """

    name: str
    value: Node
    start: int
    end: int
    top: int
    line: int
    last: int
    column: int
    flow: bool
    alone: bool
    item: bool = False


class YamlText:
    """A parsed YAML file with its text. Raises ConfigurationError where it is no mapping that Keepwell can read."""

    def __init__(self, text: str, file: str = "keepwell.yaml") -> None:
        self.text = text if not text or text.endswith("\n") else text + "\n"
        document = parse_yaml(self.text.encode("utf-8", "replace"), file)
        if document.findings.found:
            raise document.findings.stop()
        root = document.root
        if isinstance(root, Scalar) and root.value is None:
            root = None
        if root is not None and not isinstance(root, Mapping):
            raise ConfigurationError(f"{file} is no mapping of keys to values", hint='begin with the line "keepwell: 1"')
        self.root = root or Mapping(0, 0, 0, 0)
        self._starts = [0, *(match.end() for match in _LINE_BREAK.finditer(self.text))]
        self.lines = [self.text[start:end] for start, end in zip(self._starts, [*self._starts[1:], len(self.text)], strict=True)]

    @property
    def data(self) -> object:
        """What it says."""
        return plain(self.root)

    @property
    def has_aliases(self) -> bool:
        """Whether a value stands in two places: it cannot be changed in one of them."""
        seen: set[int] = set()
        for node in _walk(self.root):
            if id(node) in seen:
                return True
            seen.add(id(node))
        return False

    def offset(self, line: int, column: int = 0) -> int:
        """The offset of a place; of what is behind the last line, the end."""
        return self._starts[line] + column if line < len(self._starts) else len(self.text)

    def start(self, node: Node) -> int:
        """Where a value starts."""
        return self.offset(node.line, node.column)

    def end(self, node: Node) -> int:
        """Where a value ends, without the comments and blank lines behind it."""
        start = self.start(node)
        if isinstance(node, Scalar) or self.in_brackets(node):
            return start + len(self.text[start : self.offset(node.end_line, node.end_column)].rstrip())
        children = [value for _, value in node.items.values()] if isinstance(node, Mapping) else list(node.items)  # type: ignore[attr-defined]
        return max((self.end(child) for child in children), default=start)

    def in_brackets(self, node: Node) -> bool:
        """Whether a mapping or list is written in brackets."""
        return not isinstance(node, Scalar) and self.text[self.start(node) : self.start(node) + 1] in ("{", "[")

    def members(self, node: Node, flow: bool = False) -> dict[str, Member] | None:
        """The members of a mapping, or of a list whose items have identities; None of anything else."""
        flow = flow or self.in_brackets(node)
        if isinstance(node, Mapping):
            return {name: self._member(name, value, self.start(key), flow) for name, (key, value) in node.items.items()}
        if not isinstance(node, Sequence):
            return None
        names = [_identity(item) for item in node.items]
        if not all(names) or len(set(names)) < len(names):
            return None
        return {name: self._item(name, item, flow) for name, item in zip(names, node.items, strict=True)}

    def comments(self, member: Member) -> list[str]:
        """The comments directly above a member, without their indentation."""
        return [line.strip() for line in self.lines[member.top : member.line]]

    def own_text(self, member: Member) -> str:
        """The member's lines with the comments above it, not indented."""
        text = "".join(self.lines[member.top : member.last + 1])
        return "".join(line.rstrip() + "\n" for line in dedented(text, member.column))

    def _item(self, name: str, item: Node, flow: bool) -> Member:
        start = self.start(item)
        return replace(self._member(name, item, start if flow else self.text.rindex("-", 0, start), flow), item=True)

    def _member(self, name: str, value: Node, start: int, flow: bool) -> Member:
        line = self._line_of(start)
        column = start - self._starts[line]
        end = max(self.end(value), start + 1)
        alone = not flow and not self.lines[line][:column].strip()
        return Member(
            name, value, start, end, self._top(line, column) if alone else line, line, self._line_of(end - 1), column, flow, alone
        )

    def _top(self, line: int, column: int) -> int:
        while line and self.lines[line - 1].startswith(" " * column + "#"):
            line -= 1
        return line

    def _line_of(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1


def dedented(text: str, column: int) -> list[str]:
    """The lines, without the first ``column`` blanks of each."""
    lines = text.splitlines(keepends=True)
    return [line[column:] if not line[:column].strip() and len(line) > column else line.lstrip(" ") for line in lines]


def indented(lines: list[str], column: int) -> str:
    """The lines with ``column`` blanks before each that is not blank."""
    return "".join(" " * column + line if line.strip() else line for line in lines)


def _identity(item: Node) -> str:
    if not isinstance(item, Mapping):
        return ""
    named = (item.child(key) for key in IDENTITIES)
    return next((node.text for node in named if isinstance(node, Scalar) and node.text), "")


def _walk(node: Node) -> Iterator[Node]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if isinstance(current, Mapping):
            waiting += [value for _, value in current.items.values()]
        elif isinstance(current, Sequence):
            waiting += current.items
