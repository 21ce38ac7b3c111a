"""KW421: ``|`` in a basic regular expression, where it is a character like any other."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import pattern_of, short


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("grep", "zgrep"):
            pattern = pattern_of(command)
            special = command.has_flag("-E", "--extended-regexp", "-P", "--perl-regexp", "-F", "--fixed-strings")
            if pattern is None or special or not re.search(r"[A-Za-z0-9)]\|[A-Za-z0-9(]", pattern.filled):
                continue
            yield Finding(
                command.line,
                f"without -E the | in '{short(pattern.filled)}' is an ordinary character: only lines with that very text are found",
                command.end_line,
                command.column,
                "grep -E",
                width=len(command.name),
            )


RULE = Rule(
    id="KW421",
    name="alternatives-taken-literally",
    title="grep without -E takes | literally",
    severity=Severity.ERROR,
    why="In a basic regular expression, which grep uses by itself, | is no alternative: 'error|fatal' finds lines that contain "
    "exactly this text and "
    "misses every error. -E (or \\\\| with GNU grep) makes it one. Source: POSIX.1-2024, Regular Expressions, 9.3.3; grep(1), -E.",
    bad='# Errors\n\n```bash\ngrep -i "error|fatal" /var/log/shop/app.log\n```\n',
    good='# Errors\n\n```bash\ngrep -iE "error|fatal" /var/log/shop/app.log\ngrep -F "a | b" table.md\n```\n',
    check=_check,
)
