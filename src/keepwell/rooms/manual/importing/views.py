"""Each item of a manual with what a recogniser may look at. Pure."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping

from keepwell.kernel.cadences import parse_cadence
from keepwell.rooms.manual.reading.model import Fence, Item, Kind, Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand

from .model import View

_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_CADENCES = (
    (re.compile(rf"\b(?:every |each )?(first|second|third|fourth|last) ({_DAYS})\b"), r"\1 \2"),
    (re.compile(r"\blast week of (?:each|every|the) (quarter|month)\b"), r"last week of each \1"),
    (re.compile(rf"\b(?:every|each) ({_DAYS})s?\b"), r"\1"),
    (re.compile(r"\b(?:every|each) (?:business|working|week) ?day\b"), "weekdays"),
    (re.compile(r"\b(?:every|each) (\d+ (?:minutes|hours|days|weeks)|minute|hour|day|week|month|quarter|year)\b"), r"every \1"),
    (re.compile(r"\bevery morning\b|\bmorning (?:health|check|round|routine)|\bnightly\b"), "daily"),
    (re.compile(r"\b(hourly|daily|weekly|monthly|quarterly|yearly)\b"), r"\1"),
    (re.compile(r"\b(?:annual|annually)\b"), "yearly"),
)
_SAME = {
    "every minute": "1m",
    "every hour": "hourly",
    "every day": "daily",
    "every week": "weekly",
    "every month": "monthly",
    "every quarter": "quarterly",
    "every year": "yearly",
}


def cadence_in(text: str) -> str:
    """The cadence that a text names, as kernel.cadences reads it; empty where it names none."""
    small = text.lower()
    for pattern, words in _CADENCES:
        match = pattern.search(small)
        if match:
            cadence = match.expand(words)
            cadence = _SAME.get(cadence, cadence)
            return cadence if _is_cadence(cadence) else ""
    return ""


def _is_cadence(text: str) -> bool:
    try:
        parse_cadence(text, "UTC")
    except ValueError:
        return False
    return True


def views(manual: Manual, values: Mapping[str, str] | None = None) -> Iterator[View]:
    """A view of every item, in the order of the document."""
    index = _Index(manual)
    for item in manual.items:
        fence = index.fence_of(item)
        script, pipeline = index.commands_of(item)
        comment = script.comment_above(item.line) if script and item.kind is not Kind.COMMENT else ""
        yield View(manual, item, pipeline, script, fence, index.cadence_of(item), comment, values or {})


class _Index:
    """Finds by line what an item is made of."""

    def __init__(self, manual: Manual) -> None:
        self._fences = manual.fences
        self._fence_starts = [fence.line for fence in manual.fences]
        self._cadences: dict[tuple[str, ...], str] = {}
        self._pipelines: dict[int, list[tuple[Script, tuple[ShellCommand, ...]]]] = {}
        self._introductions: dict[tuple[str, ...], str] = {}
        for item in manual.items:
            if item.kind is Kind.PARAGRAPH and cadence_in(item.text):
                self._introductions.setdefault(item.section, cadence_in(item.text))
        for script in manual.scripts:
            for command in script.commands:
                if command.is_first:
                    self._pipelines.setdefault(command.line, []).append((script, command.pipeline))
        self._cron = {entry.line: entry.script for entry in manual.cron}

    def fence_of(self, item: Item) -> Fence | None:
        if item.kind in (Kind.HEADING, Kind.PARAGRAPH, Kind.LIST_ITEM, Kind.CHECKBOX, Kind.TABLE_ROW, Kind.FRONT_MATTER, Kind.HTML):
            return None
        at = bisect_right(self._fence_starts, item.line) - 1
        fence = self._fences[at] if at >= 0 else None
        return fence if fence and fence.line <= item.line <= fence.end_line else None

    def commands_of(self, item: Item) -> tuple[Script | None, tuple[ShellCommand, ...]]:
        """The commands of an item: for ``x=$(a | b)`` those inside, for a cron entry those of its command."""
        if item.kind is Kind.CRON:
            script = self._cron.get(item.line)
            return script, script.commands if script else ()
        if item.kind not in (Kind.COMMAND, Kind.ASSIGNMENT, Kind.COMMENT):
            return None, ()
        lines = sorted(self._pipelines)
        within = lines[bisect_left(lines, item.line) : bisect_right(lines, item.end_line)] if item.kind is not Kind.COMMENT else []
        found = [entry for line in within for entry in self._pipelines[line]]
        exact = [entry for entry in found if entry[1][0].text and item.text.startswith(entry[1][0].text[:20]) and entry[1][0].depth == 0]
        chosen = exact or found
        if not chosen:
            return self._script_at(item), ()
        script = chosen[0][0]
        whole = list(chosen[0][1])
        # What stands in the words of these commands (echo "$(curl ...)") is part of the item.
        inner = (command for command in script.commands if command.depth > 0 and item.line <= command.line <= item.end_line)
        whole += [command for command in inner if command not in whole]
        return script, tuple(whole)

    def _script_at(self, item: Item) -> Script | None:
        fence = self.fence_of(item)
        return fence.script if fence else None

    def cadence_of(self, item: Item) -> str:
        if item.section not in self._cadences:
            own = self._introductions.get(item.section, "")
            titles = (cadence_in(title) for title in reversed(item.section))
            self._cadences[item.section] = own or next((cadence for cadence in titles if cadence), "")
        return self._cadences[item.section]
