"""Lines for a terminal: counted, shortened, and harmless to it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from keepwell.kernel.redaction import redact_patterns
from keepwell.kernel.rendering import harmless

Line = tuple[str, str]
"""A line and its style."""

MOST = 12
"""Entries of a group that are shown; the rest are counted."""

WIDEST = 150
"""Characters of a line; what is longer is cut with an ellipsis."""

WIDEST_NAME = 46
"""Characters that a column of names takes at most."""

_T = TypeVar("_T")


def finished(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines as a terminal may get them: no control characters, no secrets, not too long."""
    for text, style in lines:
        clean = harmless(redact_patterns(text))
        yield clean if len(clean) <= WIDEST else clean[: WIDEST - 1] + "…", style


def count(number: int, one: str) -> str:
    """``1 task``, ``1,000 tasks``."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def some(entries: Sequence[_T], say: Callable[[_T], Line], indent: str, most: int = MOST) -> Iterator[Line]:
    """A line for each; of many, the first ones and how many more there are."""
    few = entries if len(entries) <= most + 1 else entries[:most]
    yield from (say(entry) for entry in few)
    if len(few) < len(entries):
        yield f"{indent}and {len(entries) - len(few):,} more (--json has all)", "dim"


def column(names: Iterable[str]) -> int:
    """The width of a column that holds these names."""
    return min(WIDEST_NAME, max(map(len, names), default=0))


def first_line(text: str, width: int = 70) -> str:
    """The first line of a text, with an ellipsis where there is more of it."""
    bare = text.strip()
    line = bare.partition("\n")[0]
    if len(line) > width:
        return line[: width - 1] + "…"
    return line if line == bare else f"{line} …"


def first_command(text: str) -> str:
    """The first line of a script that does something (no comment, no ``set -e``), and how many others do."""
    commands = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith(("#", "set -"))]
    if len(commands) < 2:
        return first_line(commands[0] if commands else text)
    return f"{first_line(commands[0], 60)}  (+{count(len(commands) - 1, 'line')})"
