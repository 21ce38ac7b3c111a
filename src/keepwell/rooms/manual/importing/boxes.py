"""What a runbook leaves to a person, as lines of a checklist: each is a step that somebody ticks, so that no run says it was done. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from keepwell.config.runbook_text import read_runbook, ticked
from keepwell.config.runbooks import CHECKLIST
from keepwell.rooms.manual.reading.model import Item, Kind, Manual

from .emit_runbook import ENTRY, box, plain
from .model import Disposition, Outcome
from .runbooks import Runbook, notes_to_do

_LISTS = (Kind.CHECKBOX, Kind.LIST_ITEM)


def find_boxes(manual: Manual, outcomes: Sequence[Outcome], runbooks: Sequence[Runbook]) -> None:
    """Gives each runbook the lines of its checklist: the manual's own, and what its lists, and fences that are nothing but comments, ask of
    a person beside steps that run. A runbook that is nothing but prose needs none, since a person does it as a whole."""
    left: dict[str, list[Item]] = {}
    notes = notes_to_do(manual, outcomes)
    for outcome in outcomes:
        item = outcome.item
        if outcome.found.disposition is Disposition.HUMAN and (item.kind in _LISTS or item.line in notes):
            for place in outcome.place.split(", "):
                left.setdefault(place, []).append(item)
    starts = frozenset(fence.line for fence in manual.fences)
    for runbook in runbooks:
        items = left.get(runbook.path, [])
        if any(item.kind is Kind.CHECKBOX for item in items) or any(runbook.steps.values()):
            runbook.boxes.update((item.line, _end(item, starts)) for item in items if _can_be_ticked(manual, item))


def _can_be_ticked(manual: Manual, item: Item) -> bool:
    return item.kind in (Kind.CHECKBOX, Kind.COMMENT) or ENTRY.fullmatch(manual.line_text(item.line)) is not None


def _end(item: Item, starts: frozenset[int]) -> int:
    """The last line of its words: what is fenced inside of an entry stays as it is."""
    inside = not starts.isdisjoint(range(item.line + 1, item.end_line + 1))
    return item.line if inside else item.end_line


def place_boxes(manual: Manual, outcomes: Sequence[Outcome], runbooks: Sequence[Runbook], files: Mapping[str, str]) -> list[Outcome]:
    """The outcomes, with the step in place of the runbook for what became a line of a checklist. ``files`` are the runbooks as written."""
    steps: dict[tuple[str, int], str] = {}
    for runbook in runbooks:
        names: dict[str, list[str]] = {}
        for step in read_runbook(runbook.path, files[runbook.path]).steps if runbook.boxes else ():
            if step.language == CHECKLIST:
                names.setdefault(step.text, []).append(step.name)
        for line, end in sorted(runbook.boxes.items()):
            alike = names.get(ticked(plain(box(manual, line, end))), [])
            if alike:  # those that say the same are told apart by their order
                steps[runbook.path, line] = f"{runbook.path}#{alike.pop(0)}"
    return [_placed(outcome, steps) for outcome in outcomes]


def _placed(outcome: Outcome, steps: Mapping[tuple[str, int], str]) -> Outcome:
    if outcome.item.kind not in (*_LISTS, Kind.COMMENT):
        return outcome
    places = [steps.get((place, outcome.item.line), place) for place in outcome.place.split(", ")]
    return replace(outcome, place=", ".join(places))
