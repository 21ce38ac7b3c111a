"""What stands in a manual: its items, blocks and sections. Lines and columns count from 1; an end line is the last line, inclusive."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from .parts import CronEntry, Setting, Statement
from .shell_model import Script, ShellCommand

if TYPE_CHECKING:
    from .names import Names


class Kind(StrEnum):
    """What an item is."""

    FRONT_MATTER = "front matter"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST_ITEM = "list item"
    CHECKBOX = "checkbox"
    TABLE_ROW = "table row"
    """A row of a table; ``level`` is 0 for the row of heads."""
    FENCE = "fence"
    COMMAND = "command"
    """A pipeline or a single command inside a fence, not one inside another's ``$(...)``."""
    ASSIGNMENT = "assignment"
    COMMENT = "comment"
    """A comment inside a fence, whatever its language; consecutive comment lines are one item each."""
    CRON = "cron entry"
    STATEMENT = "statement"
    """A statement of SQL."""
    OUTPUT = "output"
    """What a console fence shows as a program's answer."""
    HTML = "html"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that stands in the manual. ``section`` are the headings it is under, outermost first; its lines never leave its block.

    ``level`` is the level of a heading, the depth of a list item (from 1); ``language`` that of its fence; ``checked`` whether a
    checkbox is ticked.
    """

    kind: Kind
    line: int
    end_line: int
    text: str
    section: tuple[str, ...] = ()
    level: int = 0
    language: str = ""
    checked: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what follows until the next heading of its level or above. The part before the first heading has level 0, no title.

    ``end_line`` includes its subsections; ``path`` are the titles from the outermost to its own.
    """

    title: str
    level: int
    line: int
    end_line: int
    path: tuple[str, ...]
    children: tuple["Section", ...] = ()

    def walk(self) -> Iterator["Section"]:
        """It and all sections below it, in the order of the document."""
        waiting = [self]
        while waiting:
            section = waiting.pop()
            yield section
            waiting.extend(reversed(section.children))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. Cells that are missing are empty, those too many are gone (as GitHub shows it)."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its heads and its rows as plain text. ``line`` is that of the heads."""

    line: int
    end_line: int
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    section: tuple[str, ...] = ()

    def column(self, *words: str) -> int | None:
        """The number (from 0) of the first column whose head contains one of the words, in any case; None where there is none."""
        heads = [head.lower() for head in self.columns]
        return next((at for at, head in enumerate(heads) if any(word.lower() in head for word in words)), None)


@dataclass(frozen=True, eq=False)
class Fence:
    """A fenced (or indented) block of code, and what it was parsed into.

    ``line`` and ``end_line`` are those of the marks (of the content where it is ``indented``); ``first`` is the line of the first line of
    content. ``declared`` is the language as written (``bash``), ``language`` what it is read as: shell, console, crontab, yaml, json,
    sql, ini, systemd, toml, logrotate, nginx, dockerfile, promql, python, powershell, or the declared word, or text.
    ``file`` is the path that a comment at its head says it is (``# /opt/x/backup.sh``), else empty.
    """

    line: int
    end_line: int
    first: int
    content: str
    language: str
    declared: str = ""
    section: tuple[str, ...] = ()
    closed: bool = True
    indented: bool = False
    file: str = ""
    script: Script | None = None
    """The shell in it (also of a console fence, whose output lines are left out)."""
    settings: tuple[Setting, ...] = ()
    """Keys and values of yaml, json, ini, systemd, toml, logrotate, nginx and Dockerfile, flat."""
    statements: tuple[Statement, ...] = ()
    """Statements of SQL."""
    cron: tuple[CronEntry, ...] = ()
    """Entries of a crontab, also those that stand in a fence declared as shell."""
    output: tuple[tuple[int, str], ...] = ()
    """Of a console fence: the lines of output, each with its line."""
    error: str = ""
    """Why it could not be parsed as its language, and at which line of the manual (``error_line``)."""
    error_line: int = 0

    @property
    def lines(self) -> list[tuple[int, str]]:
        """Each line of content with its line in the manual."""
        return list(enumerate(self.content.removesuffix("\n").split("\n"), self.first)) if self.content else []


@dataclass(frozen=True, slots=True)
class Mended:
    """Mojibake that was mended for reading: the line, as it is written and as it is read."""

    line: int
    written: str
    read: str


