"""Reads simple commands: words, assignments, redirections, ``$?``. Pure; the part of shell_walk.py below lists and compound statements."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .shell_around import REDIRECTS, Around, Ran, Stage, expansions_of, is_arithmetic, output_of
from .shell_model import Assignment, Block, Links, StatusUse
from .shell_source import Source
from .shell_tests import flat_words, read_tests
from .shell_values import Fate, Heredoc, Redirection, Strictness, Word
from .shell_words import Words, substitutions
from .wrappers import base_name, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node


class SimpleCommands(ABC):
    """Writes down commands in the order of the source. Each is a draft until what comes after it is known."""

    def __init__(self, source: Source, constants: dict[str, str], strict: Strictness) -> None:
        self._source = source
        self._words = Words(source, constants)
        self._strict = strict
        self._drafts: list[dict[str, Any]] = []
        self._last: int | None = None
        self._links = Links()
        self.assignments: list[Assignment] = []
        self._starts: list[tuple[int, int, Block]] = []
        self.status_uses: list[StatusUse] = []
        self.traps: list[str] = []

    @abstractmethod
    def _sequence(self, nodes: Sequence["Node"], around: Around, tail: Fate) -> Ran:
        """Reads statements one after the other; the last one's status becomes ``tail``."""

    def _command(self, stage: Stage, around: Around) -> Ran:
        node = stage.node
        index = len(self._drafts)
        redirect_nodes = [*(child for child in node.children if child.type in REDIRECTS), *stage.redirects]
        redirections, heredoc = self._redirections(redirect_nodes, around, read_only=True)
        words = self._command_words(node)
        wrappers, at = unwrap(words)
        at = 0 if at >= len(words) else at
        row, column = node.start_point
        end = max((other.end_point for other in (node, *redirect_nodes)), default=node.end_point)
        last_byte = max(other.end_byte for other in (node, *redirect_nodes))
        assignments = tuple(self._assignments(node, around))
        output = next((output_of(part, around.output) for part in reversed(redirections) if part.of_output), around.output)
        self._drafts.append(
            {
                "index": index, "name": base_name(words[at]) if words else "", "words": tuple(words[at:]),
                "line": self._source.line(row), "end_line": self._source.line(end[0] - (end[1] == 0 and end[0] > row)),
                "column": self._source.column(row, column), "text": self._source.text[node.start_byte : last_byte].rstrip(),
                "wrappers": wrappers if at else (), "wrapper_words": tuple(words[:at]), "assignments": assignments,
                "redirections": redirections, "heredoc": heredoc,
                "tests": tuple(read_tests(node, words, self._words)), "negated": around.negated, "background": around.background,
                "function": around.function, "depth": around.depth, "substitution": around.substitution, "inside_at": around.inside,
                "inside_assignment": around.variable, "condition_of": around.condition, "loops": around.loops, "guards": around.guards,
                "strict": self._strict, "status": self._status(around), "output": output, "pipeline_at": (), "position": 0,
                "and_then_at": None, "or_else_at": None,
            }
        )  # fmt: skip
        self._uses(node, index, "")
        self._inner(node, redirect_nodes, index, around)
        self._last = index
        self._switch(words[at:])
        return Ran(index, (index,))

    def _status(self, around: Around) -> Fate:
        if around.status.how == "ignored" and self._strict.errexit and not around.condition:
            return Fate(True, "errexit")
        return around.status

    def _command_words(self, node: "Node") -> list[Word]:
        if node.type == "test_command" or is_arithmetic(node):
            return flat_words(node, self._words)
        if node.type in ("declaration_command", "unset_command"):
            return [self._words.plain(child) if at == 0 else self._words.word(child) for at, child in enumerate(node.children)]
        parts = [
            child for child in node.children if child.type not in REDIRECTS | {"variable_assignment", "comment"} and not child.is_missing
        ]
        return [self._words.word(child) for child in parts if child.end_byte > child.start_byte and child.type not in ("(", ")")]

    def _inner(self, node: "Node", redirects: Sequence["Node"], index: int, around: Around) -> None:
        """The commands in the words of a command."""
        name = self._drafts[index]["name"]
        is_test = node.type == "test_command" or is_arithmetic(node) or name == "test"
        for child in (*node.children, *(other for other in redirects if other.parent != node)):
            if child.type == "variable_assignment":
                self._inner_assignment(child, index, around)
                continue
            how = "test" if is_test else "here-string" if child.type == "herestring_redirect" else "argument"
            inside = replace(around, inside=index)
            self._substitute(child, inside, Fate(False, "argument", name), Fate(True, how, name))

    def _inner_assignment(self, node: "Node", index: int, around: Around) -> None:
        """The commands in the value of ``local x=$(...)``: their status is lost behind the declaration's own."""
        name, value = self._name_of(node), node.child_by_field_name("value")
        if value is None:
            return
        inside = replace(around, inside=index, variable=name)
        results = self._substitute(value, inside, Fate(False, "declaration", self._drafts[index]["name"]), Fate(True, "variable", name))
        own = [replace(part, substitutes=results) if part.name == name else part for part in self._drafts[index]["assignments"]]
        for before, after in zip(self._drafts[index]["assignments"], own, strict=True):
            self.assignments[self.assignments.index(before)] = after
        self._drafts[index]["assignments"] = tuple(own)

    def _substitute(self, node: "Node", around: Around, status: Fate, output: Fate) -> tuple[int, ...]:
        """The commands inside the substitutions of a node; gives the indices of their last ones."""
        results: list[int] = []
        before = self._last
        for part in substitutions(node):
            opening = part.children[0].type if part.children else "$("
            inside = Around(
                function=around.function, depth=around.depth + 1, nesting=around.nesting, substitution=opening, inside=around.inside,
                variable=around.variable, loops=around.loops, guards=around.guards, output=output, condition="",
            )  # fmt: skip
            ran = self._sequence(part.children, replace(inside, status=status), status)
            results += ran.results
        self._last = results[-1] if results and around.variable else before
        return tuple(results)

    # --- assignments

    def _assign(self, node: "Node", around: Around) -> Ran:
        mark = len(self._drafts)
        nodes = [node] if node.type == "variable_assignment" else [child for child in node.children if child.type == "variable_assignment"]
        results: tuple[int, ...] = ()
        for part in nodes:
            self._uses(part, None, self._name_of(part))
            assignment = self._assignment(part, replace(around, inside=None), self._status(around))
            self.assignments.append(assignment)
            results = assignment.substitutes
        self._last = results[-1] if results else None
        return Ran(mark if mark < len(self._drafts) else None, results)

    def _assignments(self, node: "Node", around: Around) -> Iterator[Assignment]:
        """Those of a command: before it, or those that local, export and declare make."""
        keyword = self._words.raw(node.children[0]) if node.type == "declaration_command" else ""
        for child in node.children:
            if child.type == "variable_assignment" or (keyword and child.type == "variable_name"):
                row, column = child.start_point
                value = child.child_by_field_name("value")
                assignment = Assignment(
                    self._name_of(child), self._words.word(value) if value is not None else None, self._source.line(row),
                    self._source.line(child.end_point[0]), self._source.column(row, column), keyword, around.function, not keyword,
                    any(part.type == "+=" for part in child.children), value is not None and value.type == "array",
                )  # fmt: skip
                self.assignments.append(assignment)
                yield assignment

    def _assignment(self, node: "Node", around: Around, status: Fate) -> Assignment:
        value = node.child_by_field_name("value")
        name = self._name_of(node)
        substitutes: tuple[int, ...] = ()
        if value is not None:
            inside = replace(around, variable=name)
            substitutes = self._substitute(value, inside, status, Fate(True, "variable", name))
        row, column = node.start_point
        return Assignment(
            name, self._words.word(value) if value is not None else None, self._source.line(row), self._source.line(node.end_point[0]),
            self._source.column(row, column), "", around.function, False, any(part.type == "+=" for part in node.children),
            value is not None and value.type == "array", substitutes,
        )  # fmt: skip

    def _name_of(self, node: "Node") -> str:
        name = node.child_by_field_name("name")
        return re.sub(r"\[.*", "", self._words.raw(name if name is not None else node), flags=re.DOTALL)

    # --- redirections, $?, set

    def _redirections(
        self, nodes: Sequence["Node"], around: Around, read_only: bool = False
    ) -> tuple[tuple[Redirection, ...], Heredoc | None]:
        found: list[Redirection] = []
        heredoc: Heredoc | None = None
        for node in nodes:
            operator = next((child for child in node.children if not child.is_named), None)
            target = next((child for child in reversed(node.children) if child.is_named and child.type != "file_descriptor"), None)
            if operator is None or target is None:
                continue
            known = self._source.heredocs.get(operator.start_byte)
            if known:
                heredoc = known
                continue
            descriptor = next((self._words.raw(child) for child in node.children if child.type == "file_descriptor"), "")
            number = int(descriptor) if descriptor.isdigit() and len(descriptor) < 4 else None
            found.append(Redirection(self._words.raw(operator), self._words.word(target), number))
            if not read_only:
                self._substitute(target, around, Fate(False, "argument"), Fate(True, "argument"))
        return tuple(found), heredoc

    def _uses(self, node: "Node", by: int | None, saved_as: str) -> None:
        """Writes down each ``$?`` of a command's own words."""
        for part in expansions_of(node):
            if self._words.raw(part) in ("$?", "${?}"):
                row, column = part.start_point
                self.status_uses.append(StatusUse(self._source.line(row), self._source.column(row, column), self._last, by, saved_as))

    def _switch(self, words: Sequence[Word]) -> None:
        """``set`` and ``trap`` change what holds from here on (POSIX.1-2024, 2.15: set, trap)."""
        texts = [word.text or "" for word in words]
        if texts[:1] == ["trap"]:
            self.traps += [text for text in texts[2:] if text]
        if texts[:1] != ["set"]:
            return
        strict = self._strict
        for at, text in enumerate(texts[1:], 1):
            on = text.startswith("-")
            if not text.startswith(("-", "+")):
                continue
            named = texts[at + 1] if "o" in text and at + 1 < len(texts) else ""
            strict = Strictness(
                on if "e" in text or named == "errexit" else strict.errexit,
                on if "u" in text or named == "nounset" else strict.nounset,
                on if named == "pipefail" else strict.pipefail,
            )
        self._strict = strict

    def _settle(self) -> None:
        """What is known only at the end: who asked for a status, and whether a trap sees failures."""
        for use in self.status_uses:
            if use.of is not None and self._drafts[use.of]["status"].how == "ignored":
                self._drafts[use.of]["status"] = Fate(True, "asked", f"line {use.line}")
        if "ERR" in self.traps:
            for draft in self._drafts:
                if draft["status"].how == "ignored":
                    draft["status"] = Fate(True, "trap", "ERR")
