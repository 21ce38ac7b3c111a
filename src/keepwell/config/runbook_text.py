"""Pure: the text of a runbook gives its front matter, its title and its steps.

A runbook is Markdown. Its steps are the fences whose info string holds Runme's attributes as one JSON object of flat strings with a name
(https://docs.runme.dev/configuration/cell-level), and the lines of its checklists (``- [ ] ...``, GitHub Flavored Markdown 0.29, section
5.3); a fence without a name is prose.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from keepwell.kernel.durations import parse_duration
from keepwell.kernel.problems import ConfigurationError
from keepwell.kernel.quoting import quoted
from keepwell.kernel.redaction import redact_patterns

from .nearest import nearest
from .nodes import plain
from .runbooks import CHECKLIST, Runbook, Step
from .yaml_reader import parse_yaml

LONGEST_ATTRIBUTES = 10_000
"""Characters of an info string that are read."""

# CommonMark 0.31.2, sections 2.1, 4.2 and 4.5: up to three spaces before either; the info string of backticks holds none.
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_OPENING = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*)")
_INFO = re.compile(r"([^\s{]*)\s*(\{.*\})\s*")
_TICK = re.compile(r"[ \t]*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+\[[ xX]\][ \t]+(\S.*)")
_QUOTED = re.compile(r" {0,3}>[ \t]?(?:[-*+][ \t]+)?(.*)")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class _Fence:
    """A fence: what stands behind its mark, its lines, and the sentences quoted just above it."""

    info: str
    text: str
    notes: tuple[str, ...] = ()
    closed: bool = True


@dataclass(frozen=True, slots=True)
class _Tick:
    """A line of a checklist."""

    text: str


def read_runbook(path: str, text: str) -> Runbook:
    """A runbook from its text; ``path`` is what to call it. Any text is taken."""
    lines = _LINE_BREAK.split(text.removeprefix("\ufeff"))
    head, body = _divided(lines)
    front, fault = _front(path, head) if head or not _left_open(lines) else ({}, _LEFT_OPEN)
    heading = next((match[1].strip(" \t#") for line in body if (match := _HEADING.fullmatch(line))), "")
    title = front.get("title")
    return Runbook(path, title if isinstance(title, str) and title else heading, front, tuple(_steps(body)), fault)


def ticked(line: str) -> str:
    """What a line of a checklist says; empty for any other line."""
    match = _TICK.fullmatch(line)
    return match[1].strip() if match else ""


def _divided(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The lines between the first line ``---`` and the next one, and those after it."""
    if not lines or lines[0].rstrip() != "---":
        return (), lines
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    return ((), lines) if end is None else (lines[1:end], lines[end + 1 :])


_LEFT_OPEN = "its front matter has no end: write a line --- below it"
_KEY = re.compile(r"[A-Za-z_]\w*:(?:\s.*)?")


def _left_open(lines: Sequence[str]) -> bool:
    """Whether a first line ``---`` without another one begins front matter, and is no line across the page: what it says, such as the host,
    would count for nothing."""
    return len(lines) > 1 and lines[0].rstrip() == "---" and _divided(lines)[1] is lines and _KEY.fullmatch(lines[1]) is not None


