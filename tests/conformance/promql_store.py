"""A store of samples in memory, for Prometheus' test scripts: numbers are kept, and of native histograms only when there was one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keepwell.ports.samples import NAME, Column, Matcher
from keepwell.rooms.promql.patterns import fits

NATIVE = "native histograms"
STARTS = "start times of counters"


@dataclass(slots=True)
class Kept:
    """One series: its numbers by their instants, the instants of its native histograms (milliseconds),
    and whether it was said when its counter began."""

    labels: dict[str, str]
    numbers: dict[int, float] = field(default_factory=dict)
    histograms: set[int] = field(default_factory=set)
    started: bool = False


class MemoryStore:
    """Series by their labels. ``met`` are the constructs outside the scope that questions have met since it was cleared."""

    def __init__(self) -> None:
        self._series: dict[tuple[tuple[str, str], ...], Kept] = {}
        self.met: set[str] = set()

    def clear(self) -> None:
        """Forgets everything."""
        self._series.clear()

    def series(self, labels: dict[str, str]) -> Kept:
        """The series of these labels, made if there is none."""
        return self._series.setdefault(tuple(sorted(labels.items())), Kept(labels))

    def all(self) -> Sequence[Kept]:
        """Every series."""
        return list(self._series.values())

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        columns = []
        for kept in self._series.values():
            if not all(fits(matcher, kept.labels) for matcher in matchers):
                continue
            if any(start <= at <= end for at in kept.histograms):
                self.met.add(NATIVE)
            if kept.started:
                self.met.add(STARTS)
            at = sorted(at for at in kept.numbers if start <= at <= end)
            if at:
                values = np.array([kept.numbers[one] for one in at], dtype=np.float64)
                columns.append(Column(kept.labels, np.array(at, dtype=np.int64), values))
        return sorted(columns, key=lambda column: sorted(column.labels.items()))


def base_of_histogram(labels: dict[str, str]) -> dict[str, str] | None:
    """The labels of the native histogram that ``load_with_nhcb`` makes of a classic one's series; None where it is no such series."""
    name = labels.get(NAME, "")
    for suffix in ("_bucket", "_count", "_sum"):
        if name.endswith(suffix):
            if suffix == "_bucket" and "le" not in labels:
                return None
            base = {label: value for label, value in labels.items() if label != "le"}
            return {**base, NAME: name.removesuffix(suffix)}
    return None
