"""The words of lint: rules and what they find."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from keepwell.rooms.manual.reading.model import Manual


class Severity(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """It loses data, breaks production, or says success over nothing."""
    WARNING = "warning"
    """It does not do what it says, or not always."""
    NOTE = "note"
    """Something is missing or could be clearer; shown grouped."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. Lines count from 1; ``column`` 0 means the whole line; ``width`` is how many columns to mark.

    ``message`` is one sentence about this very place (with the names that stand there), ``fix`` what to write instead, if it can be said.
    ``rule`` and ``severity`` are filled in by the framework; a rule gives its own severity only where it differs from the rule's.
    """

    line: int
    message: str
    end_line: int = 0
    """0: the same line."""
    column: int = 0
    fix: str = ""
    width: int = 1
    rule: str = ""
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, whole: what it is, why, how it looks, and how it is found.

    ``id`` is KW and three digits (the family is the hundred); ``name`` is the module's name after it, with hyphens. ``why`` is one
    paragraph that ends with its source (a manual page, a specification, a project's page: "Source: ..."). ``bad`` and ``good`` are small
    Markdown manuals: the generated page shows them, and they are the rule's tests. ``check`` gives findings, in any order; it may be
    called with any manual. ``grouped``: many findings of it are shown as one line in the terminal.
    """

    id: str
    name: str
    title: str
    severity: Severity
    why: str
    bad: str
    good: str
    check: Callable[[Manual], Iterable[Finding]]
    grouped: bool = False

    @property
    def family(self) -> str:
        """The heading that it stands under."""
        return family(self.id)


FAMILIES = {
    "KW1": "Exit status, and checks that cannot fail",
    "KW2": "Verification, backup, restore, retention",
    "KW3": "Destructive",
    "KW4": "Patterns that cannot match, or match everything",
    "KW5": "Never ends, unattended, locks, time limits, chaining",
    "KW6": "Removed or renamed upstream",
    "KW7": "Undefined names and contradictions",
    "KW8": "Missing: command, threshold, owner, recipient",
    "KW9": "Secrets, injection, downloads",
    "KW95": "ShellCheck, and faults of the document",
}


def family(rule: str) -> str:
    """The name of the family that a rule's id belongs to."""
    return FAMILIES["KW95"] if rule >= "KW950" else FAMILIES.get(rule[:3], "Other")
