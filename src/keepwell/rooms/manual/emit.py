"""Writes keepwell.yaml: YAML 1.2 that every parser reads alike, whatever the manual held. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .model import Draft

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*|https?://[A-Za-z0-9._:/-]*[A-Za-z0-9_/-]|[0-9]+[smhd]")
_MOST_PLACES = 20
# Words that YAML 1.1 or 1.2 reads as something other than text, in small letters.
_NOT_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))


def operations_yaml(manual: str, service: str, targets: Mapping[str, str], checks: Sequence[Draft], left: int) -> str:
    """The text of keepwell.yaml: every check with the lines of the manual that it carries as a comment above it."""
    lines = [f"# Made by keepwell import from {_visible(manual)}."]
    lines += [f"# Items that were recognised and not imported: {left}. import-report.json names each with its reason."] if left else []
    lines += ["keepwell: 1", f"service: {scalar(service)}"]
    if targets:
        lines += ["", "targets:", *_nested({name: {"url": url} for name, url in targets.items()}, 1)]
    lines += ["", "checks:" if checks else "checks: {}"]
    for draft in checks:
        lines += [f"  # from {_places(draft.lines)} of {_visible(manual)}"]
        lines += _nested({draft.name: {draft.kind: draft.settings, "every": draft.every}}, 1)
    return "\n".join(lines) + "\n"


def scalar(value: str | int) -> str:
    """A value as YAML: plain where that is unambiguous, else in double quotes with escapes (YAML 1.2.2, section 5.7)."""
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _nested(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    for key, inner in value.items():
        start = f"{'  ' * depth}{scalar(key)}:"
        if isinstance(inner, Mapping):
            yield start if inner else f"{start} {{}}"
            yield from _nested(inner, depth + 1)
        elif isinstance(inner, list):
            yield f"{start} [{', '.join(scalar(item) for item in inner)}]"
        else:
            yield f"{start} {scalar(inner)}"


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _places(lines: Sequence[int]) -> str:
    ordered = sorted(lines)
    if len(ordered) > _MOST_PLACES:
        return f"lines {', '.join(map(str, ordered[:_MOST_PLACES]))} and {len(ordered) - _MOST_PLACES} more"
    return f"line {ordered[0]}" if len(ordered) == 1 else "lines " + ", ".join(map(str, ordered[:-1])) + f" and {ordered[-1]}"
