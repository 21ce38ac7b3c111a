"""Which metrics have new samples, told as soon as these are kept: for whoever would otherwise look again and again. Samples that somebody
waits for are stored sooner."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.model import Ids

from .store import SampleStore

Tell = Callable[[Sequence[str]], None]


class Arrivals:
    """Tells of the metrics that somebody wants to hear of."""

    def __init__(self, store: SampleStore, tell: Tell) -> None:
        self._store = store
        self._tell = tell
        self._wanted: Sequence[str] = ()
        self._table = np.zeros(0, dtype=np.int32)
        self._end = -1
        store.is_urgent = self._is_wanted
        store.on_stored = self._stored

    def want(self, metrics: Collection[str]) -> None:
        """From now on of these metrics."""
        self._wanted = sorted(metrics)
        self._end = -1

    def _is_wanted(self, series: Ids) -> bool:
        return bool(self._wanted) and bool(self._metrics(series).any())

    def _stored(self, series: Ids) -> None:
        if not self._wanted:
            return
        found = np.unique(self._metrics(series))
        names = [self._wanted[number - 1] for number in found.tolist() if number]
        if names:
            self._tell(names)

    def _metrics(self, series: Ids) -> Ids:
        """For each of these series which wanted metric it is of (from 1), or 0."""
        if self._end != self._store.series_end:
            self._read_index()
        return self._table[series]

    def _read_index(self) -> None:
        self._end = self._store.series_end
        self._table = np.zeros(self._end, dtype=np.int32)
        for number, metric in enumerate(self._wanted, 1):
            self._table[self._store.ids([Matcher(NAME, "=", metric)])] = number
