"""What stands around an item of prose: the sentence that leads a list in, the item above it, the table that a row belongs to. Pure."""

import re
from collections.abc import Iterator
from functools import lru_cache

from keepwell.rooms.manual.reading.model import Item, Kind, Manual, Row, Table

_LISTED = (Kind.LIST_ITEM, Kind.CHECKBOX)


_LINK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[[^\]]*\]\([^)]*\)\.?\s*$")


def is_only_a_link(manual: Manual, item: Item) -> bool:
    """Whether a list item is nothing but a link, as the lines of a table of contents are."""
    return bool(_LINK.match(manual.line_text(item.line)[:1000]))


class Surroundings:
    """The neighbours of a manual's items, found once in one pass."""

    def __init__(self, manual: Manual) -> None:
        self._leads: dict[int, str] = {}
        self._parents: dict[int, Item] = {}
        self._children: dict[int, list[Item]] = {}
        self._introductions: dict[tuple[str, ...], str] = {}
        self._rows = {row.line: (table, row) for table in manual.tables for row in table.rows}
        self._scan(manual.items)

    def _scan(self, items: tuple[Item, ...]) -> None:
        lead = ""
        above: list[Item] = []
        for item in items:
            if item.kind is Kind.HEADING:
                lead, above = "", []
            elif item.kind is Kind.PARAGRAPH:
                lead, above = item.text, []
                if item.text.rstrip().endswith(":"):
                    self._introductions[item.section] = item.text
            elif item.kind in _LISTED:
                while above and above[-1].level >= item.level:
                    above.pop()
                self._leads[id(item)] = lead
                if above:
                    self._parents[id(item)] = above[-1]
                    self._children.setdefault(id(above[-1]), []).append(item)
                above.append(item)

    def lead_in(self, item: Item) -> str:
        """The paragraph before the list that an item is in; empty where none is in its section."""
        return self._leads.get(id(item), "")

    def parent(self, item: Item) -> Item | None:
        """The list item that it is a part of."""
        return self._parents.get(id(item))

    def parents(self, item: Item) -> Iterator[Item]:
        """The list items that it is a part of, the nearest first."""
        above = self.parent(item)
        while above is not None:
            yield above
            above = self.parent(above)

    def children(self, item: Item) -> tuple[Item, ...]:
        """The list items that are directly a part of it."""
        return tuple(self._children.get(id(item), ()))

    def introduction(self, item: Item) -> str:
        """The nearest paragraph ending in a colon, of its own section or of one around it: ``Every Monday, review:``."""
        paths = (item.section[:length] for length in range(len(item.section), 0, -1))
        return next((self._introductions[path] for path in paths if path in self._introductions), "")

    def row(self, item: Item) -> tuple[Table, Row] | None:
        """The table and the row of a table row that is not its heads."""
        return self._rows.get(item.line)


@lru_cache(maxsize=4)
def surroundings(manual: Manual) -> Surroundings:
    """Those of a manual, kept while it is looked at."""
    return Surroundings(manual)
