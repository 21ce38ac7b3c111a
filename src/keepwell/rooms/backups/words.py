"""Numbers for people."""

from keepwell.kernel.comparisons import Unit, describe


def size(number: float) -> str:
    """Bytes in powers of 1000: ``3 MB``."""
    return describe(number, Unit.BYTES, decimal=True)


def count(number: int, one: str) -> str:
    """``1 file``, ``1,000 files``."""
    return f"{number:,} {one if number == 1 else one + 's'}"
