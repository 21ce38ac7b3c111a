"""KW422: sizes and percentages with a unit behind them, sorted or compared as if they were numbers."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual
from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .pattern_words import program_of

_HUMAN = ("-h", "--human-readable", "-H", "--si")


def _check(manual: Manual) -> Iterator[Finding]:
    for command in manual.commands:
        source = command.pipeline[0]
        if command.is_first or source.name not in ("du", "df", "ls", "free"):
            continue
        sentence, fix = _sorted(command, source) or _compared(command, source) or ("", "")
        if sentence:
            yield Finding(command.line, sentence, command.end_line, command.column, fix, width=len(command.name))


def _sorted(command: ShellCommand, source: ShellCommand) -> tuple[str, str] | None:
    if command.name != "sort" or not command.has_flag("-n", "--numeric-sort") or not source.has_flag(*_HUMAN):
        return None
    return f"{source.name} -h prints 900K and 2G, and sort -n puts the 900 above the 2", "sort -h"


def _compared(command: ShellCommand, source: ShellCommand) -> tuple[str, str] | None:
    """``df | awk '$5 > 80'``: the field is ``85%``, no number, so awk compares as text."""
    match = re.search(r"\$5\s*[<>]=?\s*(\d+)", program_of(command))
    cleaned = re.search(r"sub\(|\+\s*0|int\(|-F", program_of(command)) or any(part.name in ("sed", "tr") for part in command.pipeline)
    if source.name != "df" or match is None or cleaned or source.has_flag("--output"):
        return None
    return f"$5 of df is text such as '9%', and as text '9%' is more than {match[1]} and '100%' is less", f"awk '$5+0 > {match[1]}'"


RULE = Rule(
    id="KW422",
    name="sizes-compared-as-text",
    title="Sizes with units are sorted or compared as numbers",
    severity=Severity.WARNING,
    why="With -h the figures carry their unit, and percentages end with a sign. sort -n looks at the digits alone; awk compares a "
    "field that is not wholly "
    "a number as text, character by character. The largest directory is then not on top, and a full disk is not above the limit. "
    "Source: sort(1), -h and -n; POSIX.1-2024, awk, Expressions in awk (numeric strings).",
    bad="# Disk\n\n```bash\ndu -sh /var/* | sort -nr | head\ndf | awk '$5 > 80'\n```\n",
    good="# Disk\n\n```bash\ndu -sh /var/* | sort -hr | head\ndf | awk '$5+0 > 80'\n```\n",
    check=_check,
)
