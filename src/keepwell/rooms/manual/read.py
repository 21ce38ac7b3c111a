"""Reads Markdown (CommonMark 0.31 with GitHub's tables) into the parts that import looks at, with line numbers. Pure."""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .model import Fence, Manual, Row, Table

_MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_]|[*_](?!\w)")


def read_manual(text: str) -> Manual:
    """The parts of a manual. Any text is Markdown, so nothing is refused."""
    # Inline parsing is left out: it is not needed, and it is where hostile text costs time.
    tokens = MarkdownIt("commonmark").enable("table").disable("inline").parse(text)
    title, heading = "", ""
    fences: list[Fence] = []
    tables: list[Table] = []
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = plain(tokens[index + 1].content)
            title = title or heading
        elif token.type == "fence":
            language = (token.info.split() or [""])[0].lower()
            fences.append(Fence(_line(token) + 1, language, token.content, heading))
        elif token.type == "table_open":
            tables.append(_table(tokens[index:]))
    return Manual(title, tuple(fences), tuple(tables))


def plain(text: str) -> str:
    """Inline Markdown without its marks for emphasis and code."""
    return _MARKS.sub("", text).strip()


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0


def _table(tokens: Sequence[Token]) -> Table:
    """The table whose opening token comes first."""
    rows: list[Row] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(Row(_line(token), ()))
        elif token.type == "inline" and rows:
            rows[-1] = Row(rows[-1].line, (*rows[-1].cells, plain(token.content)))
        elif token.type == "table_close":
            break
    return Table(rows[0].cells if rows else (), tuple(rows[1:]))
