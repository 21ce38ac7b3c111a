"""A statement of the user's own: its first number, its other numbers, and how many rows it gives."""

import re
from collections.abc import Iterator, Sequence

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import NumberLimits, Verdict, finite, judge
from keepwell.rooms.checks.model import Earlier
from keepwell.rooms.checks.texts import show

from .options import PostgresOptions
from .parts import Part, Reading, Row, counted

MOST_ROWS = 1000
NAME = "your statement"
_MOST_VALUES = 20


def parts(options: PostgresOptions) -> Iterator[Part]:
    """The statement, where the options hold one."""
    if options.sql is not None:
        yield Part(NAME, Statement(options.sql, search_path=None), _read)


def runs_text(options: PostgresOptions) -> str:
    """The statement exactly as it stands, and the reference to the connection string, where the options hold it."""
    if options.sql is None:
        return ""
    return "\n".join([*([f"address: {options.address}"] if options.address else []), "sql:", options.sql])


def _read(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    verdicts: list[Verdict] = []
    values = {"rows": float(len(rows))}
    shown = counted(len(rows), "row") if len(rows) < MOST_ROWS else f"{MOST_ROWS} rows or more"
    if options.rows is not None or options.value is None:
        limits = options.rows or NumberLimits()
        verdicts.append(judge(f"your statement gives {shown}", len(rows), limits.warn, limits.fail))
    if options.value is not None:
        verdict, found = _value(options.value, rows)
        verdicts.append(verdict)
        values |= found
    return Reading(verdicts, values | _others(rows))


def _value(limits: NumberLimits, rows: Sequence[Row]) -> tuple[Verdict, dict[str, float]]:
    if not rows:
        return Verdict(State.FAIL, "your statement gives no row, expected one that begins with a number"), {}
    name, value = next(iter(rows[0].items()), ("", None))
    measured = finite(value)
    if measured is None:
        held = "NULL" if value is None else show(str(value))
        return Verdict(State.FAIL, f"the first column of your statement holds no number: {held}"), {}
    label = "" if name in ("", "?column?") else f" ({show(name)[1:-1]})"
    return judge(f"your statement gives {describe(measured, Unit.NUMBER)}{label}", measured, limits.warn, limits.fail), {"value": measured}


def _others(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the first row's other columns, by their names."""
    found: dict[str, float] = {}
    for name, value in list(rows[0].items())[1 : 1 + _MOST_VALUES] if rows else []:
        measured = finite(value)
        key = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_")[:60]
        if measured is not None and key:
            found[f"value_{key}"] = measured
    return found
