"""Reads shell: the parser's tree becomes commands in their surroundings. Pure.

The grammar is tree-sitter-bash; what it cannot parse gives whatever commands can be had, and error spans. What a status or an output
comes to follows POSIX.1-2024, Shell Command Language, 2.8.2 (exit status), 2.9.2 (pipelines), 2.9.3 (lists), and ``set -e`` in 2.15.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from .shell_constants import constants
from .shell_model import ErrorSpan, Note, Script, Strictness
from .shell_source import Source, make_source
from .shell_walk import Walk

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_FILE_HEADER = re.compile(r"#\s*(?:file(?:name)?:\s*)?((?:~|\.{0,2}/|/)?[\w.${}/-]*[\w}-]\.(?:sh|bash|py|conf|cfg|ya?ml|json|service|timer|sql|ini|env|js|pl|rb|toml)|/(?:etc|opt|usr|srv|home|var)/[\w./-]+)\s*(?:[-–—:(].*)?", re.IGNORECASE)  # fmt: skip # noqa: E501


@cache
def _parser() -> "Parser":
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of shell to read: ``first`` is the line of the manual of its first line; see ``Script`` and ``Source`` for the rest."""

    text: str
    first: int
    origin: str = "fence"
    language: str = "bash"
    section: tuple[str, ...] = ()
    file: str = ""
    offsets: Sequence[int] = ()
    hidden: frozenset[int] = frozenset()


def read_shell(piece: Piece) -> Script:
    """The script in a piece of shell. Any text is taken; what is no shell stands in ``errors``."""
    text, first = piece.text, piece.first
    source, root = _parsed(piece)
    shebang = _shebang(text)
    walk = Walk(source, constants(root, source), _strictness(shebang))
    commands = walk.run(root, complete=bool(shebang or piece.file))
    return Script(
        first,
        first + max(0, text.rstrip("\n").count("\n")),
        text,
        piece.origin,
        _dialect(shebang) or piece.language,
        commands,
        tuple(walk.assignments),
        walk.blocks,
        tuple(_notes(root, source)),
        tuple(walk.status_uses),
        tuple(_errors(root, source)),
        piece.file,
        shebang,
        piece.section,
        tuple(walk.traps),
        source.code,
    )


def _parsed(piece: Piece) -> tuple[Source, "Node"]:
    """The source and its tree. The grammar may take the lines behind a redirection for more targets of it, and those behind a pipeline of
    three for more words of its last command where a redirection follows; a ``;`` at the line's end stops that."""
    text = piece.text
    for _ in range(4):
        source = make_source(text, piece.first, piece.offsets, piece.hidden)
        root = _parser().parse(source.masked.encode("ascii")).root_node
        ends = sorted({end for node in _nodes(root) if (end := _runs_on(node, source.masked))}, reverse=True)
        if not ends:
            break
        for end in ends:
            text = f"{text[:end]};{text[end:]}"
    return source, root


def _runs_on(node: "Node", masked: str) -> int:
    """The end of a redirection's target or of a command's word, where what follows it in the tree stands on a later line; else 0."""
    if node.type == "command":
        words = [child for child in node.children if child.type != "comment"]
        gaps = ((word.end_byte, after.start_byte) for word, after in pairwise(words))
        return next((end for end, start in gaps if "\n" in masked[end:start].replace("\\\n", "")), 0)
    targets = node.children_by_field_name("destination") if node.type == "file_redirect" else []
    runs_on = len(targets) > 1 and targets[1].start_point[0] > targets[0].end_point[0]
    return targets[0].end_byte if runs_on else 0


def file_header(lines: Sequence[str]) -> str:
    """The path that a comment among the first three lines says the text is (``# /opt/x/backup.sh - does this``), else empty."""
    for line in lines[:3]:
        match = _FILE_HEADER.fullmatch(line.strip())
        if match and not line.startswith("#!"):
            return match[1]
        if line.strip() and not line.lstrip().startswith("#"):
            break
    return ""


def _shebang(text: str) -> str:
    line = text.lstrip().partition("\n")[0]
    return line[2:].strip() if line.startswith("#!") else ""


def _dialect(shebang: str) -> str:
    match = re.search(r"\b(bash|dash|zsh|ksh|sh)\b", shebang)
    return match[1] if match else ""


def _strictness(shebang: str) -> Strictness:
    letters = "".join(re.findall(r"\s-(\w+)", shebang))
    return Strictness("e" in letters, "u" in letters)


def _nodes(root: "Node") -> Iterator["Node"]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def _notes(root: "Node", source: Source) -> Iterator[Note]:
    lines = source.text.split("\n")
    for node in _nodes(root):
        row, column = node.start_point
        if node.type == "comment" and source.line(row) not in source.hidden:
            text = source.text[node.start_byte : node.end_byte]
            if not (row == 0 and text.startswith("#!")):
                yield Note(source.line(row), source.column(row, column), text.lstrip("#").strip(), bool(lines[row][:column].strip()))


def _errors(root: "Node", source: Source) -> Iterator[ErrorSpan]:
    if root.has_error:
        for node in _nodes(root):
            if node.type == "ERROR":
                first, last = source.line(node.start_point[0]), source.line(node.end_point[0])
                yield ErrorSpan(first, max(first, last), source.text[node.start_byte : node.end_byte])
