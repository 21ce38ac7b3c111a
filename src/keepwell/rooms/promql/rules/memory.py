"""Samples in memory, for tests of rules: what is given at the start, and what rules write on the way."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keepwell.ports.samples import NAME, Column, Matcher
from keepwell.rooms.promql.labels import Key, Labels
from keepwell.rooms.promql.patterns import fits

from .evaluation import Row


@dataclass(slots=True)
class _Series:
    labels: Labels
    at: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float]" = field(default_factory=lambda: array("d"))


class MemorySamples:
    """Series by their names. Nothing after ``until`` (milliseconds) is seen."""

    def __init__(self) -> None:
        self.until = 0
        self._named: dict[str, dict[Key, _Series]] = {}

    def give(self, rows: Sequence[Row]) -> None:
        """Takes samples; of a series, what is not newer than its newest is dropped, as Prometheus does."""
        for row in rows:
            known = self._named.setdefault(row.labels.get(NAME, ""), {})
            series = known.get(row.labels.key)
            if series is None:
                series = known[row.labels.key] = _Series(row.labels)
            if not series.at or row.at > series.at[-1]:
                series.at.append(row.at)
                series.values.append(row.value)

    async def select(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        """See ports.samples.Select."""
        name = next((matcher.value for matcher in matchers if matcher.label == NAME and matcher.operator == "="), None)
        named = self._named.values() if name is None else [self._named.get(name, {})]
        found = [series for known in named for series in known.values() if all(fits(matcher, series.labels) for matcher in matchers)]
        columns = (_column(series, start, min(end, self.until)) for series in found)
        return sorted((column for column in columns if len(column.timestamps)), key=lambda column: sorted(column.labels.items()))


def _column(series: _Series, start: int, end: int) -> Column:
    first, last = bisect_left(series.at, start), bisect_right(series.at, end)
    at = np.array(series.at[first:last], dtype=np.int64)
    return Column(series.labels, at, np.array(series.values[first:last], dtype=np.float64))
