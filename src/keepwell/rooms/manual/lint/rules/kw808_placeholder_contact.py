"""KW808: the contacts of a manual are examples."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual, Table

_EXAMPLE = re.compile(
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|company\.com|yourdomain\.\w+|domain\.com)\b|\b(?:john|jane) "
    r"(?:doe|smith)\b|\b555-?01\d\d\b|\bxxx-xxx",
    re.I,
)


def _check(manual: Manual) -> Iterator[Finding]:
    for table in manual.tables:
        if table.column("contact", "email", "e-mail", "phone", "name") is not None:
            yield from _of_table(table)


def _of_table(table: Table) -> Iterator[Finding]:
    rows = [row for row in table.rows if any(_EXAMPLE.search(cell) for cell in row.cells)]
    if rows:
        found = next(match[0] for cell in rows[0].cells if (match := _EXAMPLE.search(cell)))
        yield Finding(
            rows[0].line,
            f"{len(rows)} of {len(table.rows)} contacts here are examples ({found.lstrip('@')}): nobody can be reached",
            rows[-1].line,
            fix="name the people, or link to the rota",
        )


RULE = Rule(
    id="KW808",
    name="placeholder-contact",
    title="The contacts are examples",
    severity=Severity.NOTE,
    why="A table that looks complete hides that nobody can be reached: the domains example.com, example.org and example.net belong to "
    "no one and take no mail. "
    "Source: RFC 2606, 3 (reserved example second level domain names).",
    bad="# Contacts\n\n| Role | Name | Contact |\n|---|---|---|\n| Administrator | John Doe | john@example.com |\n",
    good="# Contacts\n\n| Role | Name | Contact |\n|---|---|---|\n| Administrator | A. Weber | weber@shop.io |\n",
    check=_check,
)
