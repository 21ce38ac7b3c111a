"""Percentages, held as ratios: ``80%`` is 0.8. A number without the sign is refused, since 0.8 and 80 could both be meant."""

import math
import re
from decimal import Decimal
from fractions import Fraction

from .quoting import quoted

_LONGEST_TEXT = 64
_PERCENTAGE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")
_AMOUNT = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def parse_percentage(text: str) -> float:
    """``80%`` as 0.8, the nearest float to the exact ratio; more than 100 % is allowed. Raises ValueError with one sentence otherwise."""
    written = text.strip()
    match = _PERCENTAGE.fullmatch(written) if len(written) <= _LONGEST_TEXT else None
    if match is not None:
        return float(Fraction(match[1]) / 100)
    if _AMOUNT.fullmatch(written) and len(written) <= _LONGEST_TEXT:
        raise ValueError(f"{quoted(written)} has no percent sign: write {written[:12]}%")
    raise ValueError(f"{quoted(text)} is not a percentage: write a number and the sign, such as 80% or 99.9%")


def format_percentage(ratio: float) -> str:
    """0.8 as ``80%``; ``parse_percentage`` reads it as the same float (for ratios that a person writes: up to 60 digits).

    Raises ValueError for a negative ratio, infinity and not-a-number.
    """
    if not math.isfinite(ratio) or ratio < 0:
        raise ValueError(f"{ratio} has no percentage: give a ratio of at least 0")
    digits = format(Decimal(repr(float(abs(ratio)))).scaleb(2), "f")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + "%"
