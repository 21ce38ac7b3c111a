"""What a compaction takes from the log: the batches of one hour as they were when it began, labels, and what is known of metrics."""

import json
from collections.abc import Iterator, Mapping
from functools import cached_property

from keepwell.rooms.samples.log import Batch, Log
from keepwell.rooms.samples.model import Ids, Labels, Metric


class Source:
    """Reads one hour of the log. Batches that come after it has read it once are not its own: they are for the next time."""

    def __init__(self, log: Log, hour: int) -> None:
        self._log = log
        self._hour = hour
        self._ids: frozenset[int] | None = None

    def batches(self) -> Iterator[Batch]:
        """The batches, in the order in which they were stored. May be asked several times, the first time to its end."""
        seen: list[int] = []
        for batch in self._log.batches(self._hour):
            if self._ids is None or batch.id in self._ids:
                seen.append(batch.id)
                yield batch
        self._ids = frozenset(seen)

    def labels(self, ids: Ids, known: Mapping[int, Labels]) -> dict[int, Labels]:
        """The labels of these series; those that the log does not know as they were ``known``."""
        wanted = set(ids.tolist())
        logged = {number: json.loads(labels) for number, labels, _, _ in self._log.series() if number in wanted}
        return {number: labels for number, labels in known.items() if number in wanted} | logged

    def metrics(self) -> Mapping[str, Metric]:
        """What is known of metrics, by name."""
        return self._metrics

    @cached_property
    def _metrics(self) -> Mapping[str, Metric]:
        return self._log.metrics()
