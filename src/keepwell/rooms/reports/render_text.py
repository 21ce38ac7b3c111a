"""A report as plain text: for a terminal, for mail and for chats. Pure."""

import unicodedata
from collections.abc import Iterator, Sequence

from keepwell.kernel.rendering import harmless

from .model import Part, Report, Table
from .words import instant

_SIGNS = {"ok": "", "warn": " !", "fail": " !!", "unknown": " ?"}
_WIDEST = 60


def text(report: Report) -> str:
    """The whole report; ends with a line break."""
    return "\n".join(harmless(line) for line in _lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    heading = f"{report.title}: {report.service}"
    yield heading
    yield "=" * _width(heading)
    yield f"{report.span.words}: {instant(report.span.start)} to {instant(report.span.end)}"
    yield report.headline
    for part in report.parts:
        yield ""
        yield from _part(part)
    yield ""
    yield f"Made by Keepwell at {instant(report.made_at)}."


def _part(part: Part) -> Iterator[str]:
    yield part.title
    yield "-" * _width(part.title)
    if part.why_not:
        yield f"not measured: {part.why_not}"
    yield from part.sentences
    for table in part.tables:
        yield from _table(table)
    yield from (plot.said for plot in part.plots if plot.said and not part.tables)


def _table(table: Table) -> Iterator[str]:
    rows = [[_short(cell.words) + _SIGNS.get(cell.state, "") for cell in row] for row in table.rows]
    widths = [max(_width(line[at]) for line in [table.columns, *rows]) for at in range(len(table.columns))]
    yield _padded(table.columns, widths)
    yield from (_padded(row, widths) for row in rows)
    if table.more:
        yield f"and {table.more} more"


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (wide - _width(cell)) for cell, wide in zip(cells, widths, strict=True)).rstrip()


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= _WIDEST else line[: _WIDEST - 1] + "…"


def _width(line: str) -> int:
    """Columns on a terminal (Unicode UAX #11)."""
    return sum(0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)
