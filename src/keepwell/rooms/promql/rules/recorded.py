"""Samples that rules write, on their way into the store: seen at once by the next rule, although the disk has them a moment later."""

from asyncio import Future
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np

from keepwell.ports.samples import Column, Matcher, RolledUp, Select, SelectRolled
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.model import Instants, Values
from keepwell.rooms.promql.patterns import fits

from .evaluation import Row

SOURCE = "rules"
"""The source of these series for the store."""


class Add(Protocol):
    """Brings samples to the store; the future is done once they are kept."""

    def __call__(self, source: str, series: Sequence[Mapping[str, str]], at: Instants, value: Values, /) -> "Future[Any]": ...


class Recorded:
    """What was written and is not kept yet."""

    def __init__(self, add: Add) -> None:
        self._add = add
        self._waiting: dict[int, Sequence[Row]] = {}
        self._numbers = count()

    def write(self, rows: Sequence[Row]) -> None:
        """Hands samples to the store (evaluation.Write)."""
        if not rows:
            return
        number = next(self._numbers)
        self._waiting[number] = rows
        at = np.fromiter((row.at for row in rows), np.int64, len(rows))
        value = np.fromiter((row.value for row in rows), np.float64, len(rows))
        outcome = self._add(SOURCE, [row.labels for row in rows], at, value)
        outcome.add_done_callback(lambda _: self._waiting.pop(number, None))

    def over_rolled(self, rolled: SelectRolled) -> SelectRolled:
        """The store's roll-ups; none while samples wait that would be in them."""

        async def selected(matchers: Sequence[Matcher], start: int, end: int, unit: int) -> RolledUp | None:
            waiting = (row for rows in self._waiting.values() for row in rows)
            is_waiting = any(row.at >= start and all(fits(matcher, row.labels) for matcher in matchers) for row in waiting)
            return None if is_waiting else await rolled(matchers, start, end, unit)

        return selected

    def over(self, select: Select) -> Select:
        """The store's samples, and those that wait."""

        async def selected(matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
            # Looked at first: what is kept in the meantime is then seen twice, not never.
            waiting = [
                row
                for rows in self._waiting.values()
                for row in rows
                if start <= row.at <= end and all(fits(matcher, row.labels) for matcher in matchers)
            ]
            columns = await select(matchers, start, end)
            return _merged(columns, waiting) if waiting else columns

        return selected


def _merged(columns: Sequence[Column], waiting: Sequence[Row]) -> Sequence[Column]:
    by_key: dict[Key, list[Row]] = {}
    for row in waiting:
        by_key.setdefault(row.labels.key, []).append(row)
    merged = [_joined(column, by_key.pop(tuple(sorted(column.labels.items())), ())) for column in columns]
    empty = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float64)
    return [*merged, *(_joined(Column(Labels(key), *empty), rows) for key, rows in by_key.items())]


def _joined(column: Column, rows: Sequence[Row]) -> Column:
    if not rows:
        return column
    at = np.concatenate([column.timestamps, np.array([row.at for row in rows], dtype=np.int64)])
    values = np.concatenate([column.values, np.array([row.value for row in rows])])
    instants, places = np.unique(at, return_index=True)  # the first of two: what the store has holds
    return Column(column.labels, instants, values[places])
