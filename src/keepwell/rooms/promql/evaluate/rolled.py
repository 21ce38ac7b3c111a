"""Windows over rolled-up rows: where their edges are edges of rows, they come to the same as windows over the samples.

A row has the samples from its start to before its end, a window those after its start up to its end: the difference is a sample exactly
on an edge, which is the first of the row that begins there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keepwell.ports.samples import RolledColumn, RolledUp
from keepwell.rooms.promql.evaluate.context import Guard, Places
from keepwell.rooms.promql.evaluate.counters import GROWTHS, Seen, extrapolated, range_sums
from keepwell.rooms.promql.evaluate.over_time import OVER_TIME
from keepwell.rooms.promql.evaluate.selecting import Windows
from keepwell.rooms.promql.evaluate.sums import settled, window_sums
from keepwell.rooms.promql.labels import Labels
from keepwell.rooms.promql.model import Flags, Instants, Values

_COLUMNS = {
    "avg_over_time": "sum",
    "count_over_time": "count",
    "first_over_time": "first",
    "last_over_time": "last",
    "max_over_time": "maximum",
    "min_over_time": "minimum",
    "present_over_time": "count",
    "sum_over_time": "sum",
}
ANSWERED = frozenset((*_COLUMNS, *GROWTHS))
"""The functions that rolled-up rows answer."""


@dataclass(frozen=True, slots=True)
class RolledWindows:
    """What a selector of windows of ``reach`` milliseconds got instead of samples."""

    found: RolledUp
    reach: int

    def is_known(self, name: str) -> bool:
        """Whether the rows hold what the function needs: what a series gained was noted of counters only."""
        return not _counts(name) or not any(np.isnan(column.increase).any() for column in self.found.columns)

    def is_exact(self, name: str, closes: Instants) -> bool:
        """Whether the function's values over windows that end at ``closes`` are those of the samples, but for the last digits of sums."""
        if not self.found.exact:
            return False
        edges = np.unique(np.concatenate((closes, closes - self.reach)))
        for column in self.found.columns:
            on_edge = column.start[column.first_at == column.start]
            if (len(on_edge) and np.isin(on_edge, edges).any()) or not _is_finite(name, column):
                return False
        return True

    def value(self, name: str, closes: Instants, guard: Guard) -> tuple[Windows, Values, Flags]:
        """The windows, with rows in the place of samples, and what the function is worth at each."""
        windows = self._windows(_COLUMNS.get(name, "increase"), closes, guard)
        if name in GROWTHS:
            return windows, *self._grown(name, windows)
        if name == "count_over_time":
            return windows, self._counted(windows).astype(np.float64), windows.counts > 0
        if name == "avg_over_time":
            return windows, settled(*window_sums(windows)) / np.maximum(self._counted(windows), 1), windows.counts > 0
        return windows, *OVER_TIME[name](windows)

    def _grown(self, name: str, windows: Windows) -> tuple[Values, Flags]:
        if not len(windows.at):
            return np.zeros(windows.shape), np.zeros(windows.shape, dtype=np.bool_)
        counts = self._counted(windows)
        first, last = (np.where(windows.counts > 0, place, 0) for place in (windows.low, windows.high - 1))
        begin = self._joined("first")[first]
        grown = self._gained(windows, first) if _counts(name) else self._joined("last")[last] - begin
        seen = Seen(counts, self._joined("first_at")[first], self._joined("last_at")[last], begin, grown)
        return extrapolated(seen, windows, GROWTHS[name]), counts >= 2

    def _gained(self, windows: Windows, first: Places) -> Values:
        """What counters gained in the rows of each window and from one to the next: where it is smaller than before, it began again."""
        before, after = self._joined("last")[:-1], self._joined("first")[1:]
        gained = windows.values.copy()
        gained[1:] += np.where(after < before, after, after - before)
        grown: Values = windows.values[first]
        several = windows.counts > 1
        grown[several] += range_sums(gained, windows.low[several] + 1, windows.high[several])
        return grown

    def _counted(self, windows: Windows) -> Places:
        """How many samples the rows of each window have."""
        before = np.concatenate(([0], np.cumsum(self._joined("count"))))
        counts: Places = before[windows.high] - before[windows.low]
        return counts

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
        numbers = self._joined(values).astype(np.float64)
        return Windows(labels, [False] * len(labels), self._joined("start"), numbers, low, high, opens, closes, guard)

    def _joined(self, name: str) -> Any:
        parts = [getattr(column, name) for column in self.found.columns]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)


def _counts(name: str) -> bool:
    return name in GROWTHS and GROWTHS[name].counter


def _is_finite(name: str, column: RolledColumn) -> bool:
    """Whether no number is beyond what can be added up again: a mean then needs the samples, and so does growth to infinity and back."""
    if _COLUMNS.get(name) == "sum":
        return bool(np.isfinite(column.sum).all())
    return not _counts(name) or all(np.isfinite(one).all() for one in (column.increase, column.first, column.last))
