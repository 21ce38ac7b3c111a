"""KW955: text of the manual holds a variable or template that nothing expanded."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Kind, Manual

_LEFT = re.compile(
    r"\$\([a-z][^()\n]{0,60}\)|\$\{[A-Z_][A-Z0-9_]+\}|\{\{-?\s*(?!and\b|or\b)\.?[\w.]+(?:\s*\|[^}]{0,40})?\s*-?\}\}|<%=?\s*[\w.]+\s*%>"
)
_CODE = re.compile(r"``.*?``|`[^`\n]*`")


def _check(manual: Manual) -> Iterator[Finding]:
    for item in manual.of(Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.CHECKBOX, Kind.TABLE_ROW, Kind.HEADING):
        for line in range(item.line, min(item.end_line, item.line + 50) + 1):
            text = _CODE.sub(lambda code: " " * len(code[0]), manual.line_text(line))
            match = _LEFT.search(text)
            if match and manual.fence_at(line) is None:
                yield Finding(
                    line,
                    f"{match[0]} stands in the text as it is: nothing expands it here{_consequence(text)}",
                    column=match.start() + 1,
                    width=len(match[0]),
                    fix="write the value itself, or put it in backquotes if it is meant as code",
                )


def _consequence(text: str) -> str:
    return ", so the age of the manual cannot be told" if re.search(r"date|updated|version", text.partition("$")[0], re.IGNORECASE) else ""


RULE = Rule(
    id="KW955",
    name="never-expanded",
    title="A placeholder in the text was never filled in",
    severity=Severity.WARNING,
    why="The file was to be made by a script or a template engine, and what stands there now is the template: the reader sees $(date) "
    "where a date should tell how old "
    "the manual is. Source: POSIX.1-2024, Shell Command Language, 2.6.3 (only a shell expands it, for instance in an unquoted "
    "here-document).",
    bad="# Service\n\n**Last updated**: $(date)\n",
    good="# Service\n\n**Last updated**: 2026-01-31, with `$(date +%F)`\n",
    check=_check,
)
