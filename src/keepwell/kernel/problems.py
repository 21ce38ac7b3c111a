"""What went wrong, said once: a problem has a code, a message, a hint and a place.

The tree of errors (every error that Keepwell raises on purpose is one of these)::

    KeepwellError
    ├── ConfigurationError   the operations directory cannot be used as it is written; carries *all* its problems
    ├── UsageError           the command line asks for something that does not exist or contradicts itself
    ├── NotAccepted          a command, script or SQL text that nobody accepted was about to run
    ├── StorageError         the data directory or the database cannot be used (locked, read-only, newer, damaged)
    ├── Refused              the request is understood and not allowed (permission, token, Host or Origin)
    ├── NotFound             the thing named does not exist
    ├── AskError             a question could not be put at all: our own fault or our own network; a check becomes `unknown`
    │   └── Unreachable      the host on which to ask cannot be reached; the check of that host itself becomes `fail`
    └── AnswerError          the target was asked and gave no usable answer (refused, timed out, garbage); a check becomes `fail`

An ``AskError`` is never reported as the target's state, and an ``AnswerError`` never as ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem stands. ``line`` and ``column`` count from 1; ``quote`` is the whole line; ``width`` is how many columns to mark."""

    file: str
    line: int | None = None
    column: int | None = None
    quote: str | None = None
    width: int = 1

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: ``code`` (stable, for example ``config.unknown-key``), one sentence, what to do about it, and where it stands."""

    code: str
    message: str
    hint: str = ""
    where: Place | None = None


class KeepwellError(Exception):
    """The root of the tree: carries one or more problems, most important first."""

    code = "keepwell"

    def __init__(self, *problems: Problem | str, hint: str = "", where: Place | None = None) -> None:
        self.problems: Sequence[Problem] = tuple(
            problem if isinstance(problem, Problem) else Problem(self.code, problem, hint, where) for problem in problems
        )
        super().__init__("; ".join(problem.message for problem in self.problems))


class ConfigurationError(KeepwellError):
    """The operations directory cannot be used as it is written."""

    code = "config"


class UsageError(KeepwellError):
    """The command line asks for something that does not exist or contradicts itself."""

    code = "usage"


class NotAccepted(KeepwellError):
    """A text that nobody accepted was about to run."""

    code = "acceptance.missing"


class StorageError(KeepwellError):
    """The data directory or the database cannot be used."""

    code = "storage"


class Refused(KeepwellError):
    """The request is understood and not allowed."""

    code = "refused"


class NotFound(KeepwellError):
    """The thing named does not exist."""

    code = "not-found"


class AskError(KeepwellError):
    """The question could not be put: our own fault or our own network. A check that meets it is ``unknown``."""

    code = "ask"


class Unreachable(AskError):
    """The host on which a question was to be put cannot be reached. A check that meets it is ``unknown``; that of the host is ``fail``."""

    code = "ask.unreachable"


class AnswerError(KeepwellError):
    """The target was asked and gave no usable answer. A check that meets it is ``fail``."""

    code = "answer"
