"""What a runbook leaves to a person, as lines of a checklist: each is a step that somebody ticks, so that no run says it was done. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from keepwell.config.runbook_text import read_runbook, ticked
from keepwell.config.runbooks import CHECKLIST
from keepwell.rooms.manual.reading.model import Kind, Manual

from .emit_runbook import ENTRY, box, plain
from .model import Disposition, Outcome
from .runbooks import Runbook

_KINDS = (Kind.CHECKBOX, Kind.LIST_ITEM)


def find_boxes(manual: Manual, outcomes: Sequence[Outcome], runbooks: Sequence[Runbook]) -> None:
    """Gives each runbook the lines of its checklist: the manual's own, and what its lists ask of a person beside steps that run. A runbook
    that is nothing but prose needs none, since a person does it as a whole."""
    for runbook in runbooks:
        left = [outcome.item for outcome in outcomes if _is_left(outcome, runbook)]
        own = any(item.kind is Kind.CHECKBOX for item in left) or any(runbook.steps.values())
        for item in left if own else ():
            text = manual.line_text(item.line)
            if item.kind is Kind.CHECKBOX or ENTRY.fullmatch(text):
                inside = any(item.line < fence.line <= item.end_line for fence in manual.fences)
                runbook.boxes[item.line] = item.line if inside else item.end_line


def _is_left(outcome: Outcome, runbook: Runbook) -> bool:
    return outcome.found.disposition is Disposition.HUMAN and outcome.item.kind in _KINDS and runbook.path in outcome.place.split(", ")


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
    if outcome.item.kind not in _KINDS:
        return outcome
    places = [steps.get((place, outcome.item.line), place) for place in outcome.place.split(", ")]
    return replace(outcome, place=", ".join(places))
