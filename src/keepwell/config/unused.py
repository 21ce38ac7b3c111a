"""What stands in an operations directory and is run by no part of this version: said by validate, by plan and at the server's start."""

from dataclasses import dataclass

from .operations import Operations


@dataclass(frozen=True, slots=True)
class Unused:
    """A section of which entries are kept and not run: how many, where it begins, and one sentence."""

    section: str
    entries: int
    line: int
    sentence: str


def unused_in(operations: Operations) -> tuple[Unused, ...]:
    """Every section of which something is kept and not run, in the order of the file."""
    found = [
        Unused(key, len(kept.entries), kept.line, _sentence(len(kept.entries))) for key, kept in operations.later.items() if kept.entries
    ]
    return tuple(sorted(found, key=lambda one: one.line))


def _sentence(count: int) -> str:
    if count == 1:
        return "1 entry is kept and shown by keepwell plan; this version does not run it"
    return f"{count} entries are kept and shown by keepwell plan; this version runs none of them"
