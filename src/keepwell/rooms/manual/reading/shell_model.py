"""Shell as rules see it: scripts, commands, words, and what becomes of each command's status and output.

Lines and columns are those of the manual, from 1. Commands are in the order of the source; those inside ``$(...)``, backticks and
``<(...)`` follow the command (or assignment) in whose words they stand, with ``depth`` 1 and more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from .options import VALUES, has_clusters, split_cluster, values_behind
from .shell_values import IGNORED, LAX, SHOWN, Comparison, Fate, Heredoc, Redirection, Strictness, Word

__all__ = [
    "IGNORED", "SHOWN", "Assignment", "Block", "Comparison", "ErrorSpan", "Fate", "Heredoc", "Links", "Note", "Redirection", "Script",
    "ShellCommand", "StatusUse", "Strictness", "Word",
]  # fmt: skip


class Links:
    """How commands of one script find each other: filled once when the script is complete."""

    __slots__ = ("commands",)

    def __init__(self) -> None:
        self.commands: tuple[ShellCommand, ...] = ()


@dataclass(frozen=True, eq=False)
class ShellCommand:
    """One simple command (or ``[ ]``, ``[[ ]]``, ``(( ))``, ``local x=...``) in its surroundings.

    ``name`` is the program's base name behind its wrappers (``sudo``, ``env``, ``time``, ``nohup``, ``timeout``, ``docker exec X``,
    ``kubectl exec X --``, ``ssh host``), empty where it is not static; ``words`` are its words, the program first. ``column`` is where
    the program's name (or its first wrapper) stands. ``text`` is the whole command as written, redirections included.
    """

    index: int
    name: str
    words: tuple[Word, ...]
    line: int
    end_line: int
    column: int
    text: str
    links: Links = field(repr=False)
    wrappers: tuple[str, ...] = ()
    """``("sudo", "docker exec")``."""
    wrapper_words: tuple[Word, ...] = ()
    assignments: tuple["Assignment", ...] = ()
    """``NAME=value`` before it, or those of ``local``/``export``/``declare``."""
    redirections: tuple[Redirection, ...] = ()
    heredoc: Heredoc | None = None
    tests: tuple[Comparison, ...] = ()
    pipeline_at: tuple[int, ...] = ()
    negated: bool = False
    background: bool = False
    function: str = ""
    depth: int = 0
    substitution: str = ""
    """Of the innermost substitution that it stands in: ``$(``, `````, ``<(``, ``>(``; else empty."""
    inside_at: int | None = None
    """The command in whose words it stands."""
    inside_assignment: str = ""
    """The variable that its output is captured into."""
    condition_of: str = ""
    """if, elif, while or until, where it decides one (also as part of a list in the condition)."""
    and_then_at: int | None = None
    or_else_at: int | None = None
    loops: tuple[str, ...] = ()
    """Loops around it, outermost first: for, while, until, select."""
    guards: tuple[int, ...] = ()
    """Commands whose success was required on the way here: conditions of enclosing if and loops, and what stands before ``&&``."""
    strict: Strictness = LAX
    status: Fate = IGNORED
    output: Fate = SHOWN
    position: int = 0
    """Its place in the pipeline, from 0."""

    # --- neighbours

    def _at(self, index: int | None) -> "ShellCommand | None":
        return self.links.commands[index] if index is not None and 0 <= index < len(self.links.commands) else None

    @property
    def pipeline(self) -> tuple["ShellCommand", ...]:
        """The commands of its pipeline, itself among them; alone where there is none."""
        return tuple(self.links.commands[index] for index in self.pipeline_at) or (self,)

    @property
    def is_first(self) -> bool:
        """Whether it begins its pipeline (or stands alone)."""
        return self.position == 0

    @property
    def is_last(self) -> bool:
        """Whether it ends its pipeline (or stands alone)."""
        return self.position == max(0, len(self.pipeline_at) - 1)

    @property
    def piped_to(self) -> "ShellCommand | None":
        """The next command of its pipeline."""
        return None if self.is_last else self._at(self.pipeline_at[self.position + 1])

    @property
    def piped_from(self) -> "ShellCommand | None":
        """The command before it in its pipeline."""
        return None if self.is_first else self._at(self.pipeline_at[self.position - 1])

    @property
    def and_then(self) -> "ShellCommand | None":
        """The first command after its ``&&``."""
        return self._at(self.and_then_at)

    @property
    def or_else(self) -> "ShellCommand | None":
        """The first command after its ``||``."""
        return self._at(self.or_else_at)

    @property
    def inside(self) -> "ShellCommand | None":
        """The command in whose words it stands as a substitution."""
        return self._at(self.inside_at)

    @property
    def guarded_by(self) -> tuple["ShellCommand", ...]:
        """The commands whose success was required for it to run, outermost first."""
        return tuple(self.links.commands[index] for index in self.guards)

    def _beside(self, step: int) -> "ShellCommand | None":
        index = self.index + step
        while 0 <= index < len(self.links.commands):
            other = self.links.commands[index]
            if other.depth == self.depth and other.index not in self.pipeline_at:
                return other
            if other.depth < self.depth:
                return None
            index += step
        return None

    @property
    def previous(self) -> "ShellCommand | None":
        """The command before its pipeline in the source, on the same depth of substitution."""
        return self._beside(-1)

    @property
    def next(self) -> "ShellCommand | None":
        """The command after its pipeline in the source, on the same depth of substitution."""
        return self._beside(1)

    # --- words

    @cached_property
    def arguments(self) -> tuple[Word, ...]:
        """The words after the program."""
        return self.words[1:]

    @cached_property
    def _options(self) -> tuple[tuple[str, Word | None], ...]:
        return tuple(_options(self.name, self.arguments))

    @property
    def flags(self) -> tuple[str, ...]:
        """Its options as single ones: ``-sSf`` gives ``-s``, ``-S``, ``-f``; ``--output=x`` gives ``--output``; ``-mtime`` of find
        stays."""
        return tuple(flag for flag, _ in self._options if flag)

    def has_flag(self, *flags: str) -> bool:
        """Whether one of these options is given: ``has_flag("-f", "--fail")``."""
        return any(flag in flags for flag, _ in self._options if flag)

    def option(self, *flags: str) -> Word | None:
        """The value of the first of these options: ``option("-o", "--output")``; for ``--output=x`` and ``-ox`` a word of its own."""
        return next((value for flag, value in self._options if flag in flags and value is not None), None)

    def options(self, *flags: str) -> tuple[Word, ...]:
        """All values of these options, for those that may be repeated (``-H``, ``-e``)."""
        return tuple(value for flag, value in self._options if flag in flags and value is not None)

    @cached_property
    def operands(self) -> tuple[Word, ...]:
        """The words that are neither options nor values of options (as far as the program's options are known; see options.py)."""
        return tuple(value for flag, value in self._options if not flag and value is not None)

    @property
    def subcommand(self) -> str:
        """The first operand's text (``systemctl restart`` gives ``restart``); empty where there is none or it is not static."""
        return (self.operands[0].text or "") if self.operands else ""

    def is_(self, name: str, *subcommands: str) -> bool:
        """``command.is_("kubectl", "delete")``: that program, with one of these as subcommand if any are named. ``docker compose`` is
        known by both ``is_("docker", "compose")`` and ``is_("docker-compose")``."""
        return self.name == name and (not subcommands or self.subcommand in subcommands)


def _options(program: str, arguments: tuple[Word, ...]) -> Iterator[tuple[str, Word | None]]:
    """Pairs (option, value); operands come as ("", word)."""
    values, waiting, operands, first = VALUES.get(program, frozenset()), "", 0, 0
    if program in ("docker", "podman") and arguments and arguments[0].text == "compose":
        yield "", arguments[0]
        program, values, first = "docker-compose", VALUES["docker-compose"], 1
    only_operands = False
    for at, word in enumerate(arguments[first:], first):
        shown = word.filled
        if waiting:
            yield waiting, word
            waiting = ""
        elif only_operands or shown in ("-", "") or not shown.startswith("-"):
            yield "", word
            operands += 1
            values = values_behind(program, shown) if operands == 1 else values
            only_operands = only_operands or program == "xargs"
        elif shown == "--":
            only_operands = True
        elif program == "find" and shown in ("-exec", "-execdir", "-ok", "-okdir"):
            yield shown, arguments[at + 1] if at + 1 < len(arguments) else None
            return
        else:
            *pairs, last = _one_option(word, program, values)
            yield from pairs
            waiting = last[0] if last[1] is word else ""
            if not waiting:
                yield last
    if waiting:
        yield waiting, None


def _one_option(word: Word, program: str, values: frozenset[str]) -> list[tuple[str, Word | None]]:
    """The options of one word; the last one has the word itself as value where its value is the next word."""
    shown = word.filled
    if shown.startswith("--") or not has_clusters(program):
        flag, equals, value = shown.partition("=")
        waits = not equals and flag in values
        return [(flag, word if waits else _part(word, value) if equals else None)]
    flags, value, waits = split_cluster(shown, values)
    last: Word | None = word if waits else _part(word, value) if value else None
    return [*((flag, None) for flag in flags[:-1]), (flags[-1], last)]


def _part(word: Word, value: str) -> Word:
    """The value inside ``--option=value`` as a word."""
    inner = value if word.text is not None else None
    return Word(value, inner, value, word.line, word.column + max(0, word.raw.find(value)), word.variables, glob=word.glob)


@dataclass(frozen=True, slots=True)
class Assignment:
    """``NAME=value``. ``keyword`` is local, export, readonly or declare; ``prefix``: it holds for one command only (``NAME=x command``).

    ``value`` is None for ``export NAME``. ``substitutes`` are the indices of the commands of its ``$(...)``.
    """

    name: str
    value: Word | None
    line: int
    end_line: int
    column: int
    keyword: str = ""
    function: str = ""
    prefix: bool = False
    append: bool = False
    array: bool = False
    substitutes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusUse:
    """A ``$?``: where it stands, and the index of the command whose status it really is (None: unknown). ``saved_as`` is the variable it
    is kept in; ``by`` the index of the command in whose words it stands."""

    line: int
    column: int
    of: int | None
    by: int | None
    saved_as: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """A compound statement: ``if``, ``elif``, ``for``, ``while``, ``until``, ``select``, ``case``, ``function``, ``subshell``, ``group``.

    Members are indices of commands: ``condition`` (if, elif, while, until), ``body`` (then, do, function), ``otherwise`` (elif and else).
    ``variable`` and ``words`` are those of for, select and case; ``name`` that of a function; ``patterns`` those of case.
    """

    kind: str
    line: int
    end_line: int
    condition: tuple[int, ...] = ()
    body: tuple[int, ...] = ()
    otherwise: tuple[int, ...] = ()
    variable: str = ""
    words: tuple[Word, ...] = ()
    name: str = ""
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A comment: its text without ``#``. ``trailing``: it stands behind code."""

    line: int
    column: int
    text: str
    trailing: bool = False


@dataclass(frozen=True, slots=True)
class ErrorSpan:
    """Text that is no shell."""

    line: int
    end_line: int
    text: str


@dataclass(frozen=True, eq=False)
class Script:
    """A piece of shell.

    ``origin`` is fence, console, cron, heredoc (written to a file or fed to a shell) or argument (``bash -c``, ``ssh``). ``file`` is the
    path it is said to be (its head comment, or the file that its here-document is written to); ``language`` is sh, bash, zsh, ksh or dash
    by its shebang or its fence. ``complete`` tells a script (it has a shebang line or a file) from lines that are pasted into a terminal.
    """

    line: int
    end_line: int
    text: str
    origin: str
    language: str
    commands: tuple[ShellCommand, ...]
    assignments: tuple[Assignment, ...] = ()
    blocks: tuple[Block, ...] = ()
    comments: tuple[Note, ...] = ()
    status_uses: tuple[StatusUse, ...] = ()
    errors: tuple[ErrorSpan, ...] = ()
    file: str = ""
    shebang: str = ""
    section: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    """Signals and conditions that a trap is set for (EXIT, ERR)."""
    code: str = ""
    """The text as a shell could read it: lines that are no shell blanked, placeholders such as ``<host>`` made words."""

    @property
    def complete(self) -> bool:
        """Whether it is a script of its own rather than lines to paste."""
        return bool(self.shebang or self.file) or self.origin == "heredoc"

    @cached_property
    def functions(self) -> dict[str, Block]:
        """Its functions by name."""
        return {block.name: block for block in self.blocks if block.kind == "function"}

    def named(self, *names: str) -> Iterator[ShellCommand]:
        """The commands with one of these names: ``script.named("curl", "wget")``."""
        return (command for command in self.commands if command.name in names)

    def blocks_of(self, *kinds: str) -> Iterator[Block]:
        """The compound statements of these kinds."""
        return (block for block in self.blocks if block.kind in kinds)

    def members(self, indices: tuple[int, ...]) -> tuple[ShellCommand, ...]:
        """The commands with these indices (of a block's ``body``, of ``substitutes``)."""
        return tuple(self.commands[index] for index in indices)

    def value_of(self, name: str) -> str | None:
        """The text of a variable that is assigned exactly once, with constant text; else None."""
        found = [assignment for assignment in self.assignments if assignment.name == name and not assignment.prefix]
        return found[0].value.text if len(found) == 1 and found[0].value and not found[0].append else None

    def assigned(self, name: str) -> tuple[Assignment, ...]:
        """Every assignment to a variable."""
        return tuple(assignment for assignment in self.assignments if assignment.name == name)

    def comment_above(self, line: int) -> str:
        """The comment lines directly above a line, joined; empty where there is none."""
        by_line = {note.line: note.text for note in self.comments if not note.trailing}
        texts: list[str] = []
        while line - 1 in by_line:
            line -= 1
            texts.insert(0, by_line[line])
        return " ".join(texts)

    def used_variables(self) -> Iterator[tuple[str, int]]:
        """Every expansion of a variable in words of commands, values, redirections and loops: (name, line)."""
        for word in self.words():
            yield from ((name, word.line) for name in word.variables)

    def words(self) -> Iterator[Word]:
        """Every word there is: of commands, assignments, redirections and loops."""
        for command in self.commands:
            yield from (*command.wrapper_words, *command.words, *(redirection.target for redirection in command.redirections))
        yield from (assignment.value for assignment in self.assignments if assignment.value)
        yield from (word for block in self.blocks for word in block.words)
