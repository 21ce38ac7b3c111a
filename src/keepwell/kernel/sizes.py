"""Sizes in bytes with their units: ``200MB`` is 200 x 10^6, ``4GiB`` is 4 x 2^30 (IEC 80000-13). A bare number is refused."""

import re
from fractions import Fraction

from .quoting import quoted

BYTES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "PB": 10**15,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "PiB": 2**50,
}
"""Each unit's length in bytes. ``KB`` is accepted beside ``kB`` because manuals write it."""

LARGEST = 2**63 - 1
"""The largest size: what a signed 64-bit number holds, as file systems and databases do."""

_LONGEST_TEXT = 64
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)")


def parse_size(text: str) -> int:
    """``200MB`` in bytes. The amount may be decimal (the result is rounded to whole bytes) and may have one space before its unit.

    Raises ValueError with one sentence for anything else.
    """
    written = text.strip()
    match = _SIZE.fullmatch(written) if len(written) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(f"{quoted(text)} is not a size: write an amount with its unit, such as 512kB, 200MB or 4GiB")
    amount, unit = match.groups()
    if not unit:
        raise ValueError(f"{quoted(written)} has no unit: write {amount[:12]}B, {amount[:12]}MB or {amount[:12]}MiB")
    if unit not in BYTES:
        raise ValueError(f"{quoted(text)} has a unit that is no size: {_advice(amount[:12], unit)}")
    size = round(Fraction(amount) * BYTES[unit])
    if size > LARGEST:
        raise ValueError(f"{quoted(text)} is too large a size: write at most {LARGEST}B (8192PiB less one byte)")
    return size


def format_size(size: int) -> str:
    """The shortest text that ``parse_size`` reads as exactly this many bytes: ``200MB``, ``4GiB``, ``1536B``.

    Raises ValueError for a negative size or one above ``LARGEST``.
    """
    if not 0 <= size <= LARGEST:
        raise ValueError(f"a size is between 0 and {LARGEST} bytes, not {str(size)[:24]}")
    texts = (f"{size // length}{unit}" for unit, length in BYTES.items() if size % length == 0 and (size or unit == "B"))
    return min(texts, key=len)


def _advice(amount: str, unit: str) -> str:
    by_letters = {name.lower().replace("b", "").replace("i", ""): name for name in BYTES}
    letter = unit[0].lower()
    if letter in by_letters and unit.lower() in (letter, f"{letter}b", f"{letter}i", f"{letter}ib"):
        decimal = "kB" if letter == "k" else f"{letter.upper()}B"
        return f"write {amount}{decimal} (powers of 1000) or {amount}{letter.upper()}iB (powers of 1024)"
    return f"write one of {', '.join(unit for unit in BYTES if unit != 'KB')}"
