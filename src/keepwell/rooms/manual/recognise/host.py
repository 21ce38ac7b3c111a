"""Lines that look at a host: ``df``, ``systemctl``, ``ps | grep`` and ``pgrep``."""

import re
from collections.abc import Iterator, Sequence

from keepwell.rooms.manual.model import Asked, Found, Left
from keepwell.rooms.manual.shell import Simple

from .placeholders import placeholder, unknown_variable

_PATH = re.compile(r"/[\w./@:+, -]*")
_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9@:_.\\-]{0,254}")  # systemd.unit(5)
_PATTERN = re.compile(r"[\w./@:,= -]{1,200}", re.ASCII)
_BRACKETED = re.compile(r"\[(\w)\]")
_READS = {"is-active", "status"}
_DF_WITH_VALUE = {"-x", "-t", "-B", "--exclude-type", "--type", "--block-size"}
_PGREP_FLAGS = {"-f", "-x", "-l", "-a", "-c", "--full", "--exact"}


def _unclear(text: str) -> str:
    """What in the text is still to be filled in, as a reason; or nothing."""
    if placeholder(text):
        return f"it holds a placeholder: {placeholder(text)}"
    return f"it holds {unknown_variable(text)}, to which this block gives no plain value" if unknown_variable(text) else ""


def _plain_words(words: Sequence[str], with_value: set[str]) -> list[str]:
    """The words that are neither options nor the values of options."""
    rest = iter(words)
    return [word for word in rest if not (word.startswith("-") and (word not in with_value or next(rest, "") is not None))]


def read_df(command: Simple, line: int, text: str) -> Iterator[Found]:
    """``df [PATH...]``: a host check of each file system; without a path, of the root file system."""
    inodes = any(re.fullmatch(r"-[A-Za-z]*i[A-Za-z]*|--inodes", word) for word in command.words[1:])
    paths = _plain_words(command.words[1:], _DF_WITH_VALUE)
    note = "" if paths else "df without a path lists every file system; the check looks at /"
    for path in paths or ["/"]:
        reason = _unclear(path)
        if reason or not _PATH.fullmatch(path) or ".." in path.split("/"):
            yield Left(line, text, reason or "its path is not a plain absolute path")
        else:
            mount = re.sub(r"/+", "/", path).rstrip("/") or "/"
            yield Asked(line, text, "host", {"mount": mount, **({"inodes": {}} if inodes else {})}, note=note)


def read_systemctl(command: Simple, line: int, text: str) -> Iterator[Found]:
    """``systemctl is-active UNIT`` and ``status UNIT``: a command check, which waits for acceptance. Other verbs are left."""
    words = _plain_words(command.words[1:], {"-n", "-o", "-p", "-t", "-H", "-M"})
    verb, units = (words[0], words[1:]) if words else ("", [])
    if verb not in _READS or not units:
        yield Left(
            line,
            text,
            "it names no unit to look at"
            if verb in _READS
            else f"systemctl {verb} does not ask whether a unit runs"
            if verb
            else "it says nothing to do",
        )
        return
    for unit in units:
        reason = _unclear(unit)
        if reason or not _UNIT.fullmatch(unit):
            yield Left(line, text, reason or "its unit is not a name of a unit")
        else:
            yield Asked(
                line, text, "command", {"run": ["systemctl", "is-active", unit]}, note="it runs a command, so it waits for acceptance"
            )


def read_pgrep(command: Simple, line: int, text: str) -> Iterator[Found]:
    """``pgrep NAME`` and ``pgrep -f PATTERN``: a process check."""
    options = [word for word in command.words[1:] if word.startswith("-")]
    patterns = [word for word in command.words[1:] if not word.startswith("-")]
    if set(options) - _PGREP_FLAGS or len(patterns) != 1:
        yield Left(line, text, "it chooses processes in a way that is not imported")
        return
    yield _process(patterns[0], line, text, whole_line=bool({"-f", "--full"} & set(options)))


def read_ps(pipeline: Sequence[Simple], line: int, text: str) -> Iterator[Found]:
    """``ps ... | grep PATTERN [| grep -v grep]``: a process check, unless it only collects the list into a file."""
    greps = [command for command in pipeline if command.words[0] in {"grep", "egrep"} and "-v" not in command.words]
    if not greps:
        return
    if any(output != "/dev/null" for output in pipeline[-1].outputs):
        yield Left(line, text, "it collects a list into a file and judges nothing")
        return
    patterns = _plain_words(greps[0].words[1:], {"-m", "-A", "-B", "-C"})
    if len(greps) == 1 and len(patterns) == 1:
        yield _process(patterns[0], line, text, whole_line=True)
    else:
        yield Left(line, text, "it chooses processes in a way that is not imported")


def _process(pattern: str, line: int, text: str, *, whole_line: bool) -> Found:
    pattern = _BRACKETED.sub(r"\1", pattern)  # "[n]ginx" keeps grep from finding itself; the check never counts its own look
    reason = _unclear(pattern)
    if reason or not _PATTERN.fullmatch(pattern) or not pattern.strip():
        return Left(line, text, reason or "its pattern is more than a plain text")
    return Asked(line, text, "process", {"match": pattern} if whole_line else {"name": pattern})
