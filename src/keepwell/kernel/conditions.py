"""Conditions on JSON: what stands at a path of a document, and whether it is what was expected.

A path is names and positions: ``status``, ``services.audio``, ``items[0].name``, ``["a name with dots"].x``; a leading ``$`` is the whole
document, as in JSONPath (RFC 9535), of which this is the part that names one place.

What is expected is a literal (text, number, true, false, null), or a text that begins with an operator: ``> 10``, ``< 200MB``, ``>= 99.5%``
compare numbers, and ``== UP``, ``!= down`` compare text. A number in the document counts in the base unit (seconds, bytes, ratio); a text
in it (``"185 MB"``, ``"82%"``) is read with its own unit.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from .comparisons import Comparison, Unit, parse_comparison
from .durations import parse_duration
from .percentages import parse_percentage
from .quoting import quoted
from .sizes import parse_size

Scalar = str | int | float | bool | None
"""What can be expected: a JSON value that holds no others."""


class Missing(Enum):
    """The type of ``MISSING``."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING
"""Nothing stands at that path. (A null that stands there is None.)"""

_LONGEST_TEXT = 500
_LONGEST_SHOWN = 60
_STEP = re.compile(r"""\.?([A-Za-z0-9_$@:/+-]+)|\[([0-9]{1,9})\]|\[("(?:[^"\\]|\\.)*")\]""")
_EQUALITY = re.compile(r"(==|!=|=)\s*(\S.*)", re.DOTALL)
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")


@dataclass(frozen=True, slots=True)
class _Text:
    """The expectation that a value is, or is not, this text."""

    equal: bool
    text: str


_Expectation = Comparison | _Text | int | float | bool | None


@lru_cache(maxsize=4096)
def parse_path(path: str) -> tuple[str | int, ...]:
    """The names and positions of a path, outermost first. Raises ValueError with one sentence where it cannot be read."""
    rest = path.strip()
    rest = rest[1:] if re.match(r"\$(?![A-Za-z0-9_])", rest) else rest
    if not path.strip() or len(path) > _LONGEST_TEXT:
        raise _no_path(path)
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None or (match[1] and (rest[position] == ".") != (position > 0 or rest != path.strip())):
            raise _no_path(path)
        steps.append(match[1] if match[1] else int(match[2]) if match[2] else _unescaped(match[3], path))
        position = match.end()
    return tuple(steps)


def json_value(document: object, path: str) -> object:
    """What stands at that path of a parsed document; ``MISSING`` where nothing does. Raises ValueError where the path cannot be read."""
    value = document
    for step in parse_path(path):
        value = _below(value, step)
    return value


def _below(value: object, step: str | int) -> object:
    if isinstance(step, str):
        return value.get(step, MISSING) if isinstance(value, Mapping) else MISSING
    return value[step] if isinstance(value, list) and step < len(value) else MISSING


def check_expected(expected: Scalar) -> None:
    """Raises ValueError with one sentence where ``judge`` could not use that expectation (``> fast``, ``< ``)."""
    _read_expected(expected)


def judge(document: object, path: str, expected: Scalar) -> tuple[bool, str]:
    """Whether the value at that path is as expected, and the sentence that says so: ``json.status is "DOWN", expected "UP"``.

    Literals are equal only within their JSON type (true is not 1, "5" is not 5; 5 is 5.0). What is missing is never as expected.
    Raises ValueError where the path or the expectation cannot be read.
    """
    wanted = _read_expected(expected)
    value = json_value(document, path)
    name = _shown_path(path)
    if value is MISSING:
        return False, f"{name} is missing, expected {_shown_expected(expected)}"
    if isinstance(wanted, Comparison):
        holds, seen = _compare(value, wanted)
    elif isinstance(wanted, _Text):
        holds, seen = (isinstance(value, str) and value == wanted.text) == wanted.equal, _shown(value)
    else:
        holds, seen = _same(value, wanted), _shown(value)
    return holds, f"{name} is {seen}, expected {_shown_expected(expected)}"


@lru_cache(maxsize=4096)
def _shown_path(path: str) -> str:
    """``json.status`` for ``status`` and for ``$.status``."""
    return "json" + re.sub(r"^(?=[^.\[])", ".", re.sub(r"^\$(?![A-Za-z0-9_])", "", path.strip()))


def _read_expected(expected: Scalar) -> _Expectation:
    return _read_text(expected) if isinstance(expected, str) else expected


@lru_cache(maxsize=4096)
def _read_text(expected: str) -> _Expectation:
    if not expected.startswith(("<", ">", "=", "!=")):
        return _Text(True, expected)
    try:
        return parse_comparison(expected)
    except ValueError:
        equality = _EQUALITY.fullmatch(expected.strip())
        if equality is None:
            raise
        return _Text(equality[1] != "!=", equality[2])


def _compare(value: object, wanted: Comparison) -> tuple[bool, str]:
    measured = _measured(value, wanted.unit)
    if measured is None:
        return wanted.operator == "!=", f"{_shown(value)}, which cannot be compared with a {_KINDS[wanted.unit]}"
    shown = _shown(value)
    return wanted.holds(measured), shown if wanted.unit is Unit.NUMBER or isinstance(
        value, str
    ) else f"{shown} ({wanted.describe(measured)})"


def _measured(value: object, unit: Unit) -> float | None:
    """The value in the base unit of the comparison; None where it is no such quantity."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        if not isinstance(value, str):
            return float(value)
        if _NUMBER.fullmatch(value.strip()):
            return float(value)
        return _READ[unit](value)
    except ValueError:
        return None
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if isinstance(value, int) and value > 0 else -math.inf


def _no_number(text: str) -> float:
    raise ValueError(f"{quoted(text)} is no number")


_READ = {
    Unit.NUMBER: _no_number,
    Unit.SECONDS: lambda text: parse_duration(text).total_seconds(),
    Unit.BYTES: lambda text: float(parse_size(text)),
    Unit.RATIO: parse_percentage,
}
_KINDS = {Unit.NUMBER: "number", Unit.SECONDS: "duration", Unit.BYTES: "size", Unit.RATIO: "percentage"}


def _same(value: object, wanted: float | bool | None) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool) or wanted is None:
        return value is wanted
    return isinstance(value, int | float) and value == wanted


def _shown(value: object) -> str:
    if isinstance(value, str):
        return quoted(value, _LONGEST_SHOWN)
    if isinstance(value, Mapping):
        return f"an object with {len(value)} names"
    if isinstance(value, Sequence):
        return f"an array of {len(value)}"
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def _shown_expected(expected: Scalar) -> str:
    if isinstance(expected, str) and not isinstance(_read_expected(expected), _Text):
        return expected.strip()
    if isinstance(expected, str) and expected.startswith(("=", "!=")):
        return " ".join(expected.split())
    return _shown(expected)


def _unescaped(literal: str, path: str) -> str:
    try:
        return str(json.loads(literal))
    except ValueError:
        raise _no_path(path) from None


def _no_path(path: str) -> ValueError:
    return ValueError(f"{quoted(path)} is not a path into JSON: write names and positions, such as status, services.audio or items[0].name")
