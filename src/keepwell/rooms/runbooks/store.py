"""The queries of runs. Times are those of the caller's clock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from keepwell.storage.columns import inserting

from .model import OPEN, Run, State, StepRun, Way, Wish
from .tables import RUN, STEP

_OPEN = [state.value for state in OPEN]


def create(connection: Connection, wish: Wish, title: str, steps: Sequence[StepRun]) -> tuple[Run, bool]:
    """The run of the wish's key, made where there is none; and whether it was made."""
    made = connection.execute(
        inserting(connection, RUN)
        .values(
            key=wish.key,
            runbook=wish.runbook,
            title=title,
            state=State.WAITING.value,
            sentence="",
            started_by=wish.by,
            asked_at=wish.at,
            arguments=dict(wish.arguments),
            answered_by="",
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(RUN.c.number)
    ).scalar()
    if made is None:
        found = by_key(connection, wish.key)
        assert found is not None
        return found, False
    if steps:
        connection.execute(insert(STEP), [{"run": made, **_values(step)} for step in steps])
    return Run(made, wish.key, wish.runbook, title, wish.by, wish.at, arguments=wish.arguments, steps=tuple(steps)), True


def save(connection: Connection, before: Run, after: Run) -> None:
    """Writes what changed between two values of a run."""
    if replace(before, steps=()) != replace(after, steps=()):
        connection.execute(update(RUN).where(RUN.c.number == after.number).values(_head(after)))
    known = {step.number: step for step in before.steps}
    for step in after.steps:
        if known.get(step.number) != step:
            connection.execute(update(STEP).where(STEP.c.run == after.number, STEP.c.number == step.number).values(_values(step)))


def by_key(connection: Connection, key: str) -> Run | None:
    """The run of an occasion."""
    return next(iter(_runs(connection, connection.execute(select(RUN).where(RUN.c.key == key)).all())), None)


def by_number(connection: Connection, number: int) -> Run | None:
    """One run."""
    return next(iter(_runs(connection, connection.execute(select(RUN).where(RUN.c.number == number)).all())), None)


def open_runs(connection: Connection) -> list[Run]:
    """Those that have not ended, oldest first."""
    return _runs(connection, connection.execute(select(RUN).where(RUN.c.state.in_(_OPEN)).order_by(RUN.c.number)).all())


def listing(connection: Connection, *, runbook: str | None, states: Iterable[str], before: int | None, limit: int) -> list[Run]:
    """The newest first, without more than so many."""
    query = select(RUN).order_by(RUN.c.number.desc()).limit(limit)
    if runbook is not None:
        query = query.where(RUN.c.runbook == runbook)
    if wanted := list(states):
        query = query.where(RUN.c.state.in_(wanted))
    if before is not None:
        query = query.where(RUN.c.number < before)
    return _runs(connection, connection.execute(query).all())


def newest_of_each(connection: Connection) -> dict[str, Run]:
    """The newest run of each runbook, by the runbook's path."""
    newest = select(func.max(RUN.c.number)).group_by(RUN.c.runbook)
    rows = connection.execute(select(RUN).where(RUN.c.number.in_(newest))).all()
    return {run.runbook: run for run in _runs(connection, rows)}


def ended_last(connection: Connection) -> list[Run]:
    """The runs in which a step, or a runbook as a whole, was done or failed last: oldest first. A newer run may still be under way."""
    ended = (State.DONE.value, State.FAILED.value)
    runs = select(func.max(RUN.c.number)).where(RUN.c.state.in_(ended)).group_by(RUN.c.runbook)
    steps = select(func.max(RUN.c.number)).join(STEP, STEP.c.run == RUN.c.number).where(STEP.c.state.in_(ended))
    numbers = {*connection.execute(runs).scalars(), *connection.execute(steps.group_by(RUN.c.runbook, STEP.c.name)).scalars()}
    found: list[Run] = []
    for start in range(0, len(numbers), 500):
        part = sorted(numbers)[start : start + 500]
        found += _runs(connection, connection.execute(select(RUN).where(RUN.c.number.in_(part)).order_by(RUN.c.number)).all())
    return found


def forget(connection: Connection, before: datetime, limit: int = 500) -> int:
    """Deletes runs that ended before that instant, but for the newest of each runbook; how many, at most so many at once."""
    newest = select(func.max(RUN.c.number)).group_by(RUN.c.runbook)
    query = select(RUN.c.number).where(RUN.c.ended_at < before, RUN.c.state.not_in(_OPEN), RUN.c.number.not_in(newest))
    numbers = list(connection.execute(query.order_by(RUN.c.number).limit(limit)).scalars())
    if numbers:
        connection.execute(delete(STEP).where(STEP.c.run.in_(numbers)))
        connection.execute(delete(RUN).where(RUN.c.number.in_(numbers)))
    return len(numbers)


def _runs(connection: Connection, rows: Sequence[Row[Any]]) -> list[Run]:
    steps: dict[int, list[StepRun]] = {row.number: [] for row in rows}
    numbers = list(steps)
    for start in range(0, len(numbers), 500):
        query = select(STEP).where(STEP.c.run.in_(numbers[start : start + 500])).order_by(STEP.c.run, STEP.c.number)
        for row in connection.execute(query):
            steps[row.run].append(_step(row))
    return [_run(row, steps[row.number]) for row in rows]


def _run(row: Row[Any], steps: Sequence[StepRun]) -> Run:
    return Run(
        row.number,
        row.key,
        row.runbook,
        row.title,
        row.started_by,
        row.asked_at,
        State(row.state),
        row.sentence,
        row.began_at,
        row.ended_at,
        row.arguments,
        tuple(steps),
        row.answered_by,
    )


def _head(run: Run) -> Mapping[str, Any]:
    return {
        "state": run.state.value,
        "sentence": run.sentence,
        "began_at": run.began_at,
        "ended_at": run.ended_at,
        "arguments": dict(run.arguments),
        "answered_by": run.answered_by,
    }


_SAME = (
    "number",
    "name",
    "title",
    "attempt",
    "ticket",
    "digest",
    "accepted_by",
    "began_at",
    "deadline",
    "ended_at",
    "status",
    "output_digest",
    "sentence",
    "note",
    "confirmed",
    "instance",
)
"""The fields of a step that its columns are called like."""


def _values(step: StepRun) -> dict[str, Any]:
    same = {name: getattr(step, name) for name in _SAME}
    return {**same, "way": step.way.value, "state": step.state.value, "done_by": step.by}


def _step(row: Row[Any]) -> StepRun:
    same = {name: getattr(row, name) for name in _SAME}
    return StepRun(way=Way(row.way), state=State(row.state), by=row.done_by, **same)
