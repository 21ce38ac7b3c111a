"""Commands that delete: what, and which. Shared by rules."""

from keepwell.rooms.manual.reading.shell_model import ShellCommand

_AGES = ("-mtime", "-mmin", "-ctime", "-cmin", "-atime", "-amin", "-newer", "-newermt", "-newerct")
_REMOVERS = frozenset(("rm", "unlink", "shred"))


def find_roots(command: ShellCommand) -> tuple[str, ...]:
    """The folders that find searches."""
    found: list[str] = []
    for word in command.arguments:
        if word.filled.startswith(("-", "(", "!", "\\(")) and word.filled not in ("-L", "-H", "-P"):
            break
        if word.filled not in ("-L", "-H", "-P"):
            found.append(word.filled)
    return tuple(found)


def find_deletes(command: ShellCommand) -> bool:
    """Whether a find deletes what it finds: -delete, -exec rm, | xargs rm."""
    words = [word.filled for word in command.arguments]
    piped = command.piped_to
    by_xargs = piped is not None and piped.name == "xargs" and any(word.filled in _REMOVERS for word in piped.words)
    return command.name == "find" and ("-delete" in words or found_by(command) in _REMOVERS or by_xargs)


def found_by(command: ShellCommand) -> str:
    """The program that find runs with -exec, else empty."""
    words = [word.filled for word in command.arguments]
    at = next((at for at, word in enumerate(words) if word in ("-exec", "-execdir", "-ok")), -1)
    return words[at + 1].rpartition("/")[2] if 0 <= at < len(words) - 1 else ""


def has_age(command: ShellCommand) -> bool:
    """Whether find chooses by age."""
    return command.name == "find" and command.has_flag(*_AGES)


def removes_tree(command: ShellCommand) -> bool:
    """rm -r."""
    return command.name == "rm" and command.has_flag("-r", "-R", "--recursive")
