"""Hours of samples for tests: a folder with a log, and what a plain dictionary says must be in it."""

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from keepwell.rooms.samples.files.child import work
from keepwell.rooms.samples.files.layout import Layout
from keepwell.rooms.samples.files.parquet import Point, nothing
from keepwell.rooms.samples.files.reading import Files
from keepwell.rooms.samples.index import canonical
from keepwell.rooms.samples.log import Log
from keepwell.rooms.samples.model import DAY, HOUR, STALE, Labels, Metric, Rolled, Rows, Tier
from keepwell.rooms.samples.rollup import roll

MIDNIGHT = 1_795_305_600_000  # 2026-11-22T00:00Z
NAMES = ("requests_total", "temperature_celsius", "latency_seconds", "queue")
COUNTERS = np.array([0], np.int32)
LABELS: Mapping[int, Labels] = {number: {"__name__": name, "host": "one"} for number, name in enumerate(NAMES)}

Sampled = tuple[int, int, float]
"""Series, milliseconds since 1970, value."""


def rows_of(samples: Iterable[Sampled]) -> Rows:
    """Columns in the given order."""
    listed = list(samples)
    return Rows(
        np.array([series for series, _, _ in listed], np.int32),
        np.array([at for _, at, _ in listed], np.int64),
        np.array([value for _, _, value in listed], np.float64),
    )


def sorted_rows(samples: Iterable[Sampled]) -> Rows:
    """Sorted by (series, at), the first of each."""
    once: dict[tuple[int, int], float] = {}
    for series, at, value in samples:
        once.setdefault((series, at), value)
    return rows_of((series, at, once[series, at]) for series, at in sorted(once))


def an_hour(hour: int, every: int = 10_000, first: int = 0) -> list[Sampled]:
    """Four series: a counter that begins again once, a constant with gaps of NaN and staleness, noise, and whole numbers with
    zeros, negatives and infinities."""
    chance = np.random.default_rng(hour // HOUR)
    strange = (math.nan, float(STALE), -0.0, math.inf, -math.inf, 0.0, -5.0)
    samples: list[Sampled] = []
    for place, at in enumerate(range(hour + first, hour + HOUR, every)):
        samples.append((0, at, float(place % 200 * 3)))
        samples.append((1, at, strange[place % 2] if place % 50 == 7 else 21.5))
        samples.append((2, at, float(chance.lognormal(-3, 0.4))))
        samples.append((3, at, strange[place % 7] if place % 31 == 0 else float(place % 9)))
    return samples


def bits(rows: Rows) -> list[tuple[int, int, bytes]]:
    """Rows so that two NaN are equal only where their bits are, and 0 is not -0."""
    return [
        (series, at, struct.pack("<d", value))
        for series, at, value in zip(rows.series.tolist(), rows.at.tolist(), rows.value.tolist(), strict=True)
    ]


def rolled_list(rolled: Rolled) -> list[tuple[object, ...]]:
    """Roll-ups as comparable rows; sums and increases to twelve digits."""
    found: list[tuple[object, ...]] = []
    for place in range(len(rolled)):
        held = slice(int(rolled.edges[place]), int(rolled.edges[place + 1]))
        numbers = tuple(
            float(getattr(rolled, name)[place]) for name in ("count", "minimum", "maximum", "first", "last", "first_at", "last_at")
        )
        sums = tuple(f"{float(getattr(rolled, name)[place]):.11g}" for name in ("sum", "increase"))
        bins = tuple(zip(rolled.bin[held].tolist(), rolled.weight[held].tolist(), strict=True))
        found.append((int(rolled.series[place]), int(rolled.start[place]), *numbers, *sums, bins))
    return found


@dataclass(slots=True)
class Folder:
    """A folder of samples with its log, and what was put into it: the first of each (series, at)."""

    path: Path
    point: Point = nothing
    put: dict[tuple[int, int], float] = field(default_factory=dict)

    def begin(self) -> None:
        """As at a server's start."""
        self.path.mkdir(exist_ok=True)
        Layout(self.path).begin()
        with_log = self.log()
        known = {number for number, *_ in with_log.series()}
        if not known:
            with_log.append([], [(number, canonical(labels), "test") for number, labels in LABELS.items()])
            with_log.describe({"requests_total": Metric("counter")})
        with_log.close()

    @property
    def log_path(self) -> Path:
        """The log."""
        return self.path / "samples.sqlite"

    def log(self) -> Log:
        """Opened to write."""
        return Log.open(self.log_path, self.point)

    @property
    def files(self) -> Files:
        """Opened anew: nothing is remembered."""
        return Files(self.path)

    def append(self, samples: Sequence[Sampled], batch: int = 100) -> None:
        """Puts samples of one hour into the log."""
        log = self.log()
        log.append([rows_of(samples[first : first + batch]) for first in range(0, len(samples), batch)])
        log.close()
        for series, at, value in samples:
            self.put.setdefault((series, at), value)

    def compact(self, hour: int) -> dict[str, object]:
        """What the upkeep does: files first, then the log forgets."""
        done = work("compact", self.path, self.log_path, hour, self.point)
        log = self.log()
        log.forget(done["batches"])
        log.close()
        return done

    def merge(self, day: int) -> dict[str, object]:
        """Merges a day."""
        return work("merge", self.path, self.log_path, day, self.point)

    def stored(self) -> Rows:
        """What files and log hold together: sorted, the first of each, files before the log."""
        found = self.files.rows(None, 0, 2**60)
        log = self.log()
        logged = [log.rows_of_hour(hour)[0] for hour in log.used_hours()]
        log.close()
        parts = [found, *logged]
        return sorted_rows(
            sample for part in parts for sample in zip(part.series.tolist(), part.at.tolist(), part.value.tolist(), strict=True)
        )

    def rolled(self, tier: Tier) -> Rolled:
        """All roll-ups of a tier."""
        return self.files.rolled(tier, None, 0, 2**60)

    def expected(self) -> Rows:
        """What must be stored."""
        return sorted_rows((series, at, value) for (series, at), value in self.put.items())

    def expected_rolled(self, tier: Tier) -> Rolled:
        """What must be rolled up, once all is in files."""
        return roll(self.expected(), tier.step, COUNTERS)


def day_of(instant: int) -> int:
    """The day's start."""
    return instant - instant % DAY
