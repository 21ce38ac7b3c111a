"""Writes keepwell.yaml: YAML 1.2 that every parser reads alike, whatever the manual held. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from keepwell.kernel.rendering import harmless
from keepwell.rooms.manual.lint.redact import without_secrets

from .entries import TIMEOUTS, Entries, ordered
from .figures import MEASURED_BY, figures_of

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*|https?://[A-Za-z0-9._:/-]*[A-Za-z0-9_/-]|[0-9]+[smhd]")
_MOST_PLACES = 20
_SHORT = 100
# Words that YAML 1.1 or 1.2 reads as something other than text, in small letters.
_NOT_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
_ORDER = ("contacts", "windows", "backups", "repositories", "objectives", "kpis", "logs", "incidents.severities")


def operations_yaml(name: str, service: str, entries: Entries, waiting: Sequence[str]) -> str:
    """The text of keepwell.yaml: every entry with the lines of the manual that it carries as a comment above it. ``waiting`` are
    sentences about what was left out until something is supplied."""
    lines = [f"# Made by keepwell import from {harmless(name)}. import-report.html says what became of every line."]
    lines += [f"# waiting: {harmless(sentence)}" for sentence in waiting]
    lines += ["keepwell: 1", f"service: {scalar(service)}"]
    lines += _section("contacts", entries)
    if entries.targets:
        lines += ["", "targets:", *_nested({target: {"url": base} for base, target in entries.targets.items()}, 1)]
    lines += ["", "checks:" if entries.checks else "checks: {}"]
    for check in ordered(entries.checks.values()):
        lines += [f"  # {places(list(check.lines))}"] if check.lines else []
        lines += _nested({check.name: {check.kind: check.settings, "every": check.every, **_timeout(check.kind)}}, 1)
    if entries.rules:
        lines += ["", "rules:"]
        for rule in sorted(entries.rules.values(), key=lambda rule: min(rule.lines)):
            lines += [f"  # {places(list(rule.lines))}", *_item(rule.value, 1)]
    figures = figures_of(entries)
    lines += ["", "figures:", f"  # {MEASURED_BY}", *_nested(figures, 1)] if figures else []
    lines += _section("windows", entries)
    lines += _section("tasks", entries)
    for key in _ORDER[2:-1]:
        lines += _section(key, entries)
    if "incidents.severities" in entries.sections:
        lines += ["", "incidents:", "  severities:", *_entries(entries.sections["incidents.severities"], 2)]
    return "\n".join(lines) + "\n"


def _timeout(kind: str) -> dict[str, str]:
    return {"timeout": TIMEOUTS[kind]} if kind in TIMEOUTS else {}


def _section(key: str, entries: Entries) -> list[str]:
    section = entries.sections.get(key)
    return ["", f"{key}:", *_entries(section, 1)] if section else []


def _entries(section: Mapping[str, tuple[Mapping[str, Any], Mapping[int, None]]], depth: int) -> Iterator[str]:
    for name, (value, lines) in section.items():
        yield f"{'  ' * depth}# {places(list(lines))}"
        yield from _nested({name: value}, depth)


def scalar(value: Any) -> str:
    """A value as YAML: plain where that is unambiguous, else in double quotes with escapes (YAML 1.2.2, section 5.7)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = without_secrets(str(value))
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _nested(value: Mapping[str, Any], depth: int) -> Iterator[str]:
    start = "  " * depth
    for key, inner in value.items():
        flow = _flow(inner)
        if flow is not None and len(flow) + len(start) + len(key) < _SHORT:
            yield f"{start}{scalar(key)}: {flow}"
        elif isinstance(inner, Mapping):
            yield f"{start}{scalar(key)}:"
            yield from _nested(inner, depth + 1)
        elif isinstance(inner, list | tuple):
            yield f"{start}{scalar(key)}:"
            for item in inner:
                yield from _item(item, depth + 1)
        else:
            yield f"{start}{scalar(key)}: {scalar(inner)}"


def _item(item: Any, depth: int) -> Iterator[str]:
    """One entry of a list."""
    start = "  " * depth
    if not isinstance(item, Mapping) or not item:
        yield f"{start}- {_flow(item) if isinstance(item, list | tuple | Mapping) else scalar(item)}"
        return
    lines = list(_nested(item, depth + 1))
    yield f"{start}- {lines[0].lstrip()}"
    yield from lines[1:]


def _flow(value: Any) -> str | None:
    """The value on one line; None where it is a mapping with mappings in it, which reads better as a block."""
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        if any(isinstance(inner, Mapping) for inner in value.values()):
            return None
        return "{" + ", ".join(f"{scalar(key)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) or scalar(str(item)) for item in value) + "]"
    return scalar(value)


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def places(lines: Sequence[int]) -> str:
    """``from line 3``, ``from lines 3 and 9``."""
    ordered_lines = sorted(lines)
    if len(ordered_lines) > _MOST_PLACES:
        return f"from lines {', '.join(map(str, ordered_lines[:_MOST_PLACES]))} and {len(ordered_lines) - _MOST_PLACES} more"
    if len(ordered_lines) == 1:
        return f"from line {ordered_lines[0]}"
    return "from lines " + ", ".join(map(str, ordered_lines[:-1])) + f" and {ordered_lines[-1]}"
