"""Words of shell from the parser's tree: what is certain without running, and what is expanded. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .shell_model import Word
from .shell_source import Source

if TYPE_CHECKING:
    from tree_sitter import Node

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r"\\([$`\"\\\n])")
_VARIABLE = re.compile(r"\$(?:\{#?!?(\w+|[@*#?$!-])|(\w+|[@*#?$!-]))")
_INNER = re.compile(r"(?<!\\)\$([A-Za-z_]\w*)")
_SUBSTITUTIONS = frozenset(("command_substitution", "process_substitution"))
_EXPANSIONS = frozenset(("simple_expansion", "expansion", "arithmetic_expansion", "brace_expression", *_SUBSTITUTIONS))
_QUOTED = frozenset(("string", "raw_string", "ansi_c_string", "translated_string"))


@dataclass(slots=True)
class _Parts:
    """What a word is made of, while it is read."""

    text: list[str] = field(default_factory=list)
    filled: list[str] = field(default_factory=list)
    certain: bool = True
    unquoted_expansion: bool = False
    substitution: bool = False
    glob: bool = False

    def literal(self, text: str) -> None:
        self.text.append(text)
        self.filled.append(text)

    def expansion(self, raw: str, filled: str, quoted: bool, substitution: bool) -> None:
        self.filled.append(filled)
        self.certain = False
        self.unquoted_expansion |= not quoted
        self.substitution |= substitution


class Words:
    """Builds words of one source. ``constants`` are the script's variables that are assigned once, filled as far as can be."""

    def __init__(self, source: Source, constants: Mapping[str, str]) -> None:
        self._source = source
        self._constants = constants

    def raw(self, node: "Node") -> str:
        """The node's text as it is written."""
        return self._source.text[node.start_byte : node.end_byte]

    def word(self, node: "Node") -> Word:
        """A node that is one word."""
        parts = _Parts()
        self._read(node, parts, quoted=False)
        raw = self.raw(node)
        row, column = node.start_point
        return Word(
            raw,
            "".join(parts.text) if parts.certain else None,
            "".join(parts.filled),
            self._source.line(row),
            self._source.column(row, column),
            tuple(expanded_variables(node, self)),
            node.type in _QUOTED,
            node.type in ("raw_string", "ansi_c_string"),
            parts.substitution,
            parts.unquoted_expansion,
            parts.glob,
        )

    def plain(self, node: "Node") -> Word:
        """A token that the shell does not look into (``[``, an operator)."""
        row, column = node.start_point
        raw = self.raw(node)
        return Word(raw, raw, raw, self._source.line(row), self._source.column(row, column))

    def _read(self, node: "Node", parts: _Parts, quoted: bool) -> None:
        raw = self.raw(node)
        match node.type:
            case "raw_string":
                parts.literal(raw[1:-1])
            case "ansi_c_string":
                parts.literal(raw[2:-1].replace("\\n", "\n").replace("\\t", "\t").replace("\\'", "'"))
            case "string":
                self._read_string(node, parts)
            case kind if kind in _EXPANSIONS:
                parts.expansion(raw, self._filled(node, raw), quoted, kind in _SUBSTITUTIONS)
            case "concatenation" | "command_name" | "translated_string" | "array":
                for child in node.children:
                    self._read(child, parts, quoted)
            case _ if node.child_count and any(child.type in _EXPANSIONS | _QUOTED for child in node.children):
                for child in node.children:
                    self._read(child, parts, quoted)
            case _:
                self._read_literal(raw, parts)

    def _read_literal(self, raw: str, parts: _Parts) -> None:
        """Unquoted text. (A ``$NAME`` in it is one that the source was masked for.)"""
        at = 0
        for match in _INNER.finditer(raw):
            parts.literal(_ESCAPED.sub(r"\1", raw[at : match.start()]))
            parts.expansion(match[0], self._constants.get(match[1], match[0]), quoted=False, substitution=False)
            at = match.end()
        parts.literal(_ESCAPED.sub(r"\1", raw[at:]))
        parts.glob |= bool(re.search(r"(?<!\\)[*?]|(?<!\\)\[[^\]]+\]", raw))

    def _read_string(self, node: "Node", parts: _Parts) -> None:
        """What stands between double quotes: the parser has no node for some of the space in it."""
        at, end = node.start_byte + 1, node.end_byte - 1
        for child in node.children:
            if child.type in _EXPANSIONS:
                parts.literal(self._unescaped(at, child.start_byte))
                self._read(child, parts, quoted=True)
                at = child.end_byte
        parts.literal(self._unescaped(at, max(at, end)))

    def _unescaped(self, start: int, end: int) -> str:
        return _ESCAPED_IN_QUOTES.sub(lambda match: "" if match[1] == "\n" else match[1], self._source.text[start:end])

    def _filled(self, node: "Node", raw: str) -> str:
        if node.type in ("simple_expansion", "expansion"):
            name = raw.strip("${}")
            return self._constants.get(name, raw) if name.isidentifier() else raw
        return raw


def expanded_variables(node: "Node", words: Words) -> Iterator[str]:
    """The names of the variables that a word expands, not those inside its substitutions' commands."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.type in ("simple_expansion", "expansion"):
            match = _VARIABLE.match(words.raw(part))
            if match:
                yield match[1] or match[2]
            # ${NAME:-$OTHER}
            waiting.extend(reversed([child for child in part.children if child.type != "variable_name"]))
        elif part.type == "variable_name" and part.parent is not None and part.parent.type != "variable_assignment":
            yield words.raw(part)  # arithmetic
        elif part.type == "word" and not part.child_count:
            yield from _INNER.findall(words.raw(part))
        elif part.type not in _SUBSTITUTIONS:
            waiting.extend(reversed(part.children))


def substitutions(node: "Node") -> Iterator["Node"]:
    """The ``$(...)``, backticks and ``<(...)`` of a word, the outermost ones."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.type in _SUBSTITUTIONS:
            yield part
        else:
            waiting.extend(reversed(part.children))
