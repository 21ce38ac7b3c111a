"""Objects of the Kubernetes API as kubectl prints them (``-o json``): foreign data, of which any part may be missing or of another type."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepwell.kernel.problems import AnswerError
from keepwell.rooms.checks.limits import Verdict, finite
from keepwell.rooms.checks.texts import show

Object = Mapping[str, Any]

_QUANTITY = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,12})?)(?:[eE]([+-]?[0-9]{1,2})|(n|u|m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei))?")
_FACTORS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_FACTORS |= {f"{prefix}i": 1024.0**power for power, prefix in enumerate("KMGTPE", 1)}


@dataclass(slots=True)
class Found:
    """What is gathered about objects, one after the other."""

    verdicts: list[Verdict] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)

    def raise_to(self, name: str, value: float) -> None:
        """Keeps the largest."""
        self.values[name] = max(self.values.get(name, value), value)


def document(text: str) -> Object:
    """The JSON object. Raises AnswerError where the text is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise AnswerError(f"kubectl gave no usable answer: {show(text.strip())}")
    return value


def items(given: Object) -> list[Object]:
    """The objects of a list; an object that is no list is one of one."""
    if not str(given.get("kind", "")).endswith("List"):
        return [given]
    found = given.get("items")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def part(given: Any, *path: str) -> Object:
    """The mapping at a path; an empty one where there is none."""
    for key in path:
        given = given.get(key) if isinstance(given, Mapping) else None
    return given if isinstance(given, Mapping) else {}


def parts(given: Any, *path: str) -> Sequence[Object]:
    """The mappings of the list at a path."""
    found = part(given, *path[:-1]).get(path[-1])
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def word(given: Object, key: str) -> str:
    """A short text; empty where there is none."""
    value = given.get(key)
    return value[:100] if isinstance(value, str) else ""


def number(given: Object, key: str, otherwise: float = 0.0) -> float:
    """A finite number."""
    value = finite(given.get(key))
    return otherwise if value is None else value


def name_of(given: Object) -> str:
    """An object's name, as a sentence shows it."""
    return show(word(part(given, "metadata"), "name"))


def conditions(given: Object) -> dict[str, Object]:
    """The conditions of an object by their type."""
    return {word(one, "type"): one for one in parts(given, "status", "conditions")}


def quantity(value: Any) -> float | None:
    """A quantity of the API (``250m``, ``512Mi``, ``1.5``, ``1e3``) as a number; None for anything else."""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    return float(match[1]) * (10.0 ** int(match[2]) if match[2] else _FACTORS.get(match[3] or "", 1.0))


def because(given: Object) -> str:
    """The reason and message of a condition or a container's state, for the end of a sentence."""
    reason, message = word(given, "reason"), word(given, "message")
    return (f": {reason}" if reason else "") + (f" ({show(message)})" if message else "")
