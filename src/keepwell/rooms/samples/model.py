"""The words of samples: rows of numbers, what a stretch of time is rolled up to, and the tiers in which both are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import STALE_BITS

Ids = NDArray[np.int32]
"""Numbers of series, as the index gives them."""

Instants = NDArray[np.int64]
"""Milliseconds since 1970 in UTC."""

Values = NDArray[np.float64]

HOUR = 3_600_000
"""Milliseconds."""
DAY = 24 * HOUR

STALE = np.uint64(STALE_BITS).view(np.float64)
"""The staleness marker as a number."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Samples as three columns of one length, in any order unless it is said: ``series``, ``at``, ``value``."""

    series: Ids
    at: Instants
    value: Values

    def __len__(self) -> int:
        return len(self.at)


class Tier(Enum):
    """How finely samples are kept. The value is the name of the folder and the key below ``samples.keep``."""

    RAW = "raw"
    FIVE_MINUTES = "5m"
    HOUR = "1h"

    @property
    def step(self) -> int:
        """Milliseconds that one row covers; 0 where every sample is a row."""
        return {Tier.RAW: 0, Tier.FIVE_MINUTES: 300_000, Tier.HOUR: HOUR}[self]


@dataclass(frozen=True, slots=True)
class Rolled:
    """Stretches of time of series: one row each, sorted by (series, start), all columns of one length.

    Staleness markers and other NaN are left out; ``count`` is of the numbers. ``increase`` is what a counter gained from its first to its
    last sample of the row, where a smaller value than the one before means that it began again at zero (Prometheus, ``increase``); what
    it gained from one row to the next follows from ``last`` and the next ``first``. The quantile bins (``bins.py``) of row ``i``
    are ``bin[edges[i]:edges[i+1]]`` with ``weight`` samples each; a counter has none.
    """

    series: Ids
    start: Instants
    count: NDArray[np.int64]
    sum: Values
    minimum: Values
    maximum: Values
    first: Values
    last: Values
    first_at: Instants
    last_at: Instants
    increase: Values
    edges: NDArray[np.int64]
    bin: NDArray[np.int32]
    weight: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each tier is kept."""

    raw: timedelta = timedelta(days=15)
    five_minutes: timedelta = timedelta(days=90)
    hour: timedelta = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is, as its exposition says: ``kind`` is counter, gauge, histogram, summary, info, stateset or unknown."""

    kind: str = "unknown"
    help: str = ""
    unit: str = ""


Labels = Mapping[str, str]
"""The labels of one series, its metric's name under ``__name__``."""
