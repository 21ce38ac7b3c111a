"""Reads one YAML file into nodes with positions. Nothing in a file can make this execute, expand or read anything else.

The grammar is PyYAML's (its C parser where it was built); the meaning of scalars is YAML 1.2's core schema. Stricter than YAML: no
tags, one document, no duplicate keys, keys are scalars, at most 10 MB, 64 levels and 200,000 nodes with aliases expanded.
"""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from keepwell.kernel.problems import ConfigurationError, Place
from keepwell.kernel.quoting import quoted

from .core_schema import resolve
from .findings import Findings, Source
from .nodes import Mapping, Node, Scalar, Sequence

LARGEST_FILE = 10_000_000
DEEPEST = 64
MOST_NODES = 200_000

# The line breaks that PyYAML's parser counts (YAML 1.1 has three more than 1.2).
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
# What may not stand in a YAML stream (YAML 1.2.2, section 5.1, "Character Set").
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ADVICE = (
    ("mapping values are not allowed", "a value that contains a colon and a space needs quotes"),
    ("block end", "keys of one mapping start in the same column"),
    ("expected ','", 'inside { } and [ ] entries are divided by commas, and text with , : { } [ ] or " needs quotes'),
    ("end of stream", "a quote or bracket is opened and not closed"),
    ("escape character", "write text with backslashes in single quotes"),
    ("cannot start any token", "text that starts with this character needs quotes"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that was read: its root (None where it is empty), and the findings so far (duplicate keys, tags)."""

    root: Node | None
    findings: Findings


def read_yaml(path: Path) -> Document:
    """Reads a file. Raises ConfigurationError where it cannot be read, is no YAML, or exceeds a limit.

    What leaves the rest readable (a duplicate key, a tag) is in the document's findings instead.
    """
    return parse_yaml(_read(path), str(path))


def parse_yaml(data: bytes, file: str) -> Document:
    """The same for bytes in hand; ``file`` is the name that problems give."""
    findings = Findings(Source(file))
    text = _decoded(data, findings)
    findings.source.lines = _LINE_BREAK.split(text)
    unprintable = _UNPRINTABLE.search(text)
    if unprintable:
        at = _position(text, unprintable.start())
        _refuse(findings, "config.character", f"the character U+{ord(unprintable[0]):04X} may not stand in YAML", at, "remove it")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = _Composer(findings).compose(loader(text).get_event)
    except yaml.MarkedYAMLError as error:
        _refuse_syntax(findings, error)
    except yaml.YAMLError as error:
        _refuse(findings, "config.syntax", f"this is not YAML: {error}", None)
    return Document(root, findings)


def _read(path: Path) -> bytes:
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            word = "a directory" if stat.S_ISDIR(kind) else "no regular file"
            raise ConfigurationError(f"{path} is {word}", hint="put a YAML file in its place", where=Place(str(path)))
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
            size = max(os.fstat(file.fileno()).st_size, len(data))
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ConfigurationError(f"{path} cannot be read: {reason}", where=Place(str(path))) from error
    if size > LARGEST_FILE:
        message = f"{path} is too large: {size} bytes, and at most {LARGEST_FILE} are read"
        raise ConfigurationError(message, hint="a configuration is text that people write: is this the right file?", where=Place(str(path)))
    return data


def _decoded(data: bytes, findings: Findings) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        findings.source.lines = _LINE_BREAK.split(data.decode("utf-8-sig", "replace"))
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        _refuse(findings, "config.encoding", message, _position(before, len(before)), "save the file as UTF-8")


def _position(text: str, offset: int) -> Node:
    lines = _LINE_BREAK.split(text[:offset])
    return Node(len(lines) - 1, len(lines[-1]), len(lines) - 1, len(lines[-1]) + 1)


def _refuse(findings: Findings, code: str, message: str, node: Node | None, hint: str = "") -> NoReturn:
    findings.add(code, message, node, hint)
    raise findings.stop() from None


def _refuse_syntax(findings: Findings, error: yaml.MarkedYAMLError) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    node = Node(mark.line, mark.column, mark.line, mark.column + 1) if mark else None
    lines = findings.source.lines
    if node and node.line < len(lines) and lines[node.line][node.column : node.column + 1] == "\t":
        _refuse(findings, "config.syntax", "a tab stands where YAML takes spaces only", node, "indent with spaces")
    reason = ", ".join(part for part in (error.context, error.problem) if part)
    hint = next((advice for sign, advice in _ADVICE if sign in reason), "")
    _refuse(findings, "config.syntax", f"this is not YAML: {reason}", node, hint)


@dataclass(slots=True)
class _Composer:
    """Builds the tree from parser events, without recursion, counting as it goes."""

    findings: Findings
    open: list[Sequence | Mapping] = field(default_factory=list)
    keys: list[Node | None] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    anchors: dict[str, Node | None] = field(default_factory=dict)
    root: Node | None = None
    documents: int = 0
    total: int = 0

    def compose(self, next_event: Callable[[], Any]) -> Node | None:
        """The root; None for an empty file."""
        while (event := next_event()) is not None:
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._begin(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    hint = "remove the line --- and what follows it"
                    _refuse(self.findings, "config.documents", "a second document starts here", _span(event), hint)
        return self.root

    def _scalar(self, event: Any) -> None:
        self._check(event)
        start, end, text = event.start_mark, event.end_mark, event.value
        value = resolve(text) if event.implicit[0] and event.tag is None else text
        self._finish(Scalar(start.line, start.column, end.line, end.column, 1, 1, text, value), event.anchor)

    def _begin(self, event: Any) -> None:
        self._check(event)
        if len(self.open) >= DEEPEST:
            self._too_deep(event)
        start = event.start_mark
        kind = Mapping if isinstance(event, yaml.MappingStartEvent) else Sequence
        self.open.append(kind(start.line, start.column, start.line, start.column))
        self.keys.append(None)
        self.names.append(event.anchor)
        if event.anchor:
            self.anchors[event.anchor] = None

    def _end(self, event: Any) -> None:
        node = self.open.pop()
        self.keys.pop()
        node.end_line, node.end_column = event.end_mark.line, event.end_mark.column
        self.total -= node.size - 1  # its children were counted as they came
        self._finish(node, self.names.pop())

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            hint = f"write &{event.anchor} before a value that stands above"
            _refuse(self.findings, "config.alias", f"the alias {quoted('*' + event.anchor)} has no anchor", _span(event), hint)
        node = self.anchors[event.anchor]
        if node is None:
            _refuse(self.findings, "config.alias", f"the alias {quoted('*' + event.anchor)} contains itself", _span(event))
        if len(self.open) + node.height > DEEPEST:
            self._too_deep(event)
        self._finish(node, None, event)

    def _finish(self, node: Node, anchor: str | None, event: Any = None) -> None:
        if anchor:
            self.anchors[anchor] = node
        self.total += node.size
        if self.total > MOST_NODES:
            message = f"more than {MOST_NODES} values stand here, aliases expanded"
            _refuse(self.findings, "config.too-many", message, _span(event) if event else node, "use fewer aliases, or divide the file")
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif self.keys[-1] is None:
            self.keys[-1] = node
        else:
            key, self.keys[-1] = self.keys[-1], None
            self._pair(parent, key, node)

    def _pair(self, parent: Mapping, key: Node, value: Node) -> None:
        if not isinstance(key, Scalar):
            self.findings.add("config.key", "a key is a list or a mapping", key, "a key is text; text that starts with [ or { needs quotes")
            return
        first = parent.items.setdefault(key.text, (key, value))[0]
        if first is not key:
            message = f"the key {quoted(key.text)} stands twice: first in line {first.line + 1}, column {first.column + 1}"
            self.findings.add("config.duplicate-key", message, key, "remove or rename one of them")

    def _check(self, event: Any) -> None:
        if event.tag is not None and event.tag != "!":
            hint = "remove it; quotes make text of anything"
            self.findings.add("config.tag", f"the tag {quoted(event.tag)} is not understood here", _span(event), hint)

    def _too_deep(self, event: Any) -> NoReturn:
        _refuse(self.findings, "config.too-deep", f"more than {DEEPEST} levels stand inside each other", _span(event))


def _span(event: Any) -> Node:
    start, end = event.start_mark, event.end_mark
    return Node(start.line, start.column, end.line, end.column)
