"""What the rules about patterns share: the pattern of a grep, the program of an awk, what is searched, and what the text says above it."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word

GREPS = ("grep", "egrep", "fgrep", "zgrep", "rg")


def pattern_of(command: ShellCommand) -> Word | None:
    """The (first) pattern of a grep: the value of -e, else its first operand; None where it has none or reads it from a file."""
    if command.has_flag("-f", "--file"):
        return None
    return command.option("-e", "--regexp") or next(iter(command.operands), None)


def program_of(command: ShellCommand) -> str:
    """The program text of an awk; empty where it is read from a file."""
    if command.name not in ("awk", "gawk", "mawk") or command.has_flag("-f", "--file") or not command.operands:
        return ""
    return command.operands[0].filled


def files_of(command: ShellCommand) -> tuple[str, ...]:
    """The files that a grep or awk reads, its variables filled in; those of the head of its pipeline where it is given none."""
    if command.name in (*GREPS, "awk", "gawk", "mawk"):
        own = command.operands if command.option("-e", "--regexp") is not None else command.operands[1:]
    else:
        own = command.operands
    files = tuple(word.filled for word in own)
    if files or command.is_first:
        return files
    return files_of(command.pipeline[0])


def short(text: str, limit: int = 60) -> str:
    """A text as it can stand in a message: in one line, and cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def said_above(manual: Manual, line: int) -> str:
    """The comments and echoes on the (at most four) lines directly above a line, in small letters."""
    said: list[str] = []
    for number in range(line - 1, max(0, line - 5), -1):
        text = manual.line_text(number).strip()
        if not text.startswith(("#", "echo ", "printf ", "--")):
            break
        said.insert(0, text)
    return " ".join(said).lower()


def decides(command: ShellCommand, script: Script) -> bool:
    """Whether what the pipeline of a command gives is kept, counted or decides something, rather than only being shown."""
    last = command.pipeline[-1]
    counted = any(part.name == "wc" or (part.name in GREPS and part.has_flag("-c", "--count")) for part in command.pipeline)
    return counted or last.output.how in ("variable", "test") or last.status.how in ("condition", "and", "or", "asked", "negated")


def inner(script: Script, command: ShellCommand) -> Iterator[ShellCommand]:
    """The commands that end the substitutions standing in a command's words."""
    return (part for part in script.commands if part.inside_at == command.index and part.is_last)


def is_log(path: str) -> bool:
    """Whether a path looks like that of a log."""
    return bool(re.search(r"(^|[./_-])logs?([./_-]|$)", path.lower()))


def is_access_log(path: str) -> bool:
    """Whether a path looks like the access log of a web server."""
    return (
        bool(re.search(r"access|(nginx|apache2?|httpd)[^ ]*log|log[^ ]*(nginx|apache|httpd)", path.lower())) and "error" not in path.lower()
    )
