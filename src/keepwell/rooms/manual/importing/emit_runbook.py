"""Writes a runbook: the author's words, and every shell fence as steps with Runme's attributes (flat strings as JSON behind the language).

Source: Runme's documentation of cell attributes, https://docs.runme.dev/configuration/cell-level
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from keepwell.config.runbook_text import ticked
from keepwell.kernel.rendering import harmless
from keepwell.rooms.manual.reading.model import Fence, Manual, Section

from .emit_yaml import scalar
from .runbooks import Runbook, Step

_FENCE = re.compile(r"`{3,}|~{3,}")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+-]{1,20}")
# CommonMark 0.31.2, section 5.2, without a list that begins within a list's own line.
ENTRY = re.compile(r"([ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+)(?!(?:[-*+]|[0-9]{1,9}[.)])[ \t])(\S.*)")

_NOTE = re.compile(r"([ \t]*#+[ \t]*)(\S.*)")


def runbook_text(manual: Manual, runbook: Runbook, others: Sequence[Section], environment: Mapping[str, str]) -> str:
    """The text of a runbook's file. ``others`` are sections below it that have runbooks of their own: they are named, not repeated."""
    return "\n".join([*_front_matter(manual, runbook, environment), "", *_body(manual, runbook, others)]).rstrip("\n") + "\n"


def _front_matter(manual: Manual, runbook: Runbook, environment: Mapping[str, str]) -> Iterator[str]:
    yield "---"
    yield f"title: {scalar(runbook.section.title or manual.title or runbook.name)}"
    yield f"source: {scalar(manual.name.rpartition('/')[2])}"
    yield f'lines: "{runbook.section.line}-{runbook.section.end_line}"'
    if runbook.cadence:
        yield f"every: {scalar(runbook.cadence)}"
    for key, secret in (("environment", False), ("secrets", True)):
        held = {name: value for name, value in environment.items() if value.startswith("secret:") is secret}
        if held:
            yield f"{key}:"
            yield from (f"  {name}: {scalar(value)}" for name, value in held.items())
    yield "---"


def _body(manual: Manual, runbook: Runbook, others: Sequence[Section]) -> Iterator[str]:
    fences = {fence.line: fence for fence in manual.fences}
    skipped = {section.line: section for section in others}
    number = max(1, runbook.section.line)
    while number <= runbook.section.end_line:
        if number in skipped:
            number = skipped[number].end_line + 1
        elif number in fences and any(line in runbook.boxes for line, _ in fences[number].lines):
            yield from _notes(manual, fences[number], runbook)
            number = max(number, fences[number].end_line) + 1
        elif number in fences:
            yield from _fence(fences[number], runbook.steps.get(number))
            number = max(number, fences[number].end_line) + 1
        elif number in runbook.boxes:
            yield plain(box(manual, number, runbook.boxes[number])).rstrip()
            number = runbook.boxes[number] + 1
        else:
            yield plain(manual.line_text(number)).rstrip()
            number += 1


def _fence(fence: Fence, steps: Sequence[Step] | None) -> Iterator[str]:
    if steps is None or not steps:
        mark = _mark(fence.content)
        language = fence.declared if _LANGUAGE.fullmatch(fence.declared or "") else ""
        # Text without a name is nothing to run, whatever its language.
        yield f"{mark}{language}"
        yield from _lines(fence.content.removesuffix("\n"))
        yield mark
        return
    for number, step in enumerate(steps):
        if number:
            yield ""
        if step.notes:
            yield ""
        for note in step.notes:
            yield f"> - {harmless(note)}"
        if step.notes:
            yield ""
        mark = _mark(step.text)
        yield f"{mark}{step.language} {json.dumps(dict(step.attributes))}"
        yield from _lines(step.text.rstrip("\n"))
        yield mark


def _notes(manual: Manual, fence: Fence, runbook: Runbook) -> Iterator[str]:
    """A fence that is nothing but comments, as the checklist that it is."""
    for line, text in fence.lines:
        if line in runbook.boxes:
            yield plain(box(manual, line, runbook.boxes[line])).rstrip()
        elif not any(first < line <= last for first, last in runbook.boxes.items()):
            yield plain(text.strip().lstrip("#").strip())


def _lines(text: str) -> Iterator[str]:
    yield from (plain(line) for line in text.split("\n"))


def plain(line: str) -> str:
    """The line without what a terminal would obey; tabs stay, since shell means something by them."""
    return "\t".join(map(harmless, line.split("\t")))


def box(manual: Manual, line: int, end: int) -> str:
    """An entry of a list, or a comment, as one line of a checklist, in the author's words."""
    first = manual.line_text(line).rstrip()
    note = _NOTE.fullmatch(first)
    others = (manual.line_text(number).strip() for number in range(line + 1, end + 1))
    text = " ".join(word for word in (first, *(other.lstrip("# ") if note else other for other in others)) if word)
    match = ENTRY.fullmatch(text) or (_NOTE.fullmatch(text) if note else None)
    return text if match is None or ticked(text) else f"{'- ' if note else match[1]}[ ] {match[2]}"


def _mark(text: str) -> str:
    """A fence that is longer than any in the text."""
    return "`" * max(3, max((len(found) + 1 for found in _FENCE.findall(text) if found[0] == "`"), default=3))
