"""What recognisers of commands ask of a command: whether every word of it is understood, what it would run, where its output goes. Pure."""

import re
from collections.abc import Collection
from dataclasses import replace

from keepwell.rooms.manual.reading.shell_model import Assignment, ShellCommand, Word

from .model import CheckDraft, Disposition, Fate, Found, Missing, View
from .placeholders import missing_in
from .script_index import index_of


def words(text: str) -> frozenset[str]:
    """The words of a text: options and verbs as a manual page lists them."""
    return frozenset(text.split())


_DECLARATIONS = words("local export readonly declare typeset")
_SHAPERS = words("head tail sort uniq wc cut tr less more cat grep egrep column nl bc date")
"""Programs that only choose and order lines of what is fed to them."""
_HERE = words("sudo doas env time nohup timeout nice ionice command exec stdbuf setsid")
"""Wrappers behind which a program still runs on this host and in this place."""
_FIELD = re.compile(r"(?:NR\s*[=!<>]=?\s*\d+|/[^/]*/)?\s*\{\s*print[^{}()`|>]*\}")
_EXPANDED = re.compile(r"~|[^'\"]*\{[^{}'\"]*(?:,|\.\.)[^{}'\"]*\}")
"""A home folder or several words in one, which only a shell makes of it."""
_ANSWERING = words("date pgrep pidof hostname nproc whoami pwd id")
"""Programs that may stand in ``$(...)`` of a word that counts as understood: they answer with one word."""


def main_command(view: View, *programs: str) -> ShellCommand | None:
    """The command that an item is about: its first, behind ``local`` and ``export``. None where it is none of these programs."""
    command = next((command for command in view.pipeline if command.name not in _DECLARATIONS), None)
    return command if command and (not programs or command.name in programs) else None


def inner_command(view: View, *programs: str) -> ShellCommand | None:
    """The first command of these programs anywhere in the item, also in ``echo "$(...)"``."""
    return next((command for command in view.pipeline if command.name in programs), None)


def is_here(command: ShellCommand) -> bool:
    """Whether it runs on the host itself: not in a container, not behind ssh."""
    return all(wrapper in _HERE for wrapper in command.wrappers)


def understood(view: View, command: ShellCommand, flags: Collection[str], *behind: str) -> bool:
    """Whether all of a command is: each option is one of ``flags``, each word has a value or will have one, and what takes its output only
    chooses lines (or is one of the programs ``behind``)."""
    if command.heredoc or command.background or not all(flag in flags for flag in command.flags):
        return False
    words = (*command.words[1:], *(redirection.target for redirection in command.redirections))
    return all(is_known(view, word) for word in words) and all(
        part.index <= command.index or _shapes(part, behind) for part in command.pipeline
    )


def _shapes(command: ShellCommand, behind: tuple[str, ...]) -> bool:
    if command.name in behind:
        return True
    if command.name in ("awk", "gawk", "mawk"):
        return len(command.operands) == 1 and bool(_FIELD.fullmatch(command.operands[0].filled.strip()))
    return command.name in _SHAPERS


def is_known(view: View, word: Word) -> bool:
    """Whether a word has a value: certain now, or given by the script's own variables when it runs."""
    if word.has_substitution:
        inner = [command for command in view.pipeline if command.depth > 0 and command.line == word.line]
        return bool(inner) and all(command.name in _ANSWERING or command.name in _SHAPERS for command in inner)
    if view.text(word) is not None:
        return True
    script = view.script
    return script is not None and all(name in view.values or index_of(script).sets(name) for name in word.variables)


def arguments_of(view: View, command: ShellCommand) -> tuple[str, ...] | None:
    """The program and its arguments as they would be run without a shell (behind ``docker exec`` and the like where it is so); None where a
    word is certain only at run time, or stands for others as a shell reads it."""
    words = command.words if is_here(command) else (*command.wrapper_words, *command.words)
    texts = [view.text(word) for word in words]
    if any(text is None for text in texts) or any(word.glob or _EXPANDED.match(word.raw) for word in words):
        return None
    return tuple(settled(view, text or "")[0] for text in texts)


def settled(view: View, text: str) -> tuple[str, tuple[Missing, ...]]:
    """A text with the values filled in that ``keepwell fill`` was told, and what is still missing in it."""
    wanted = missing_in(replace(view, values={}), text)
    for missing in wanted:
        text = text.replace(missing.written, view.values.get(missing.name, missing.written))
    return text, tuple(missing for missing in wanted if missing.name not in view.values)


def kept_in(view: View, command: ShellCommand) -> str:
    """The file that the output of its pipeline is written to, as far as it is known; empty where it is shown, read or thrown away."""
    targets = [part for piece in command.pipeline for part in piece.redirections if part.writes and part.of_output and not part.discards]
    return (view.text(targets[-1].target) or targets[-1].target.filled) if targets else ""


def is_a_choice(command: ShellCommand) -> bool:
    """Whether it runs only where a program is installed (``command -v apt``): its absence says nothing then."""
    return any(guard.name in ("command", "which", "type", "hash") for guard in command.guarded_by)


def branch_of(view: View, command: ShellCommand) -> tuple[ShellCommand, ...]:
    """What runs if a condition holds: the body of its ``if``, or what stands behind its ``&&``."""
    if view.script is None:
        return ()
    body = index_of(view.script).body_of(command)
    if body:
        return body
    return (command.and_then,) if command.and_then else ()


def assignment_of(view: View, name: str) -> Assignment | None:
    """The last assignment of a variable above the item."""
    return index_of(view.script).assignment_before(name, view.item.line) if view.script else None


def source_of(view: View, name: str, *programs: str) -> ShellCommand | None:
    """The command in ``$(...)`` that a variable's value came from; the first of these programs, where any are named."""
    assignment = assignment_of(view, name)
    if assignment is None or view.script is None:
        return None
    commands = view.script.members(assignment.substitutes)
    return next((command for command in commands if not programs or command.name in programs), None)


def looked(view: View, capabilities: tuple[str, ...], operation: str = "", drafts: tuple[CheckDraft, ...] = (), reason: str = "") -> Found:
    """A check. Where something is left to be filled in, it waits for that."""
    missing = _missing(view)
    if missing:
        return Found(Fate.CHECK, capabilities, operation, drafts, Disposition.MISSING, reason, missing)
    return Found(Fate.CHECK, capabilities, operation, drafts, reason=reason)


def done(view: View, capabilities: tuple[str, ...], operation: str = "", fate: Fate = Fate.STEP, reason: str = "") -> Found:
    """A step (or what else is done). Where something is left to be filled in, it waits for that."""
    missing = _missing(view)
    disposition = Disposition.MISSING if missing else Disposition.CARRIED
    return Found(fate, capabilities, operation, (), disposition, reason, missing)


def _missing(view: View) -> tuple[Missing, ...]:
    text = "\n".join(command.text for command in view.pipeline) or view.item.text
    return settled(view, text)[1]
