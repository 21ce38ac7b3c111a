"""Samples for the benchmark of PromQL, the same for every store: 200 counters, latencies and buckets of histograms every ten seconds, and a
few gauges and counters every minute over a month."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.samples_load import STEP, Chunk, Load, labels

HOUR, DAY = 3_600_000, 86_400_000

APART = 3_217
"""Milliseconds by which samples lie beside the edges of windows and steps, where Debian's Prometheus and Prometheus 3 differ."""

SERIES = 200
HOURS = 26
DAYS = 30
QUEUES = 20
MINUTE = 60_000
DEPTH, DONE, BUCKET = "queue_depth", "queue_done_total", "http_took_seconds_bucket"

_BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "5", "+Inf")


@dataclass(frozen=True, slots=True)
class Part:
    """Series and some of their samples."""

    names: list[dict[str, str]]
    chunk: Chunk


class Source:
    """All samples up to ``last`` (milliseconds since 1970), in order of time."""

    def __init__(self, last: int) -> None:
        self.last = last
        self._random = np.random.default_rng(7)
        self._load = Load(4 * SERIES)
        self._asked = slice(2 * SERIES, 4 * SERIES)  # without the settings, which no question asks for
        self.dense = labels(4 * SERIES)[self._asked]
        hosts = SERIES // len(_BOUNDS)
        self.buckets = [{"__name__": BUCKET, "instance": f"host-{host}:8080", "le": bound} for host in range(hosts) for bound in _BOUNDS]
        self.queues = [{"__name__": name, "queue": f"queue-{number}"} for name in (DEPTH, DONE) for number in range(QUEUES)]
        self._held = np.zeros((hosts, len(_BOUNDS)))
        self._depth, self._done = np.full(QUEUES, 100.0), np.zeros(QUEUES)

    def parts(self) -> Iterator[Part]:
        """An hour after the other."""
        for start in range(self.last - DAYS * DAY, self.last, HOUR):
            yield Part(self.queues, self._thin(start))
            if start >= self.last - HOURS * HOUR:
                chunk = self._load.chunk(start + APART, HOUR // STEP)
                yield Part(self.dense, Chunk(chunk.at, chunk.values[:, self._asked]))
                yield Part(self.buckets, self._histograms(start))

    def _thin(self, start: int) -> Chunk:
        shape = (HOUR // MINUTE, QUEUES)
        depths = np.abs(self._depth + np.cumsum(np.round(self._random.normal(0, 3, shape)), axis=0))
        self._done[self._random.random(QUEUES) < 0.02] = 0.0  # begun again
        done = self._done + np.cumsum(self._random.poisson(20.0, shape), axis=0)
        self._depth, self._done = depths[-1], done[-1]
        at = start + APART + MINUTE * np.arange(HOUR // MINUTE, dtype=np.int64)
        return Chunk(at, np.concatenate((depths, done), axis=1))

    def _histograms(self, start: int) -> Chunk:
        steps, shape = HOUR // STEP, self._held.shape
        gained = np.cumsum(self._random.poisson(3.0, (steps, *shape)), axis=2)  # a bucket counts what the smaller ones count
        held = self._held + np.cumsum(gained, axis=0)
        self._held = held[-1]
        return Chunk(start + APART + STEP * np.arange(steps, dtype=np.int64), held.reshape(steps, -1))
