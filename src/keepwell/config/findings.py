"""Problems as they are found in one file, turned into places and quoted lines only at the end."""

import re
from dataclasses import dataclass, field

from keepwell.kernel.problems import ConfigurationError, Place, Problem

from .nodes import Node

MOST = 100
"""Problems that are told of at once; the rest are counted."""


@dataclass(slots=True)
class Source:
    """A file's name, as the user gave it, and its lines."""

    file: str
    lines: list[str] = field(default_factory=list)

    def place(self, node: Node) -> Place:
        """Where a node stands; marked up to its end or to the end of its first line."""
        quote = self.lines[node.line] if node.line < len(self.lines) else ""
        end = node.end_column if node.end_line == node.line else len(quote.rstrip())
        return Place(self.file, node.line + 1, node.column + 1, quote, max(1, end - node.column))

    def conceal(self, node: Node) -> None:
        """Writes asterisks over a node in the lines that problems quote."""
        for number in range(node.line, min(node.end_line + 1, len(self.lines))):
            line = self.lines[number]
            start = node.column if number == node.line else 0
            end = min(len(line), node.end_column) if number == node.end_line else len(line)
            self.lines[number] = line[:start] + "*" * (end - start) + line[end:]


@dataclass(slots=True)
class Hidden:
    """What no problem of one entry may show: the texts of ``nodes``; and ``texts``, each with what is written in its place."""

    nodes: set[Node] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)

    def clean(self, message: str) -> str:
        """The message without them. Inside a longer word a text is left alone, so that a short one does not garble everything."""
        if not any(self.texts):
            return message
        longest_first = sorted(filter(None, self.texts), key=len, reverse=True)
        pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
        return re.sub(pattern, lambda match: self.texts[match[0]], message)


@dataclass(slots=True)
class Findings:
    """Everything that is wrong with one file."""

    source: Source
    found: list[tuple[str, str, str, Node | None]] = field(default_factory=list)

    def add(self, code: str, message: str, node: Node | None = None, hint: str = "") -> None:
        """One more; without a node it concerns the whole file."""
        self.found.append((code, message, hint, node))

    def problems(self) -> list[Problem]:
        """All of them in the order of the file; past a hundred, how many more there are."""
        ordered = sorted(self.found, key=lambda finding: (finding[3].line, finding[3].column) if finding[3] else (-1, -1))
        problems = [
            Problem(code, message, hint, self.source.place(node) if node else Place(self.source.file))
            for code, message, hint, node in ordered[:MOST]
        ]
        if len(ordered) > MOST:
            problems.append(Problem("config.more", f"and {len(ordered) - MOST} problems more", "mend these first", Place(self.source.file)))
        return problems

    def stop(self) -> ConfigurationError:
        """The error that carries all of them."""
        return ConfigurationError(*self.problems())
