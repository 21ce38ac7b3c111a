"""Metrics' names as people meet them: the unit that a name tells, and the selector that means it."""

import json
import re
from collections.abc import Sequence

from keepwell.ports.samples import NAME, Matcher

_PLAIN = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_UNITS = (
    ("seconds", re.compile(r"_seconds(?:_total|_sum)?$")),
    ("bytes", re.compile(r"_bytes(?:_total|_sum)?$")),
    ("ratio", re.compile(r"_ratio$")),
)
_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


def unit_of(name: str) -> str:
    """``seconds``, ``bytes``, ``ratio`` or ``number``, by the name's ending (Prometheus, "Metric and label naming")."""
    return next((unit for unit, ending in _UNITS if ending.search(name)), "number")


def selector_of(name: str) -> str:
    """The selector of all series of a metric; a name that is no identifier stands as a label's value."""
    return name if _PLAIN.fullmatch(name) else "{" + f"{NAME}={json.dumps(name, ensure_ascii=False)}" + "}"


def any_of(names: Sequence[str]) -> Matcher:
    """The matcher of these metrics, as an RE2 expression in which every character means itself."""
    return Matcher(NAME, "=~", "|".join(_SPECIAL.sub(r"\\\1", name) for name in names))
