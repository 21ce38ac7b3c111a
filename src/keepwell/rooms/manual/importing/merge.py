"""Three-way merge of text: what the last import wrote, what the user made of it, what the new import writes. Pure.

A fenced block is taken whole: no step is ever put together from halves of two. Where both changed the same place differently, both texts
stand between the usual marks, outside of any fence, and the fences among them are declared as text, so that nothing of an open
conflict can run.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from keepwell.rooms.manual.reading.document import read_manual

from .merge_yaml import Clash, Merged, merge_yaml

MINE = "<<<<<<< yours"
BETWEEN = "======="
THEIRS = ">>>>>>> import"

_FENCE = re.compile(r"(\s*(?:[-*+>]\s+|\d+[.)]\s+)*)(`{3,}|~{3,})([^\n]*)")
_STEP = re.compile(r'^[^\n`~]*(?:`{3,}|~{3,})[^\n]*\{"name": "(?P<name>[^"\n]*)", "line": "(?P<line>\d*|\?)"', re.MULTILINE)
_STILLED = "text conflict:"
_ANY_LINE = '"line": "?"'
_MOST_PAIRS = 5_000_000
"""Pairs of equal lines up to which every line counts for finding what belongs together; beyond, frequent lines do not."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of the result: the units as agreed, or the two that clash."""

    agreed: tuple[str, ...] = ()
    mine: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()


def merge_text(base: str | None, mine: str, theirs: str) -> Merged:
    """The merge of a Markdown file. Without a base, what is the same in both is taken as it; the rest are conflicts."""
    if mine == base:
        return Merged(theirs)
    if theirs in (base, mine):
        return Merged(mine)
    heads, bodies = zip(*(_front_matter(text) for text in (base or "", mine, theirs)), strict=True)
    head = _merge_head(*heads)
    units = [_units(_without_line(body)) for body in bodies]
    lines = _lines_of_steps(mine) | _lines_of_steps(theirs)
    whole = _common(units[1], units[2]) if base is None else units[0]
    parts = list(_parts(whole, units[1], units[2]))
    text = head.text + _with_lines("".join(_written(part) for part in parts), lines)
    clashes = tuple(_clash(part) for part in parts if part.mine or part.theirs)
    if clashes and _may_run(text):
        return _beside(mine, theirs)
    return Merged(text, (*head.clashes, *clashes))


def merge_other(base: str | None, mine: str, theirs: str) -> Merged:
    """The merge of a file that is neither YAML nor Markdown: changes in different places are both taken. In a conflict the user's file
    stays as it is, because marks would break it, and the new one is proposed beside it."""
    if mine == base:
        return Merged(theirs)
    if theirs in (base, mine):
        return Merged(mine)
    if base is not None:
        parts = list(_parts(*(tuple(text.splitlines(keepends=True)) for text in (base, mine, theirs))))
        if not any(part.mine or part.theirs for part in parts):
            return Merged("".join(line for part in parts for line in part.agreed))
    return _beside(mine, theirs)


def _beside(mine: str, theirs: str) -> Merged:
    return Merged(mine, (Clash("", "the whole file", "the new one is beside it"),), proposed=theirs)


def _may_run(text: str) -> bool:
    """Whether a fence between the marks of a conflict is declared as anything but text, as Markdown reads it (lists and quotations end
    fences in ways that lines alone do not show)."""
    depth, opened = 0, []
    for line in text.split("\n"):
        depth += (line == MINE) - (line == THEIRS)
        opened.append(depth > 0)
    fences = read_manual(text.encode("utf-8", "replace"), "runbook").fences
    return any(opened[min(fence.line, len(opened)) - 1] and not fence.indented and fence.declared != "text" for fence in fences)


def _merge_head(base: str, mine: str, theirs: str) -> Merged:
    """Front matter is YAML between two marks, and merged as such."""
    if mine == base or not mine:
        return Merged(theirs if mine == base else mine)
    if theirs in (base, mine) or not theirs:
        return Merged(mine)
    merged = merge_yaml(_inner(base), _inner(mine), _inner(theirs))
    return replace(merged, text=f"---\n{merged.text}---\n", proposed="")


def _inner(head: str) -> str:
    return "".join(head.splitlines(keepends=True)[1:-1])


def _lines_of_steps(text: str) -> dict[str, str]:
    """The manual's line that each step says it comes from, by the step's name."""
    return {match["name"]: match["line"] for match in _STEP.finditer(text)}


def _without_line(text: str) -> str:
    """Where a step stands in the manual is no difference: else every step behind a new line of the manual would be a changed one."""
    return _STEP.sub(lambda match: match[0].replace(f'"line": "{match["line"]}"', _ANY_LINE), text)


