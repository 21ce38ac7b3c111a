"""What recognisers look up in a script, found once: a script may have many thousands of lines. Pure."""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from functools import cached_property, lru_cache

from keepwell.rooms.manual.reading.shell_model import Assignment, Script, ShellCommand, Word

SIGNS = {
    "-gt": ">", "-ge": ">=", "-lt": "<", "-le": "<=", "-eq": "==", "-ne": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "==": "==",
    "!=": "!=", "=": "==",
}  # fmt: skip
_TESTS = ("[", "[[", "((", "test")
_TOLD = re.compile(r"\$\{?(?P<name>\w+)\}?\s*(?P<sign>[<>=!]=?)\s*(?P<limit>\$\{?\w+\}?|\d{1,15}(?:\.\d{1,9})?)")
_NAME = re.compile(r"[A-Za-z_]\w*")


class ScriptIndex:
    """The lists of a script, by what is asked of them."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @cached_property
    def _assignments(self) -> dict[str, list[Assignment]]:
        by_name: dict[str, list[Assignment]] = defaultdict(list)
        for assignment in self._script.assignments:
            by_name[assignment.name].append(assignment)
        return by_name

    def sets(self, name: str) -> bool:
        """Whether the script gives a variable a value."""
        return name in self._assignments

    def assignment_before(self, name: str, line: int) -> Assignment | None:
        """The last assignment of a variable that stands on the line or above it."""
        found = self._assignments.get(name, [])
        at = bisect_right(found, line, key=lambda assignment: assignment.line)
        return found[at - 1] if at else None

    def constant(self, name: str) -> str:
        """The text of a variable that is assigned once, with constant text; else empty."""
        found = [assignment for assignment in self._assignments.get(name, []) if not assignment.prefix]
        return found[0].value.text or "" if len(found) == 1 and found[0].value and not found[0].append else ""

    @cached_property
    def _bodies(self) -> dict[int, tuple[int, ...]]:
        blocks = self._script.blocks_of("if", "elif", "while", "until")
        bodies: dict[int, tuple[int, ...]] = {}
        for block in blocks:
            for index in block.condition:
                bodies.setdefault(index, block.body)
        return bodies

    def body_of(self, command: ShellCommand) -> tuple[ShellCommand, ...]:
        """What runs where the command, a condition, holds."""
        return self._script.members(self._bodies.get(command.index, ()))

    @cached_property
    def _inner_text(self) -> dict[int, list[str]]:
        """By command: what is echoed inside its words, as in ``$(echo "$X > 80" | bc)``."""
        texts: dict[int, list[str]] = defaultdict(list)
        for part in self._script.named("echo", "printf"):
            if part.inside_at is not None:
                texts[part.inside_at].append(" ".join(word.raw for word in part.operands))
        return texts

    def comparisons_in(self, command: ShellCommand) -> list[tuple[str, str, str | Word]]:
        """Its comparisons: the name of the variable, the sign, and the limit as a word or as text."""
        found: list[tuple[str, str, str | Word]] = []
        for test in command.tests:
            if test.operator in SIGNS and test.left is not None:
                name = test.left.variables[0] if len(test.left.variables) == 1 else test.left.filled.strip()
                found += [(name, SIGNS[test.operator], test.right)] if _NAME.fullmatch(name) else []
        for text in self._inner_text.get(command.index, ()):
            found += [(match["name"], SIGNS[match["sign"]], match["limit"]) for match in _TOLD.finditer(text) if match["sign"] in SIGNS]
        return found

    @cached_property
    def tests(self) -> tuple[ShellCommand, ...]:
        """The conditions of the script that compare something."""
        return tuple(command for command in self._script.named(*_TESTS) if self.comparisons_in(command))

    @cached_property
    def compared_names(self) -> frozenset[str]:
        """The variables that are greater or less than something."""
        return frozenset(name for command in self.tests for name, sign, _ in self.comparisons_in(command) if sign[0] in "<>")

    @cached_property
    def tests_by_limit(self) -> dict[str, ShellCommand]:
        """By the variable that holds the limit: the first condition that uses it."""
        found: dict[str, ShellCommand] = {}
        for command in self.tests:
            for _, sign, limit in self.comparisons_in(command):
                for name in names_in(limit) if sign[0] in "<>" else ():
                    found.setdefault(name, command)
        return found

    @cached_property
    def _notes(self) -> tuple[list[int], list[str]]:
        notes = [note for note in self._script.comments if not note.trailing]
        return [note.line for note in notes], [note.text for note in notes]

    def comment_before(self, line: int) -> tuple[int, str]:
        """The last comment above a line, and the line it is on; 0 and empty where there is none."""
        lines, texts = self._notes
        at = bisect_left(lines, line)
        return (lines[at - 1], texts[at - 1]) if at else (0, "")


def names_in(limit: str | Word) -> tuple[str, ...]:
    """The variables that a limit is made of."""
    if isinstance(limit, str):
        return tuple(re.findall(r"\w+", limit)) if limit.startswith("$") else ()
    return limit.variables or ((limit.filled,) if _NAME.fullmatch(limit.filled) else ())


@lru_cache(maxsize=4)
def index_of(script: Script) -> ScriptIndex:
    """The index of a script; that of the last few is kept, because items come in their order."""
    return ScriptIndex(script)
