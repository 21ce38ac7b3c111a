"""Limits as people write them (``> 10%``, ``< 30d``, ``>= 5``), and measured values as people read them.

Bounds and measured values are in base units, as in Prometheus: seconds, bytes, ratios, plain numbers.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from .durations import parse_duration
from .percentages import parse_percentage
from .quoting import quoted
from .sizes import parse_size


class Unit(StrEnum):
    """The base unit of a bound or a measured value."""

    NUMBER = "number"
    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"


_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_LONGEST_TEXT = 64
_COMPARISON = re.compile(r"(>=|<=|==|!=|=|>|<)\s*(\S.*)")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
_SIZE_LIKE = re.compile(r".*B|[0-9.]+ ?(?:[kKMGTP]i?|[kmgtp]i?b)")  # a misspelt size gets the advice of parse_size


@dataclass(frozen=True, slots=True)
class Comparison:
    """An operator (``>``, ``>=``, ``<``, ``<=``, ``==`` or ``!=``), a bound in the base unit, that unit, and the text as it was written."""

    operator: str
    bound: float
    unit: Unit
    text: str

    def holds(self, measured: float) -> bool:
        """Whether ``measured`` (in the base unit) compares so with the bound. Equality is exact.

        Not-a-number holds no comparison except ``!=``, which it always holds (IEEE 754): judge whether it was measured at all first.
        """
        return _OPERATORS[self.operator](measured, self.bound)

    def covers(self, other: "Comparison") -> bool:
        """Whether this holds wherever the other does; said only of two limits in the same direction (``<`` or ``>``) and unit."""
        direction = self.operator[0]
        if direction != other.operator[0] or direction not in "<>" or self.unit is not other.unit:
            return False
        return self.holds(other.bound) or (self.bound == other.bound and self.operator == other.operator)

    def describe(self, measured: float) -> str:
        """A measured value for a person, sizes in the family of units (powers of 1000 or 1024) in which the bound is written."""
        return describe(measured, self.unit, decimal=self.unit is Unit.BYTES and "iB" not in self.text)

    def __str__(self) -> str:
        return self.text


def parse_comparison(text: str) -> Comparison:
    """``> 10%`` as a Comparison. The quantity is a duration, a size, a percentage, or a bare number, whose unit is ``Unit.NUMBER``.

    ``=`` means ``==``. Raises ValueError with one sentence for anything else.
    """
    written = text.strip()
    match = _COMPARISON.fullmatch(written) if len(written) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a comparison: write an operator and a quantity, such as > 10%, < 30d, > 100ms or >= 5")
    sign, quantity = match.groups()
    bound, unit = _quantity(quantity, text)
    return Comparison("==" if sign == "=" else sign, bound, unit, written)


def _quantity(quantity: str, text: str) -> tuple[float, Unit]:
    if _NUMBER.fullmatch(quantity):
        number = float(quantity)
        if math.isinf(number):
            raise ValueError(f"{quoted(text)} has a number beyond what a computer holds: write one below 1e308")
        return number, Unit.NUMBER
    if quantity.endswith("%"):
        return parse_percentage(quantity), Unit.RATIO
    if _SIZE_LIKE.fullmatch(quantity):
        return float(parse_size(quantity)), Unit.BYTES
    try:
        return parse_duration(quantity).total_seconds(), Unit.SECONDS
    except ValueError:
        examples = "a number, percentage, duration or size, such as 5, 10%, 100ms, 30d or 200MB"
        raise ValueError(f"{quoted(text)} has no quantity that can be compared with: after the operator write {examples}") from None


def describe(value: float, unit: Unit, *, decimal: bool = False) -> str:
    """A measured value for a person: ``123 ms``, ``80.5 %``, ``512 MiB``, ``29 d 4 h``, ``42``. Rounded to about four digits.

    Sizes are in powers of 1024, or of 1000 (``537 MB``) where ``decimal``. Never raises: not-a-number and infinities are named as such.
    """
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "infinity" if value > 0 else "minus infinity"
    sign, size = ("-", -value) if value < 0 else ("", value)
    return sign + (_bytes(size, 1000, "kMGTP", "B") if decimal and unit is Unit.BYTES else _DESCRIBE[unit](size))


def _seconds(value: float) -> str:
    if 0 < value < 0.001:
        return f"{_rounded(value * 1e6, 3)} µs"
    if 0 < value < 1:
        return f"{_rounded(value * 1000, 3)} ms"
    if value < 60 or value > 1e12:
        return f"{_rounded(value, 3)} s"
    for length, unit, smaller_length, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if value >= length:
            whole, rest = divmod(int(value) // smaller_length, length // smaller_length)
            return f"{whole} {unit} {rest} {smaller}" if rest else f"{whole} {unit}"
    raise AssertionError("every value of at least 60 has a unit above")


def _bytes(value: float, step: int = 1024, prefixes: str = "KMGTP", ending: str = "iB") -> str:
    if value < step:
        return f"{_rounded(value, 4)} B"
    for prefix in prefixes:
        value /= step
        if value < step or prefix == prefixes[-1]:
            break
    return f"{_rounded(value, 4)} {prefix}{ending}"


def _rounded(value: float, digits: int) -> str:
    """Decimal text with that many significant digits, never fewer than the whole part has; exponents only far out."""
    whole = len(str(int(value))) if value < 1e15 else 0
    if not whole or (0 < value < 1e-6):
        return f"{value:.{digits}g}"
    decimals = max(0, digits - whole) if value >= 1 else digits + max(0, -math.floor(math.log10(value)) - 1) if value else 0
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_DESCRIBE: Mapping[Unit, Callable[[float], str]] = {
    Unit.NUMBER: lambda value: _rounded(value, 6),
    Unit.SECONDS: _seconds,
    Unit.BYTES: _bytes,
    Unit.RATIO: lambda value: f"{_rounded(min(value, 1e300) * 100, 4)} %",
}