def _with_lines(text: str, lines: dict[str, str]) -> str:
    return _STEP.sub(lambda match: match[0].replace(_ANY_LINE, f'"line": "{lines.get(match["name"], "")}"'), text)


def _front_matter(text: str) -> tuple[str, str]:
    """The front matter with its marks (or nothing), and the rest."""
    match = re.match(r"---[ \t]*\n(?:.*\n)*?---[ \t]*(?:\n|\Z)", text)
    return (match[0], text[match.end() :]) if match else ("", text)


def _units(text: str) -> tuple[str, ...]:
    """The lines, each fenced block being one; an unclosed one goes on to the end, as Markdown has it."""
    units: list[str] = []
    closing: re.Pattern[str] | None = None
    for line in text.splitlines(keepends=True):
        if closing is not None:
            units[-1] += line
            closing = None if closing.fullmatch(line.rstrip()) else closing
            continue
        units.append(line)
        opened = _FENCE.match(line)
        if opened:
            mark = opened[2]
            closing = re.compile(rf"[\s>]*{re.escape(mark[0])}{{{len(mark)},}}")
    return tuple(units)


def _parts(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[_Part]:
    at = (0, 0, 0)
    for start, length in _steady(base, mine, theirs):
        old, own, new = (tuple(text[first:behind]) for text, first, behind in zip((base, mine, theirs), at, start, strict=True))
        if old or own or new:
            yield _decided(old, own, new)
        if length:
            yield _Part(tuple(base[start[0] : start[0] + length]))
        at = (start[0] + length, start[1] + length, start[2] + length)


def _decided(base: tuple[str, ...], mine: tuple[str, ...], theirs: tuple[str, ...]) -> _Part:
    if theirs in (base, mine):
        return _Part(mine)
    return _Part(theirs) if mine == base else _Part((), mine, theirs)


def _steady(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[tuple[int, int, int], int]]:
    """Where each stretch that is the same in all three starts in each, and its length; at last the ends, with length 0."""
    ours, other = _matches(base, mine), _matches(base, theirs)
    one = two = 0
    while one < len(ours) and two < len(other):
        left, right = ours[one], other[two]
        start, behind = max(left[0], right[0]), min(left[0] + left[2], right[0] + right[2])
        if start < behind:
            yield (start, left[1] + start - left[0], right[1] + start - right[0]), behind - start
        if left[0] + left[2] < right[0] + right[2]:
            one += 1
        else:
            two += 1
    yield (len(base), len(mine), len(theirs)), 0


def _matches(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int, int]]:
    """The stretches that two texts have in common: where each starts in both, and its length."""
    shorter = min(len(one), len(two))
    head = next((at for at in range(shorter) if one[at] != two[at]), shorter)
    tail = next((at for at in range(shorter - head) if one[-1 - at] != two[-1 - at]), shorter - head)
    inner = _matches_between(one[head : len(one) - tail], two[head : len(two) - tail])
    found = [(0, 0, head), *((first + head, second + head, length) for first, second, length in inner)]
    return [*found, (len(one) - tail, len(two) - tail, tail)]


def _matches_between(one: Sequence[str], two: Sequence[str]) -> list[tuple[int, int, int]]:
    counts = Counter(two)
    frequent = sum(number * counts[line] for line, number in Counter(one).items()) > _MOST_PAIRS
    return [(block.a, block.b, block.size) for block in SequenceMatcher(None, one, two, autojunk=frequent).get_matching_blocks()]


def _common(one: Sequence[str], two: Sequence[str]) -> tuple[str, ...]:
    return tuple(line for start, _, length in _matches(one, two) for line in one[start : start + length])


def _written(part: _Part) -> str:
    if not part.mine and not part.theirs:
        return "".join(part.agreed)
    mine, theirs = ("".join(_stilled(unit) for unit in units) for units in (part.mine, part.theirs))
    # The blank lines keep Markdown from reading the marks as the underline of a heading or a quotation that goes on.
    return f"\n{MINE}\n\n{_ended(mine)}\n{BETWEEN}\n\n{_ended(theirs)}\n{THEIRS}\n\n"


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _stilled(unit: str) -> str:
    """A fence that is declared as text; what it was declared as stays readable behind it, to be put back."""
    opened = _FENCE.match(unit)
    if not opened or opened[3].startswith(_STILLED):
        return unit
    return f"{opened[1]}{opened[2]}{_STILLED} {opened[3].strip()}".rstrip() + unit[opened.end() :]


def _clash(part: _Part) -> Clash:
    return Clash(_first(part.mine or part.theirs), "\n".join(part.mine).strip(), "\n".join(part.theirs).strip())


def _first(units: Sequence[str]) -> str:
    """A line by which a person finds the place: the first one that says something."""
    lines = (line.strip() for unit in units for line in unit.splitlines())
    return next((line for line in lines if line), "a blank line")
