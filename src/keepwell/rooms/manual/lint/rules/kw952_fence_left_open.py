"""KW952: a fence has no end, or a second document begins in the middle of the file."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

_KEY = re.compile(r"^[A-Za-z_][\w-]*:\s*\S")
_HEAD = 5


def _check(manual: Manual) -> Iterator[Finding]:
    for fence in manual.fences:
        if not fence.closed:
            yield Finding(
                fence.line,
                f"this block is never closed: the {max(0, len(manual.lines) - fence.line)} lines to the end of the manual are all code",
                fix="close it with the same mark that opened it",
            )
    yield from _again(manual)
    yield from _second_front_matter(manual)


def _again(manual: Manual) -> Iterator[Finding]:
    """The first title a second time, on level 1: the document begins anew."""
    titles = [item for item in manual.headings if item.level == 1]
    for item in titles[1:]:
        if item.text.strip().lower() == titles[0].text.strip().lower():
            yield Finding(
                item.line,
                f'"{item.text[:100]}" begins a second time here (first in line {titles[0].line}): two documents in one file?',
                severity=Severity.NOTE,
                fix="keep one",
            )


def _second_front_matter(manual: Manual) -> Iterator[Finding]:
    """``---``, ``key: value`` and ``---`` far from the first line."""
    lines = manual.lines
    for number in range(_HEAD, len(lines) - 2):
        if (
            lines[number] == "---"
            and _KEY.match(lines[number + 1])
            and "---" in lines[number + 2 : number + 10]
            and manual.fence_at(number + 1) is None
        ):
            inner = lines[number + 1 : number + 2 + lines[number + 2 : number + 10].index("---")]
            if all(_KEY.match(line) or line.startswith((" ", "-")) for line in inner):
                yield Finding(
                    number + 1,
                    "front matter in the middle of the file: a second document begins here",
                    severity=Severity.NOTE,
                    fix="a file for each",
                )


RULE = Rule(
    id="KW952",
    name="fence-left-open",
    title="A block of code has no end, or two documents share a file",
    severity=Severity.ERROR,
    why="An open fence turns every heading, table and warning behind it into code: on the page they are gone, and a program that reads "
    "the manual finds no "
    "steps. Source: CommonMark 0.31, 4.5 (an unclosed code block is closed by the end of the document).",
    bad="# Service\n\n```bash\nsystemctl stop shop\n\n## Restore\n\nAsk the administrator first.\n",
    good="# Service\n\n```bash\nsystemctl stop shop\n```\n\n## Restore\n\nAsk the administrator first.\n",
    check=_check,
)
