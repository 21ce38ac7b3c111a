"""The small values of shell: words, redirections, comparisons, and what becomes of a status or an output."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command. ``raw`` is as written, quotes and all.

    ``text`` is what the shell makes of it where that is certain without running (quotes removed; None where there is an expansion);
    ``filled`` the same with the script's own constant variables filled in and every other expansion left as ``$NAME`` or ``$(...)``: never
    None. ``quoted``: the whole word stands in quotes. ``glob``: an unquoted ``*``, ``?`` or ``[...]``.
    """

    raw: str
    text: str | None
    filled: str
    line: int
    column: int
    variables: tuple[str, ...] = ()
    """Names of variables that it expands, in order (``1``, ``@``, ``?`` too)."""
    quoted: bool = False
    single_quoted: bool = False
    has_substitution: bool = False
    has_unquoted_expansion: bool = False
    glob: bool = False

    @property
    def static(self) -> bool:
        """Whether its text is certain without running."""
        return self.text is not None


@dataclass(frozen=True, slots=True)
class Redirection:
    """``operator`` (``>``, ``>>``, ``<``, ``2>``'s ``>``, ``&>``, ``>&``, ``<<<``), the file descriptor (None: the operator's own) and
    the target."""

    operator: str
    target: Word
    descriptor: int | None = None

    @property
    def writes(self) -> bool:
        """Whether it writes to (or creates) a file: not ``2>&1``."""
        return ">" in self.operator and not (self.operator == ">&" and (self.target.text or "").strip("-").isdigit())

    @property
    def of_output(self) -> bool:
        """Whether it takes standard output."""
        return ">" in self.operator and (self.descriptor in (None, 1))

    @property
    def discards(self) -> bool:
        """Whether it goes to /dev/null."""
        return self.writes and self.target.text == "/dev/null"


@dataclass(frozen=True, slots=True)
class Heredoc:
    """A here-document: ``body`` with the line of its first line. ``expands``: its delimiter is unquoted, so that ``$NAME`` is expanded."""

    delimiter: str
    body: str
    line: int
    end_line: int
    expands: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of ``[ ]``, ``[[ ]]``, ``test`` or ``(( ))``: ``-eq``, ``=``, ``-f``, ``<`` ... ``left`` is None for a unary operator;
    operator ``-n`` stands for a bare word. ``syntax`` is ``[``, ``[[``, ``test`` or ``((``."""

    operator: str
    left: Word | None
    right: Word
    line: int
    column: int
    syntax: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Strictness:
    """What ``set`` and the shebang line have switched on where a command stands."""

    errexit: bool = False
    nounset: bool = False
    pipefail: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a command's exit status or output.

    Of a status: ``used`` with ``how`` = ``condition`` (of if, while, until), ``and`` (``&&`` follows), ``or`` (``||`` follows),
    ``negated``, ``asked`` (a ``$?`` reads it), ``errexit`` (``set -e`` is in force), ``returned`` (last command of a function or script);
    not used: ``how`` = ``ignored``, or the mask: ``pipe`` (not the last of a pipeline without pipefail), ``or-true``, ``declaration``
    (``local x=$(...)``), ``argument`` (``echo "$(...)"``), ``background``. ``detail`` is the text that shows it.

    Of an output: ``how`` = ``shown``, ``variable``, ``piped``, ``file``, ``discarded``, ``argument``, ``test``, ``here-string``;
    ``detail`` the name of the variable, the file, or the command that takes it. ``used`` is False for ``shown`` and ``discarded``.
    """

    used: bool
    how: str
    detail: str = ""


IGNORED = Fate(False, "ignored")
SHOWN = Fate(False, "shown")
LAX = Strictness()
