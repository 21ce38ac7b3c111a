"""Reads a manual: CommonMark with GitHub's tables, its fences by their own languages, everything with the lines of the file. Pure."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .fences import Parsed, parse_fence, whole_fence
from .items import fence_items
from .model import Fence, Item, Kind, Manual, Row, Section, Table
from .names import collect_names
from .parts import Setting
from .plain import plain
from .text import DEEPEST, read_text

_CHECKBOX = re.compile(r"\[([ xX])\]\s+(.*)", re.DOTALL)
_LONGEST = 5_000
"""Characters of a line and of an item of prose that rules see: nobody wrote more by hand, and patterns over them must end."""
_FRONT_MATTER = re.compile(r"[ \t]*([A-Za-z_][\w-]*)[ \t]*:[ \t]*(.*)")


def read_manual(source: str | bytes, name: str) -> Manual:
    """What stands in a manual. ``name`` is what to call it in messages.

    Raises UsageError where it is no text, or larger than 20 MB. Everything else is Markdown (CommonMark 0.31.2, section 2: any
    sequence of characters is a document), and is read.
    """
    text = read_text(source, name)
    reader = _Reader(text.lines)
    reader.read()
    fences = tuple(whole_fence(fence, parsed) for fence, parsed in reader.fences)
    inner = tuple(item for fence in fences for item in fence_items(fence))
    # A fence stands before what it holds; the sort is stable.
    items = tuple(sorted((*reader.items, *inner), key=lambda item: item.line))
    scripts = tuple(script for _, parsed in reader.fences for script in parsed.scripts)
    statements = tuple(statement for _, parsed in reader.fences for statement in parsed.statements)
    cron = tuple(entry for _, parsed in reader.fences for entry in parsed.cron)
    settings = tuple(setting for _, parsed in reader.fences for setting in parsed.settings)
    tables = tuple(reader.tables)
    names = collect_names(items, fences, scripts, settings)
    return Manual(
        name, tuple(line[:_LONGEST] for line in text.lines), items,
        reader.section_tree(), fences, tables, scripts, statements, cron, settings, text.mended, text.remarks,
        tuple(reader.front_matter), names,
    )  # fmt: skip


class _Reader:
    """Goes through the blocks of a document once, and keeps what it meets."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self.items: list[Item] = []
        self.fences: list[tuple[Fence, Parsed]] = []
        self.tables: list[Table] = []
        self.front_matter: list[Setting] = []
        self._headings: list[tuple[str, int, int]] = []  # title, level, line
        self._stack: list[tuple[str, int]] = []
        self._path: tuple[str, ...] = ()

    def read(self) -> None:
        """Reads the whole document."""
        start = self._read_front_matter()
        body = "\n".join((*("",) * start, *self.lines[start:]))
        # Inline parsing is left out: it is not needed, and it is where hostile text costs time.
        tokens = MarkdownIt("commonmark", {"maxNesting": DEEPEST}).enable("table").disable("inline").parse(body)
        lists = 0
        at = 0
        while at < len(tokens):
            token = tokens[at]
            lists += {"list_item_open": 1, "list_item_close": -1}.get(token.type, 0)
            if token.type == "table_open":
                at = self._table(tokens, at)
            else:
                self._block(token, tokens, at, lists)
            at += 1

    def _block(self, token: Token, tokens: Sequence[Token], at: int, lists: int) -> None:
        match token.type:
            case "heading_open" if token.level == 0:
                self._heading(token, plain(tokens[at + 1].content))
            case "paragraph_open" | "heading_open":
                self._paragraph(token, tokens, at, lists)
            case "fence" | "code_block":
                self._fence(token)
            case "html_block":
                self._add(Kind.HTML, token, token.content.rstrip("\n"))

    def _add(self, kind: Kind, token: Token, text: str, level: int = 0, checked: bool = False) -> None:
        line, end = self._span(token)
        self.items.append(Item(kind, line, end, text[:_LONGEST], self._path, level, checked=checked))

    def _span(self, token: Token) -> tuple[int, int]:
        """First and last line of a block; blank lines at its end are not counted."""
        first, behind = token.map or (0, 1)
        last = min(behind, len(self.lines))
        while last > first + 1 and not self.lines[last - 1].strip():
            last -= 1
        return first + 1, max(first + 1, last)

    def _heading(self, token: Token, title: str) -> None:
        level = int(token.tag[1])
        while self._stack and self._stack[-1][1] >= level:
            self._stack.pop()
        self._stack.append((title, level))
        self._path = tuple(title for title, _ in self._stack)
        self._headings.append((title, level, self._span(token)[0]))
        self._add(Kind.HEADING, token, title, level)

    def _paragraph(self, token: Token, tokens: Sequence[Token], at: int, lists: int) -> None:
        text = plain(tokens[at + 1].content)
        if tokens[at - 1].type != "list_item_open" if at else True:
            self._add(Kind.PARAGRAPH, token, text)
            return
        box = _CHECKBOX.fullmatch(text)
        if box:
            self._add(Kind.CHECKBOX, token, box[2], lists, box[1] != " ")
        else:
            self._add(Kind.LIST_ITEM, token, text, lists)

    def _table(self, tokens: Sequence[Token], at: int) -> int:
        """Takes a whole table; returns where it ends."""
        line, end = self._span(tokens[at])
        rows: list[Row] = []
        cells: list[str] = []
        while tokens[at].type != "table_close":
            token = tokens[at]
            if token.type == "tr_open":
                cells = []
            elif token.type == "inline":
                cells.append(plain(token.content)[:_LONGEST])
            elif token.type == "tr_close":
                rows.append(Row(self._row_line(tokens, at, line), tuple(cells)))
            at += 1
        for number, row in enumerate(rows):
            self.items.append(Item(Kind.TABLE_ROW, row.line, row.line, " | ".join(row.cells), self._path, min(number, 1)))
        self.tables.append(Table(line, end, rows[0].cells if rows else (), tuple(rows[1:]), self._path))
        return at

    @staticmethod
    def _row_line(tokens: Sequence[Token], at: int, fallback: int) -> int:
        """Cells have no line of their own: that of the row is taken."""
        while tokens[at].type != "tr_open":
            at -= 1
        span = tokens[at].map
        return span[0] + 1 if span else fallback

    def _fence(self, token: Token) -> None:
        first, behind = token.map or (0, 1)
        indented = token.type == "code_block"
        line, end = (self._span(token)) if indented else (first + 1, min(behind, max(len(self.lines), 1)))
        declared = "" if indented else (token.info.split() or [""])[0]
        fence = Fence(
            line, end, line if indented else line + 1, token.content, "text", declared, self._path,
            indented or self._closed(token, end), indented,
        )  # fmt: skip
        self.fences.append((fence, parse_fence(fence, self.lines)))
        self.items.append(Item(Kind.FENCE, line, end, token.content, self._path, language=self.fences[-1][1].language))

    def _closed(self, token: Token, end: int) -> bool:
        """CommonMark 0.31.2, section 4.5: a fence that is not closed runs to the end of its container."""
        mark = self.lines[end - 1].lstrip(" \t>").rstrip() if end <= len(self.lines) else ""
        return end > (token.map or (0,))[0] + 1 and len(mark) >= len(token.markup) and set(mark) == {token.markup[0]}

    def _read_front_matter(self) -> int:
        """How many lines are front matter: from ``---`` on the first line to the next ``---``."""
        if not self.lines or self.lines[0].rstrip() != "---":
            return 0
        end = next((at for at, line in enumerate(self.lines[1:200], 1) if line.rstrip() in ("---", "...")), 0)
        found = [(at, _FRONT_MATTER.fullmatch(line)) for at, line in enumerate(self.lines[1:end], 2)]
        if not any(match for _, match in found):
            return 0
        self.front_matter = [Setting((match[1],), match[2].strip().strip("\"'"), at, at, "yaml") for at, match in found if match]
        self.items.append(Item(Kind.FRONT_MATTER, 1, end + 1, "\n".join(self.lines[1:end])))
        return end + 1

    def section_tree(self) -> tuple[Section, ...]:
        """The sections as a tree: first the part before any heading (level 0), if there is one."""
        last = max(1, len(self.lines))
        tree: list[Section] = []
        if not self._headings or self._headings[0][2] > 1:
            tree.append(Section("", 0, 1, self._headings[0][2] - 1 if self._headings else last, ()))
        tree += _children(list(_with_ends(self._headings, last)))
        return tuple(tree)


def _with_ends(headings: Sequence[tuple[str, int, int]], last: int) -> Iterator[tuple[str, int, int, int]]:
    """(title, level, line, end line) of each heading: it ends before the next of its level or above."""
    ends = [last] * len(headings)
    open_: list[int] = []
    for at, (_, level, line) in enumerate(headings):
        while open_ and headings[open_[-1]][1] >= level:
            ends[open_.pop()] = line - 1
        open_.append(at)
    return ((title, level, line, end) for (title, level, line), end in zip(headings, ends, strict=True))


def _children(spans: Sequence[tuple[str, int, int, int]], path: tuple[str, ...] = ()) -> list[Section]:
    """The sections of consecutive headings. The depth is at most six: that many levels there are."""
    sections: list[Section] = []
    at = 0
    while at < len(spans):
        title, level, line, end = spans[at]
        inside = at + 1
        while inside < len(spans) and spans[inside][2] <= end:
            inside += 1
        own = (*path, title)
        sections.append(Section(title, level, line, end, own, tuple(_children(spans[at + 1 : inside], own))))
        at = inside
    return sections
