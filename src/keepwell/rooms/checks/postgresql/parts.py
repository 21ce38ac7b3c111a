"""A part: one statement, and the verdicts that its rows give."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, finite, given_or, judge
from keepwell.rooms.checks.model import Earlier
from keepwell.rooms.checks.texts import show

from .options import PostgresOptions

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """One part's verdicts, values and counters, and longer text worth keeping."""

    verdicts: Sequence[Verdict]
    values: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to look at: what it is called in a sentence, its statement, and how the rows are read. ``primary_only``: a standby does not
    count it.

    ``read`` raises ValueError with a clause where the rows are not what the statement gives.
    """

    name: str
    statement: Statement
    read: Callable[[PostgresOptions, Sequence[Row], Earlier | None], Reading]
    primary_only: bool = False


def first(rows: Sequence[Row]) -> Row:
    """The first row. Raises ValueError where there is none."""
    if not rows:
        raise ValueError("there is no row")
    return rows[0]


def maybe(row: Row, column: str) -> float | None:
    """A number, or None where the column holds NULL. Raises ValueError where it holds something else, or is missing."""
    if column not in row:
        raise ValueError(f"there is no column {column}")
    if row[column] is None:
        return None
    number = finite(row[column])
    if number is None:
        raise ValueError(f"{column} is no number: {show(str(row[column]))}")
    return number


def number(row: Row, column: str) -> float:
    """A number. Raises ValueError where there is none."""
    found = maybe(row, column)
    if found is None:
        raise ValueError(f"{column} is NULL")
    return found


def word(row: Row, column: str) -> str:
    """A text as it may stand in a sentence, without quotes; empty for NULL and for anything that is no text."""
    value = row.get(column)
    return show(value)[1:-1] if isinstance(value, str) else ""


def counted(count: float, one: str, several: str = "") -> str:
    """``1 session``, ``3 sessions``, ``no session``."""
    shown = describe(count, Unit.NUMBER)
    return f"no {one}" if count == 0 else f"{shown} {one}" if count == 1 else f"{shown} {several or one + 's'}"


def seconds(value: float) -> str:
    """A duration for a sentence."""
    return describe(value, Unit.SECONDS)


def size(value: float) -> str:
    """A size for a sentence."""
    return describe(value, Unit.BYTES)


def judged_duration(seen: str, measured: float, limits: SecondsLimits | None, usual: tuple[Comparison, Comparison]) -> Verdict:
    """The verdict on a duration by a person's limits, or by the usual ones."""
    given = limits or SecondsLimits()
    return judge(seen, measured, *given_or(given.warn, given.fail, usual))


def unknown(sentence: str) -> Verdict:
    """A verdict that the server could not be asked for."""
    return Verdict(State.UNKNOWN, sentence)
