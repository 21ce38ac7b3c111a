"""What a text that a target gave must hold, and the sentence where it does not; and how foreign text is shown."""

from dataclasses import dataclass

from keepwell.kernel.quoting import quoted

from .patterns import Pattern

LONGEST_SHOWN = 120
"""Characters of foreign text that a sentence repeats."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text must contain, must not contain, and must match; None where nothing is asked."""

    contains: str | None = None
    excludes: str | None = None
    matches: Pattern | None = None


def missed(name: str, text: str, wanted: Wanted, *, complete: bool = True) -> list[str]:
    """One clause for each thing that the text called ``name`` does not fulfil; an empty list where all is well.

    Of a text that is not ``complete`` only the beginning is here: what was not seen in it is not known to be absent, and that is said.
    """
    part = name if complete else f"what was read of {name}, which is longer than the limit,"
    found = []
    if wanted.contains is not None and wanted.contains not in text:
        found.append(f"{part} does not contain {show(wanted.contains)}")
    if wanted.matches is not None and not wanted.matches.found_in(text):
        found.append(f"{part} does not match {show(wanted.matches.text)}")
    if wanted.excludes is not None and wanted.excludes in text:
        found.append(f"{name} contains {show(wanted.excludes)}, which it must not")
    elif wanted.excludes is not None and not complete:
        found.append(f"{name} is longer than the limit, so nobody knows whether the rest contains {show(wanted.excludes)}")
    return found


def show(text: str) -> str:
    """Foreign text as it may stand in a sentence: quoted, short, on one line."""
    return quoted(text, LONGEST_SHOWN)


def first_line(text: str) -> str:
    """The first line of a text that is not blank, without the spaces around it; empty where there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
