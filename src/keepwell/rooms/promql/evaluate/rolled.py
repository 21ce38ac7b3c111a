"""Windows over rolled-up rows: where their edges are edges of rows, they come to the same as windows over the samples.

A row has the samples from its start to before its end, a window those after its start up to its end: the difference is a sample exactly
on an edge, which is the first of the row that begins there.
"""

from dataclasses import dataclass, replace

import numpy as np

from keepwell.ports.samples import RolledUp
from keepwell.rooms.promql.evaluate.context import Guard
from keepwell.rooms.promql.evaluate.over_time import OVER_TIME
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.evaluate.sums import settled, window_sums
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Flags, Instants, Values

_COLUMNS = {
    "avg_over_time": "sum",
    "count_over_time": "count",
    "last_over_time": "last",
    "max_over_time": "maximum",
    "min_over_time": "minimum",
    "present_over_time": "count",
    "sum_over_time": "sum",
}
ANSWERED = frozenset(_COLUMNS)
"""The functions that rolled-up rows answer."""


@dataclass(frozen=True, slots=True)
class RolledWindows:
    """What a selector of windows of ``reach`` milliseconds got instead of samples."""

    found: RolledUp
    reach: int

    def is_exact(self, name: str, closes: Instants) -> bool:
        """Whether the function's values over windows that end at ``closes`` are those of the samples, but for the last digits of sums."""
        if not self.found.exact:
            return False
        edges = np.unique(np.concatenate((closes, closes - self.reach)))
        for column in self.found.columns:
            on_edge = column.start[column.first_at == column.start]
            if len(on_edge) and np.isin(on_edge, edges).any():
                return False
            if _COLUMNS[name] == "sum" and not np.isfinite(column.sum).all():
                return False  # the mean of numbers whose sum is beyond what a number can hold needs the numbers
        return True

    def value(self, name: str, closes: Instants, guard: Guard) -> tuple[Windows, Values, Flags]:
        """The windows, with rows in the place of samples, and what the function is worth at each."""
        windows = self._windows(_COLUMNS[name], closes, guard)
        if name not in ("avg_over_time", "count_over_time"):
            return windows, *OVER_TIME[name](windows)
        counts = windows if name == "count_over_time" else replace(windows, values=self._joined("count"))
        there = windows.counts > 0
        count = settled(*window_sums(counts))
        if name == "count_over_time":
            return windows, count, there
        return windows, settled(*window_sums(windows)) / np.maximum(count, 1.0), there

    def _windows(self, values: str, closes: Instants, guard: Guard) -> Windows:
        columns = self.found.columns
        guard(6 * len(columns) * len(closes))
        opens = closes - self.reach
        low = np.empty((len(columns), len(closes)), np.int64)
        high = np.empty_like(low)
        before = 0
        for row, column in enumerate(columns):
            low[row] = column.start.searchsorted(opens) + before
            high[row] = column.start.searchsorted(closes) + before
            before += len(column.start)
        labels = [Labels(column.labels) for column in columns]
        at = self._joined("start").astype(np.int64)
        return Windows(labels, [False] * len(labels), at, self._joined(values), low, high, opens, closes, guard)

    def _joined(self, name: str) -> Values:
        parts = [getattr(column, name) for column in self.found.columns]
        return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
