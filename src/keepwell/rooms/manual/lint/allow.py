"""What a manual's author allows: ``<!-- keepwell: allow KW123 reason -->`` and ``# keepwell: allow KW123 reason``. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Item, Kind, Manual

_ALLOW = re.compile(r"keepwell:\s*allow\s+(?P<rules>[A-Z]{2,3}\d+(?:[\s,]+[A-Z]{2,3}\d+)*)(?P<reason>[^\n]*?)(?:-->|\*/|$)", re.MULTILINE)
_LISTED = frozenset((Kind.LIST_ITEM, Kind.CHECKBOX))
_INSIDE = frozenset((Kind.COMMAND, Kind.ASSIGNMENT, Kind.COMMENT, Kind.CRON, Kind.STATEMENT, Kind.OUTPUT))


@dataclass(frozen=True, slots=True)
class Allowance:
    """Rules that are allowed on the lines ``first`` to ``last``. ``line`` is where it is said; without a ``reason`` it counts for
    nothing."""

    rules: tuple[str, ...]
    first: int
    last: int
    line: int
    reason: str

    def covers(self, rule: str, line: int) -> bool:
        """Whether a finding of the rule at the line is allowed."""
        return bool(self.reason) and rule in self.rules and self.first <= line <= self.last


def allowances(manual: Manual) -> tuple[Allowance, ...]:
    """Everything that is allowed. An HTML comment holds for the next block, before a heading for its section; a comment in a fence for the
    line that it ends, or for the next command."""
    if not any("keepwell:" in line for line in manual.lines):
        return ()
    return (*_in_html(manual), *_in_fences(manual))


def _in_html(manual: Manual) -> Iterator[Allowance]:
    blocks = [item for item in manual.items if item.kind not in _INSIDE]
    for at, item in enumerate(blocks):
        if item.kind is Kind.HTML and "keepwell:" in item.text:
            following = [other for other in blocks[at + 1 :] if other.kind is not Kind.HTML]
            first, last = _range(manual, following)
            for offset, text in enumerate(item.text.split("\n")):
                yield from _said(text, first, last, item.line + offset)


def _range(manual: Manual, following: list[Item]) -> tuple[int, int]:
    """The lines of the next block; of the whole section where that is a heading."""
    if not following:
        return 0, -1
    item = following[0]
    if item.kind is Kind.HEADING:
        section = manual.section_of(item.line)
        return section.line, section.end_line
    if item.kind is Kind.TABLE_ROW:
        table = next((table for table in manual.tables if table.line <= item.line <= table.end_line), None)
        return (table.line, table.end_line) if table else (item.line, item.end_line)
    last = item.end_line
    for other in following if item.kind in _LISTED else ():
        if other.kind not in _LISTED:
            break
        last = max(last, other.end_line)
    return item.line, last


def _in_fences(manual: Manual) -> Iterator[Allowance]:
    for fence in manual.fences:
        lines = fence.lines
        inner = [item for item in manual.items if fence.line < item.line <= fence.end_line and item.kind in _INSIDE - {Kind.COMMENT}]
        for at, (line, text) in enumerate(lines):
            if "keepwell:" not in text:
                continue
            before = re.split(r"#|//|--", text)[0].strip()
            behind = next((number for number, other in lines[at + 1 :] if other.strip() and not other.lstrip().startswith("#")), line)
            target = line if before else behind
            end = max((item.end_line for item in inner if item.line == target), default=target)
            yield from _said(text, target, end, line)


def _said(text: str, first: int, last: int, line: int) -> Iterator[Allowance]:
    for match in _ALLOW.finditer(text):
        rules = tuple(re.findall(r"[A-Z]{2,3}\d+", match["rules"]))
        yield Allowance(rules, first, last, line, match["reason"].strip(" \t:-–—"))
