"""What stands inside shell in another language: scripts and configuration in here-documents, SQL and scripts in arguments. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .crontab import cron_entries
from .languages import detect
from .parts import CronEntry, Setting, Statement
from .settings import READERS, NotParsed
from .shell import Piece, read_shell
from .shell_model import Heredoc, Script, ShellCommand, Word
from .sql import statements

CLIENTS = {"psql": ("-c", "--command"), "mysql": ("-e", "--execute"), "mariadb": ("-e", "--execute"), "sqlite3": (), "cockroach": ("-e",)}
_SHELLS = frozenset(("bash", "sh", "dash", "zsh", "ksh", "ash"))
_DEEPEST = 3


@dataclass(slots=True)
class Embedded:
    """What was found."""

    scripts: list[Script] = field(default_factory=list)
    settings: list[Setting] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    cron: list[CronEntry] = field(default_factory=list)


def embedded(script: Script, depth: int = 0) -> Embedded:
    """Everything in another language inside a script, scripts inside it included."""
    found = Embedded()
    for command in script.commands:
        _from_arguments(command, script, found, depth)
        if command.heredoc:
            _from_heredoc(command, command.heredoc, script, found, depth)
    return found


def written_file(command: ShellCommand) -> Word | None:
    """The file that a command's output goes to: ``cat > FILE``, ``tee FILE``."""
    piped = command.piped_to
    if command.name == "tee" or (piped is not None and piped.name == "tee"):
        operands = (command if command.name == "tee" else piped).operands  # type: ignore[union-attr]  # one of the two it is
        return operands[0] if operands else None
    return next((part.target for part in command.redirections if part.of_output and part.writes and not part.discards), None)


def _from_arguments(command: ShellCommand, script: Script, found: Embedded, depth: int) -> None:
    if command.name in CLIENTS:
        for word in command.options(*CLIENTS[command.name]):
            found.statements += statements(_inner(word), word.line, command.name)
        if command.name == "sqlite3" and len(command.operands) > 1:
            found.statements += statements(_inner(command.operands[1]), command.operands[1].line, "sqlite3")
    for word in _shell_texts(command):
        _add_script(Piece(_inner(word), word.line, "argument", "bash", script.section, offsets=[word.column]), found, depth)


def _shell_texts(command: ShellCommand) -> Iterator[Word]:
    """Words that are scripts: of ``bash -c``, ``su -c``, ``ssh host '...'``, ``eval``, ``watch``. Only where they are certain."""
    if command.name in _SHELLS or command.name == "su":
        yield from (word for word in command.options("-c", "--command") if word.text is not None)
    elif command.name == "ssh" and len(command.operands) > 1:
        yield from (word for word in command.operands[1:2] if word.text is not None)
    elif command.name in ("eval", "watch", "crontab") and command.name != "crontab":
        yield from (word for word in command.operands[:1] if word.text is not None and re.search(r"\s", word.text))


def _inner(word: Word) -> str:
    """A word's text with its line ends where they were."""
    raw = word.raw
    if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"":
        return raw[1:-1].replace('\\"', '"') if raw[0] == '"' else raw[1:-1]
    return word.text if word.text is not None else raw


def _add_script(piece: Piece, found: Embedded, depth: int) -> None:
    if depth >= _DEEPEST:
        return
    script = read_shell(piece)
    inner = embedded(script, depth + 1)
    found.scripts += [script, *inner.scripts]
    found.settings += inner.settings
    found.statements += inner.statements
    found.cron += inner.cron


def _from_heredoc(command: ShellCommand, heredoc: Heredoc, script: Script, found: Embedded, depth: int) -> None:
    if command.name in CLIENTS:
        found.statements += statements(heredoc.body, heredoc.line, command.name)
        return
    if command.name in _SHELLS or command.name == "ssh" or (command.wrappers and command.wrappers[-1] == "ssh"):
        _add_script(Piece(heredoc.body, heredoc.line, "heredoc", "bash", script.section), found, depth)
        return
    if command.name == "crontab" or (command.piped_to is not None and command.piped_to.name == "crontab"):
        found.cron += cron_entries(heredoc.body.split("\n"), heredoc.line, script.section)
        return
    target = written_file(command)
    if target is None:
        return
    path = target.filled
    language = detect("", "", heredoc.body.split("\n"), path)
    if language == "shell" or path.endswith((".sh", ".bash")):
        _add_script(Piece(heredoc.body, heredoc.line, "heredoc", "bash", script.section, path), found, depth)
    elif language == "sql":
        found.statements += statements(heredoc.body, heredoc.line)
    elif language == "crontab":
        found.cron += cron_entries(heredoc.body.split("\n"), heredoc.line, script.section, path)
    elif language in READERS:
        try:
            found.settings += READERS[language](heredoc.body, heredoc.line, path)
        except NotParsed:
            return  # an unquoted $NAME in it is filled in only when it runs
