"""Durations of rule files and their tests, in milliseconds: whole amounts with units, as Prometheus' own files have them.

The units, their order and their lengths are those of ``ParseDuration`` and ``Duration.String`` (prometheus/common/model/time.go).
"""

import re

from keepwell.kernel.quoting import quoted

_UNITS = {"y": 31_536_000_000, "w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_TEXT = re.compile("".join(rf"(?:([0-9]{{1,18}}){unit})?" for unit in _UNITS))
_LONGEST = (1 << 63) // 1_000_000
"""Milliseconds: Go counts a duration's nanoseconds in 63 bits."""
_EVEN_ONLY = ("y", "w")


def read_duration(text: str) -> int:
    """``1h30m`` in milliseconds; ``0`` needs no unit. Raises ValueError with one sentence for anything else."""
    if text == "0":
        return 0
    match = _TEXT.fullmatch(text) if text else None
    if match is None:
        raise ValueError(f"{quoted(text)} is no duration: write whole amounts with units, such as 30s, 5m or 1h30m")
    total = sum(int(amount or 0) * length for amount, length in zip(match.groups(), _UNITS.values(), strict=True))
    if total > _LONGEST:
        raise ValueError(f"{quoted(text)} is too long a duration: at most 292 years")
    return total


def show_duration(milliseconds: int) -> str:
    """The text of a duration, as Prometheus writes it: ``5m``, ``1h30m``, ``0s``."""
    if milliseconds == 0:
        return "0s"
    rest, parts = milliseconds, []
    for unit, length in _UNITS.items():
        if unit in _EVEN_ONLY and rest % length:
            continue
        amount, rest = divmod(rest, length)
        parts.append(f"{amount}{unit}" if amount else "")
    return "".join(parts)
