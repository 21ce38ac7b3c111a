"""Durations as Prometheus writes them: ``5m``, ``1h30m``, ``100ms``, ``30d``; and as one decimal amount: ``1.5s``.

The units, their order and their lengths (a day is 24 hours, a week 7 days, a year 365 days) are those of Prometheus
(https://prometheus.io/docs/prometheus/latest/querying/basics/, "Float literals and time durations"). A bare number is refused.
"""

import re
from datetime import timedelta
from fractions import Fraction

from .quoting import quoted

MICROSECONDS = {
    "y": 365 * 86_400_000_000,
    "w": 7 * 86_400_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
}
"""Each unit's length, longest first: the order in which they are written."""

_LONGEST_TEXT = 64
_COMPOUND = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in MICROSECONDS))
_SINGLE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(y|w|d|h|ms|m|s)")
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LONGEST = timedelta.max // timedelta(microseconds=1)


def parse_duration(text: str) -> timedelta:
    """``1h30m`` as a timedelta, exact to the microsecond.

    Whole amounts with units in the order y w d h m s ms, each at most once; or a single amount, which may be decimal and may have one
    space before its unit. Raises ValueError with one sentence for anything else.
    """
    written = text.strip()
    if _AMOUNT.fullmatch(written) and len(written) <= _LONGEST_TEXT:
        raise ValueError(f"{quoted(written)} has no unit: write {written[:12]}s, {written[:12]}m, {written[:12]}h or {written[:12]}d")
    total = _microseconds(written) if 0 < len(written) <= _LONGEST_TEXT else None
    if total is None:
        raise ValueError(f"{quoted(text)} is not a duration: write amounts with units (y w d h m s ms) such as 30s, 5m, 1h30m or 1.5s")
    if total.denominator != 1:
        raise ValueError(f"{quoted(text)} is finer than a microsecond: write at most that much, such as 0.001ms")
    if total > _LONGEST:
        raise ValueError(f"{quoted(text)} is too long a duration: write at most 2000000y")
    return timedelta(microseconds=int(total))


def format_duration(duration: timedelta) -> str:
    """The text that ``parse_duration`` reads as the same duration: ``1h30m``, ``30d``, ``1.5s``, ``0s``.

    Years and weeks are used only where nothing remains beside them, as Prometheus does. Raises ValueError for a negative duration.
    """
    if duration < timedelta(0):
        raise ValueError("a negative duration has no text: give one of at least 0s")
    rest = duration // timedelta(microseconds=1)
    for unit in ("y", "w"):
        if rest and rest % MICROSECONDS[unit] == 0:
            return f"{rest // MICROSECONDS[unit]}{unit}"
    if rest % 1_000_000 and (rest < 60_000_000 or rest % 1_000):
        return _decimal(rest, "s" if rest > 1_000_000 else "ms")
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        amount, rest = divmod(rest, MICROSECONDS[unit])
        parts.append(f"{amount}{unit}" if amount else "")
    return "".join(parts) or "0s"


def _microseconds(written: str) -> Fraction | None:
    single = _SINGLE.fullmatch(written)
    if single:
        return Fraction(single[1]) * MICROSECONDS[single[2]]
    compound = _COMPOUND.fullmatch(written)
    if compound is None:
        return None
    return Fraction(sum(int(amount or 0) * length for amount, length in zip(compound.groups(), MICROSECONDS.values(), strict=True)))


def _decimal(microseconds: int, unit: str) -> str:
    whole, rest = divmod(microseconds, MICROSECONDS[unit])
    digits = len(str(MICROSECONDS[unit])) - 1
    decimals = f"{rest:0{digits}}".rstrip("0")
    return f"{whole}.{decimals}{unit}" if decimals else f"{whole}{unit}"
