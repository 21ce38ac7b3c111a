"""KW958: a row of a table has more or fewer cells than the table has columns."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual, Table

_BAR = re.compile(r"(?<!\\)\|")


def _check(manual: Manual) -> Iterator[Finding]:
    for table in manual.tables:
        yield from _of_table(manual, table)


def _of_table(manual: Manual, table: Table) -> Iterator[Finding]:
    wanted = len(table.columns)
    for row in table.rows:
        text = manual.line_text(row.line).strip().lstrip("> ")
        cells = len(_BAR.split(text.removeprefix("|").removesuffix("|")))
        if "|" in text and cells > wanted:
            yield Finding(
                row.line,
                f"this row has {cells} cells, the table {wanted} columns: the last ones are not shown",
                fix=r"\| for a bar inside a cell",
            )
        elif "|" in text and cells < wanted and cells > 1:
            yield Finding(
                row.line,
                f"this row has {cells} cells, the table {wanted} columns: {table.columns[-1].strip() or 'the last'} is empty here",
                severity=Severity.NOTE,
                fix="an empty cell where nothing is meant",
            )


RULE = Rule(
    id="KW958",
    name="table-row-that-does-not-fit",
    title="A row does not fit its table",
    severity=Severity.WARNING,
    why="Cells beyond the last column are dropped on the page without a word; a pipe inside a command is the usual reason, and half of "
    "the command is gone. Missing "
    "cells shift what stands in the row to the left. Source: GitHub Flavored Markdown, 4.10 (tables: excess cells are ignored).",
    bad="# Commands\n\n| What | Command |\n|---|---|\n| Errors | `grep ERROR app.log | wc -l` |\n",
    good="# Commands\n\n| What | Command |\n|---|---|\n| Errors | `grep ERROR app.log \\| wc -l` |\n",
    check=_check,
)
