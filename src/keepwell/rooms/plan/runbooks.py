"""Pure: the text of a runbook gives its front matter, its title and its steps.

A runbook is Markdown. Its steps are the fences whose info string holds Runme's attributes as one JSON object of flat strings with a name
(https://docs.runme.dev/configuration/cell-level); a fence without a name is prose.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keepwell.config.nodes import plain
from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.problems import ConfigurationError
from keepwell.kernel.quoting import quoted

from .model import Runbook, Step

LONGEST = 100
"""Characters of a path that a sentence repeats."""

LONGEST_ATTRIBUTES = 10_000
"""Characters of an info string that are read."""

# CommonMark 0.31.2, sections 2.1, 4.2 and 4.5: up to three spaces before either; the info string of backticks holds none.
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*)")
_LINE_BREAK = re.compile(r"\r\n|\n|\r")
_OPENING = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*)")
_INFO = re.compile(r"([^\s{]*)\s*(\{.*\})\s*")


@dataclass(frozen=True, slots=True)
class _Fence:
    """A fence: what stands behind its mark, and its lines."""

    info: str
    text: str


def read_runbook(path: str, text: str) -> Runbook:
    """A runbook from its text; ``path`` is what to call it. Any text is taken."""
    lines = _LINE_BREAK.split(text.removeprefix("\ufeff"))
    head, body = _divided(lines)
    front, fault = _front(path, head)
    heading = next((match[1].strip(" \t#") for line in body if (match := _HEADING.fullmatch(line))), "")
    title = front.get("title")
    return Runbook(path, title if isinstance(title, str) and title else heading, front, tuple(_steps(body)), fault)


def _divided(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The lines between the first line ``---`` and the next one, and those after it."""
    if not lines or lines[0].rstrip() != "---":
        return (), lines
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    return ((), lines) if end is None else (lines[1:end], lines[end + 1 :])


def _front(path: str, head: Sequence[str]) -> tuple[Mapping[str, Any], str]:
    """The front matter; or nothing, and one sentence why it cannot be read."""
    try:
        document = parse_yaml("\n".join(head).encode("utf-8", "replace"), path)
        if document.findings.found:
            raise document.findings.stop()
    except ConfigurationError as error:
        return {}, f"its front matter cannot be read: {error.problems[0].message}"
    value = plain(document.root)
    return (value, "") if isinstance(value, dict) else ({}, "")


def _steps(body: Sequence[str]) -> Iterator[Step]:
    number = 0
    for fence in _fences(body):
        language, attributes = _attributes(fence.info)
        if not attributes.get("name"):
            continue
        number += 1
        line = attributes.get("line", "")
        yield Step(
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
        )


def _fences(body: Sequence[str]) -> Iterator[_Fence]:
    """Every fence at the top level; one that is left open ends with the text."""
    opening: re.Match[str] | None = None
    inside: list[str] = []
    for line in body:
        if opening is None:
            opening, inside = _OPENING.fullmatch(line), []
        elif _closes(line, opening[2]):
            yield _Fence(opening[3], "\n".join(inside))
            opening = None
        else:
            inside.append(_without_indentation(line, len(opening[1])))
    if opening is not None:
        yield _Fence(opening[3], "\n".join(inside))


def _closes(line: str, mark: str) -> bool:
    bare = line.strip(" \t")
    return len(line) - len(line.lstrip(" ")) <= 3 and len(bare) >= len(mark) and not bare.strip(mark[0])


def _without_indentation(line: str, width: int) -> str:
    return line[min(width, len(line) - len(line.lstrip(" "))) :]


def _attributes(info: str) -> tuple[str, Mapping[str, str]]:
    """The language and the attributes of an info string; no attributes where they are not one JSON object of flat strings."""
    match = _INFO.fullmatch(info) if len(info) <= LONGEST_ATTRIBUTES else None
    if match is None:
        return info.partition(" ")[0], {}
    try:
        value = json.loads(match[2])
    except (ValueError, RecursionError):
        return match[1], {}
    flat = isinstance(value, dict) and all(isinstance(part, str) for part in value.values())
    return match[1], value if flat else {}


def unreadable(path: str, reason: str) -> Runbook:
    """A runbook that could not be read, with one sentence why."""
    return Runbook(path, fault=reason)


def leaves(path: str) -> str:
    """Why a path that leaves the operations directory is not read."""
    return f"{quoted(path, LONGEST)} leaves the operations directory, so it is not read"
