"""Instants, lengths and counts in words."""

from datetime import UTC, datetime

from keepwell.kernel.comparisons import Unit, describe


def instant(at: datetime | None) -> str:
    """An instant for a table; a dash for none."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at is not None else "–"


def length(seconds: float | None) -> str:
    """A length of time; a dash for none."""
    return describe(float(round(seconds)) if seconds >= 10 else seconds, Unit.SECONDS) if seconds is not None else "–"


def count(number: int, word: str, words: str = "") -> str:
    """``1 alert``, ``2 alerts``."""
    return f"{number:,} {word if number == 1 else words or word + 's'}"


def share(ratio: float | None) -> str:
    """A share as a percentage with up to three decimals; a dash for none."""
    return f"{ratio * 100:.3f}".rstrip("0").rstrip(".") + " %" if ratio is not None else "–"