@dataclass(frozen=True, eq=False)
class Manual:
    """A manual as read. Everything is in the order of the document.

    ``name`` is what to call it in messages; ``lines`` the text that is read (mended, without line ends), ``lines[0]`` being line 1.
    """

    name: str
    lines: tuple[str, ...]
    items: tuple[Item, ...]
    sections: tuple[Section, ...]
    fences: tuple[Fence, ...] = ()
    tables: tuple[Table, ...] = ()
    scripts: tuple[Script, ...] = ()
    """All shell of the manual: of fences, and inside them here-documents that become scripts, ``ssh host '...'``, ``bash -c '...'``, and
    cron entries. ``script.origin`` tells which."""
    statements: tuple[Statement, ...] = ()
    """All SQL: of sql fences, here-documents fed to a database client, and ``-c``/``-e`` arguments."""
    cron: tuple[CronEntry, ...] = ()
    """All cron entries: of crontab fences, crontab lines in shell fences, and lines fed to ``crontab -``."""
    settings: tuple[Setting, ...] = ()
    """All settings of configuration fences and of here-documents that write a configuration file."""
    mended: tuple[Mended, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()
    """What was odd in the bytes (line, sentence): NUL, invalid UTF-8, mixed line ends."""
    front_matter: tuple[Setting, ...] = ()
    names: "Names" = field(default=None, repr=False)  # type: ignore[assignment]  # always set by read_manual

    @property
    def commands(self) -> Iterator[ShellCommand]:
        """Every command of every script."""
        return (command for script in self.scripts for command in script.commands)

    @cached_property
    def headings(self) -> tuple[Item, ...]:
        """The headings."""
        return self.of(Kind.HEADING)

    @property
    def title(self) -> str:
        """The first heading, or empty."""
        return self.headings[0].text if self.headings else ""

    def of(self, *kinds: Kind) -> tuple[Item, ...]:
        """The items of these kinds."""
        return tuple(item for item in self.items if item.kind in kinds)

    @cached_property
    def _flat(self) -> tuple[Section, ...]:
        return tuple(part for section in self.sections for part in section.walk())

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        return tuple(section.line for section in self._flat)

    @cached_property
    def _item_lines(self) -> tuple[int, ...]:
        return tuple(item.line for item in self.items)

    def section_of(self, line: int) -> Section:
        """The innermost section that a line is in."""
        return self._flat[max(0, bisect_right(self._starts, line) - 1)]

    @property
    def all_sections(self) -> tuple[Section, ...]:
        """Every section, flat, in the order of the document."""
        return self._flat

    def fence_at(self, line: int) -> Fence | None:
        """The fence that a line is in, its marks included."""
        return next((fence for fence in self.fences if fence.line <= line <= fence.end_line), None)

    def items_in(self, section: Section, *kinds: Kind) -> tuple[Item, ...]:
        """The items of a section and those below it; of these kinds, where any are named."""
        first = bisect_left(self._item_lines, section.line)
        behind = bisect_right(self._item_lines, section.end_line)
        return tuple(item for item in self.items[first:behind] if not kinds or item.kind in kinds)

    def line_text(self, line: int) -> str:
        """The text of a line; empty beyond the end."""
        return self.lines[line - 1] if 1 <= line <= len(self.lines) else ""

    def words_near(self, line: int, before: int = 3, after: int = 0) -> str:
        """The text around a line in small letters: its section's titles, and the lines ``before`` and ``after`` it."""
        start = max(0, line - 1 - before)
        return "\n".join((*self.section_of(line).path, *self.lines[start : line + after])).lower()

    def mentions(self, name: str) -> tuple[int, ...]:
        """The lines that contain a name as a whole word (paths and names with dots and hyphens are whole words)."""
        pattern = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
        return tuple(number for number, text in enumerate(self.lines, 1) if name in text and pattern.search(text))

    def prose(self, *sections: Section) -> Iterable[Item]:
        """Paragraphs, list items, checkboxes and table rows; of these sections, where any are given."""
        kinds = (Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.CHECKBOX, Kind.TABLE_ROW)
        return self.of(*kinds) if not sections else [item for section in sections for item in self.items_in(section, *kinds)]