def _front(path: str, head: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """The front matter; or nothing, and one sentence why it cannot be read."""
    try:
        document = parse_yaml("\n".join(head).encode("utf-8", "replace"), path)
        if document.findings.found:
            raise document.findings.stop()
    except ConfigurationError as error:
        return {}, f"its front matter cannot be read: {error.problems[0].message}"
    value = plain(document.root)
    if not isinstance(value, dict):
        return {}, "" if value is None else "its front matter cannot be read: it holds no keys with values"
    return value, _misspelt("its front matter has", value, _FRONT)


_FRONT = ("title", "on", "environment", "secrets")
_ATTRIBUTES = ("verify", "idempotent", "timeout", "strict", "asks", "operation", "disposition", "missing")
_DISPOSITIONS = ("carried", "corrected", "refused", "missing", "human")
_ASKED = re.compile(r"[A-Za-z0-9_]+")
_SHORT = 3
"""Words of so many letters resemble too many others to be a slip of one."""


def _misspelt(where: str, names: Iterable[str], known: Sequence[str]) -> str:
    """A sentence about the first name that is another's by a slip. Names of other programs may stand here, as Runme has it: they say
    nothing."""
    meant = ((name, nearest(name, known)) for name in names if name not in known)
    slips = ((name, near) for name, near in meant if near and (len(name) > _SHORT or name.lower() == near))
    return next((f'{where} {quoted(name, 40)}: did you mean "{near}"?' for name, near in slips if near not in names), "")


def _steps(body: Sequence[str]) -> Iterator[Step]:
    names: set[str] = set()
    number = 0
    for block in _blocks(body):
        if isinstance(block, _Tick):
            number += 1
            # Names stand in reports, addresses and the journal, where no secret may be.
            name = _unused(_slug(redact_patterns(block.text)) or "item", names)
            yield Step(number, name, CHECKLIST, block.text, disposition="human")
        else:
            language, attributes = _attributes(block.info)
            name = attributes.get("name", "")
            if name:
                number += 1
                yield _step(number, language, block, attributes)
            elif _means_a_step(block.info):
                number += 1
                name = _unused("unreadable", names)
                yield Step(number, name, language, block.text, fault=_UNREADABLE.format(quoted(block.info, 60)))
            elif _hides_steps(block):
                number += 1
                name = _unused("unreadable", names)
                yield Step(number, name, language, block.text, fault=_NO_END)
        names.add(name)


def _step(number: int, language: str, fence: _Fence, attributes: Mapping[str, str]) -> Step:
    line, strict = attributes.get("line", ""), attributes.get("strict", "")
    timeout, faults = _timeout(attributes.get("timeout", ""))
    faults += [] if fence.closed else [_NO_END]
    faults += [fault] if (fault := _misspelt("it has", attributes, _ATTRIBUTES)) else []
    faults += _unknown_words(attributes)
    faults += [_not_a_truth(name, attributes[name]) for name in ("idempotent", "strict") if attributes.get(name, "") not in ("", *_TRUTHS)]
    return Step(
        number=number,
        name=attributes["name"],
        language=language,
        text=fence.text,
        operation=attributes.get("operation", ""),
        disposition=attributes.get("disposition") or "carried",
        rule=attributes.get("rule", ""),
        missing=tuple(attributes.get("missing", "").split()),
        asks=tuple(attributes.get("asks", "").split()),
        line=int(line) if re.fullmatch(r"[0-9]{1,9}", line) else None,
        notes=fence.notes,
        verify=attributes.get("verify", ""),
        idempotent=attributes.get("idempotent") == "true",
        timeout=timeout,
        strict=strict == "true" if strict in _TRUTHS else None,
        fault="; ".join(faults),
    )


_TRUTHS = ("true", "false")
_NO_END = "its fence has no end: close it below its last line"


def _unknown_words(attributes: Mapping[str, str]) -> Iterator[str]:
    """Why a disposition, or a name of what is asked for, means nothing: a step that is refused by a slip of the pen would be run."""
    if (disposition := attributes.get("disposition", "")) and disposition not in _DISPOSITIONS:
        yield f"its disposition is {quoted(disposition, 40)}, and none of {', '.join(_DISPOSITIONS)}"
    if wrong := next((name for name in attributes.get("asks", "").split() if not _ASKED.fullmatch(name)), ""):
        yield f"it asks for {quoted(wrong, 40)}, which is no name of a variable: write names with spaces between them, such as ALERT_ID"


def _hides_steps(fence: _Fence) -> bool:
    """Whether a fence without a name that is left open holds what would be steps, had it an end."""
    return not fence.closed and any(_tick_or_name(line) for line in fence.text.split("\n"))


def _tick_or_name(line: str) -> bool:
    opening = _OPENING.fullmatch(line)
    return bool(ticked(line)) or (opening is not None and "name" in _attributes(opening[3])[1])


def _not_a_truth(name: str, text: str) -> str:
    return f'its {name} is {quoted(text, 40)}, and not "true" or "false"'


def _timeout(text: str) -> tuple[timedelta | None, list[str]]:
    if not text:
        return None, []
    try:
        timeout = parse_duration(text)
    except ValueError as error:
        return None, [f"its timeout: {error}"]
    return (timeout, []) if timeout > timedelta(0) else (None, ["its timeout is no time at all"])


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_LONGEST_NAME].strip("-")


def _unused(name: str, names: set[str]) -> str:
    return next(one for one in (name, *(f"{name}-{number}" for number in range(2, len(names) + 3))) if one not in names)


def _blocks(body: Sequence[str]) -> Iterator[_Fence | _Tick]:
    """Every fence at the top level (one that is left open ends with the text), and every line of a checklist outside of them."""
    opening: re.Match[str] | None = None
    inside: list[str] = []
    notes: list[str] = []
    for line in body:
        if opening is None and (opening := _OPENING.fullmatch(line)) is not None:
            inside = []
        elif opening is None:
            notes = _noted(notes, line)
            if text := ticked(line):
                yield _Tick(text)
        elif _closes(line, opening[2]):
            yield _Fence(opening[3], "\n".join(inside), tuple(notes))
            opening, notes = None, []
        else:
            inside.append(_without_indentation(line, len(opening[1])))
    if opening is not None:
        yield _Fence(opening[3], "\n".join(inside), tuple(notes), closed=False)


def _noted(notes: list[str], line: str) -> list[str]:
    """The quoted sentences so far with this line; any other text than a quotation ends them."""
    if match := _QUOTED.fullmatch(line):
        return [*notes, match[1].strip()] if match[1].strip() else notes
    return [] if line.strip() else notes


def _closes(line: str, mark: str) -> bool:
    bare = line.strip(" \t")
    return len(line) - len(line.lstrip(" ")) <= 3 and len(bare) >= len(mark) and not bare.strip(mark[0])


def _without_indentation(line: str, width: int) -> str:
    return line[min(width, len(line) - len(line.lstrip(" "))) :]


_UNREADABLE = 'its attributes {} cannot be read: write them as one JSON object of texts, such as {{"name": "restart"}}'
_MEANS_A_NAME = re.compile(r"(?:[^{]*\{(?:.*[\s,{\"'])?|[^\s{]+\s(?:.*\s)?)name[\s\"']*[=:].*")


def _means_a_step(info: str) -> bool:
    """Whether somebody wanted to name a fence that has no name: prose would silently not be run."""
    return _MEANS_A_NAME.fullmatch(info) is not None


def _attributes(info: str) -> tuple[str, Mapping[str, str]]:
    """The language and the attributes of an info string; no attributes where they are not one JSON object of flat strings."""
    match = _INFO.fullmatch(info) if len(info) <= LONGEST_ATTRIBUTES else None
    if match is None:
        return info.partition(" ")[0], {}
    try:
        value = json.loads(match[2], object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        return match[1], {}
    flat = isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    return match[1], value if flat else {}


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The attributes as they stand. Raises ValueError where one stands twice."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("an attribute stands twice")
    return dict(pairs)
