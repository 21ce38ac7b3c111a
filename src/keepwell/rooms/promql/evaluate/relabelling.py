"""label_replace and label_join: functions of labels alone."""

import re
from collections.abc import Sequence
from typing import Any

from keepwell.ports.samples import NAME
from keepwell.rooms.promql.evaluate.vectors import Vector, merged
from keepwell.rooms.promql.literals import is_name, shown
from keepwell.rooms.promql.model import ExecutionError
from keepwell.rooms.promql.patterns import PatternError, compiled

_REFERENCE = re.compile(r"\$(?:\$|\{(?P<braced>[^{}]*)\}|(?P<plain>[A-Za-z0-9_]+))")
"""Go's ``regexp.Expand``: ``$name`` takes as many letters, digits and underscores as there are."""


def label_replace(vector: Vector, target: str, replacement: str, source: str, pattern: str) -> Vector:
    """Where the pattern matches the whole source label, the target label becomes the replacement with the pattern's groups put in."""
    try:
        matcher = compiled(pattern)
    except PatternError as error:
        raise ExecutionError(f"invalid regular expression in label_replace(): {shown(pattern)}", hint=str(error)) from None
    if not is_name(target):
        raise ExecutionError(f"invalid destination label name in label_replace(): {shown(target)}")
    labels, nameless = list(vector.labels), list(vector.nameless)
    for row, own in enumerate(vector.labels):
        match = matcher.fullmatch(own.get(source, ""))
        if match is not None:
            labels[row] = own.having(target, expanded(replacement, match, matcher))
            nameless[row] = nameless[row] and target != NAME
    return merged(Vector(labels, nameless, vector.values, vector.present))


def label_join(vector: Vector, target: str, separator: str, sources: Sequence[str]) -> Vector:
    """The target label becomes the source labels, joined; a label that a series lacks counts as empty."""
    for source in sources:
        if not is_name(source):
            raise ExecutionError(f"invalid source label name in label_join(): {shown(source)}")
    if not is_name(target):
        raise ExecutionError(f"invalid destination label name in label_join(): {shown(target)}")
    labels = [own.having(target, separator.join(own.get(source, "") for source in sources)) for own in vector.labels]
    nameless = [flag and target != NAME for flag in vector.nameless]
    return merged(Vector(labels, nameless, vector.values, vector.present))


def expanded(template: str, match: Any, matcher: Any) -> str:
    """The template with ``$1``, ``${1}`` and ``${name}`` replaced by the match's groups; what names no group becomes empty."""

    def group(reference: re.Match[str]) -> str:
        if reference.group() == "$$":
            return "$"
        name = reference.group("braced") if reference.group("braced") is not None else reference.group("plain")
        number = int(name) if name.isdecimal() and len(name) < 6 else matcher.groupindex.get(name, -1)
        found = match.group(number) if 0 <= number <= matcher.groups else None
        return str(found) if found is not None else ""

    return _REFERENCE.sub(group, template)
