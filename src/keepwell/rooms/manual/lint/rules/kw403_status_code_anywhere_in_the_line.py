"""KW403: HTTP status codes are searched for as three digits anywhere in a line of an access log."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import GREPS, files_of, is_access_log, pattern_of, short

_DIGIT = r"(?:\d|\[\d(?:-\d)?\d*\]|\.|x|\\d|\[\[:digit:\]\])"
_TWO = rf"(?:{_DIGIT}{{2}}|(?:\[0-9\]|\\d|\[\[:digit:\]\])\\?\{{2\\?\}})"
_CODE = re.compile(rf"(?:[1-5]|\[[1-5](?:-?[1-5])*\]){_TWO}")
"""A status code in digits, or its first digit and any two: ``404``, ``5[0-9][0-9]``, ``[45][0-9]{2}``, ``4..``."""


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*GREPS):
            pattern = pattern_of(command)
            if pattern is None or command.has_flag("-w", "--word-regexp") or not _only_codes(pattern.filled):
                continue
            if any(is_access_log(path) for path in files_of(command)):
                yield Finding(
                    command.line,
                    f"'{short(pattern.filled)}' matches anywhere in the line: in byte counts and version numbers "
                    f"({_example(pattern.filled)}) too",
                    command.end_line,
                    command.column,
                    f"compare the status field: awk '$9 ~ {_instead(pattern.filled)}' for the combined format",
                    width=len(command.name),
                )


def _only_codes(pattern: str) -> bool:
    """Whether the pattern is nothing but status codes, with no quote, blank or anchor around them."""
    parts = re.split(r"\\?\|", pattern.strip("()\\"))
    return all(_CODE.fullmatch(part.strip("()\\")) for part in parts)


def _instead(pattern: str) -> str:
    """The expression for the status field alone: the codes where they are written out, else their first digits."""
    parts = [part.strip("()\\") for part in re.split(r"\\?\|", pattern.strip("()\\"))]
    if all(part.isdigit() for part in parts) and len(parts) <= 8:
        return f"/^({'|'.join(parts)})$/" if len(parts) > 1 else f"/^{parts[0]}$/"
    first = sorted({digit for part in parts for digit in re.findall(r"[1-5]", part.split("]")[0] if part.startswith("[") else part[:1])})
    return f"/^[{''.join(first)}]/" if len(first) > 1 else f"/^{first[0]}/"


def _example(pattern: str) -> str:
    codes = re.findall(r"(?<!\d)[1-5]\d\d(?!\d)", pattern)
    if codes:
        return f"1{codes[0]}3"
    return "4523, AppleWebKit/537.36" if re.search(r"5(?:\[|\.|\\d)|4-5|45", pattern) else "4523"


RULE = Rule(
    id="KW403",
    name="status-code-anywhere-in-the-line",
    title="A status code is looked for as three digits anywhere in the line",
    severity=Severity.ERROR,
    why="A line of an access log is full of digits: the address, the date, the number of bytes, the browser's version "
    "(AppleWebKit/537.36 has a 537). "
    "A pattern of three digits therefore finds good requests as well, so that the list says nothing about errors. In the "
    "common and combined formats "
    "the status is the ninth field. Source: https://httpd.apache.org/docs/2.4/logs.html#combined",
    bad="# Errors\n\n```bash\ngrep -E '(4[0-9]{2}|5[0-9]{2})' /var/log/nginx/access.log\n```\n",
    good="# Errors\n\n```bash\nawk '$9 ~ /^[45]/' /var/log/nginx/access.log\ngrep -E '\" 5[0-9]{2} ' /var/log/nginx/access.log\n```\n",
    check=_check,
)
