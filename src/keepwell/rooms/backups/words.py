"""Numbers and names for people."""

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.quoting import quoted


def size(number: float) -> str:
    """Bytes in powers of 1000: ``3 MB``."""
    return describe(number, Unit.BYTES, decimal=True)


def count(number: int, one: str) -> str:
    """``1 file``, ``1,000 files``."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def copies_are(number: int, which: str = "") -> str:
    """``1 copy is``, ``3 earlier copies are``."""
    return f"{number:,} {which}copy is" if number == 1 else f"{number:,} {which}copies are"


def named(path: str) -> str:
    """A path or a name in quotes, harmless to a terminal; a very long one is cut."""
    return quoted(path, 300)
