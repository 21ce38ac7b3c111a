"""What OpenMetrics wants of the values of a metric family, as prometheus_client checks it, as comparisons over whole columns.

Everything else that it checks depends on names and labels alone. A comparison that fails means only that the library must look at the page.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EXACT = 2.0**53
"""Whole numbers beyond it are compared by the library, which has them exactly."""

_SUFFIXES = {
    "counter": ("_total", "_created"),
    "summary": ("", "_count", "_sum", "_created"),
    "histogram": ("_count", "_sum", "_bucket", "_created"),
    "gaugehistogram": ("_gcount", "_gsum", "_bucket"),
    "info": ("_info",),
}
_WHOLE = ("_bucket", "_count", "_gcount")
_COUNTED = ("_total", "_sum", "_count", "_bucket", "_gcount")

_Positions = NDArray[np.int64]


def _none() -> _Positions:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Positions of values that must be whole; numbers at all; not below zero (not-a-number passes); 0 or 1; 1; of pairs ``rising`` (the
    second not below the first) and ``equal`` (in turn: first, second, first, second ...)."""

    whole: _Positions = field(default_factory=_none)
    numbers: _Positions = field(default_factory=_none)
    natural: _Positions = field(default_factory=_none)
    states: _Positions = field(default_factory=_none)
    ones: _Positions = field(default_factory=_none)
    rising: _Positions = field(default_factory=_none)
    equal: _Positions = field(default_factory=_none)

    @staticmethod
    def joined(parts: Sequence[tuple[int, "Comparisons"]]) -> "Comparisons":
        """Those of several blocks, each with the position of its first value."""
        columns = (
            np.concatenate([getattr(one, name.name) + start for start, one in parts]) if parts else _none() for name in fields(Comparisons)
        )
        return Comparisons(*columns)

    def hold(self, value: NDArray[np.float64]) -> bool:
        """Whether all of it is so."""
        whole, states, rising, equal = (value[at] for at in (self.whole, self.states, self.rising, self.equal))
        ordered = np.concatenate((rising, equal))
        return bool(
            np.all(np.isfinite(whole) & (np.floor(whole) == whole))
            and not np.isnan(value[self.numbers]).any()
            and not (value[self.natural] < 0).any()
            and np.all((states == 0) | (states == 1))
            and np.all(value[self.ones] == 1)
            and np.all(np.abs(ordered) < _EXACT)
            and np.all(rising[0::2] <= rising[1::2])
            and np.all(equal[0::2] == equal[1::2])
        )


def names_taken(family: Any) -> frozenset[str]:
    """The names of samples that no other family may have beside this one."""
    return frozenset(family.name + suffix for suffix in (*_SUFFIXES.get(family.type, ()), ""))


def comparisons_of(families: Sequence[Any]) -> Comparisons:
    """What must hold of the values of these families' samples, by their position among all of them."""
    found: dict[str, list[int]] = {name.name: [] for name in fields(Comparisons)}
    position = 0
    for family in families:
        for sample in family.samples:
            for kind in _wanted(family, sample):
                found[kind].append(position)
            position += 1
        if family.type in ("histogram", "gaugehistogram"):
            for kind, positions in _of_buckets(family, position - len(family.samples)):
                found[kind] += positions
    return Comparisons(*(np.array(found[name.name], dtype=np.int64) for name in fields(Comparisons)))


def _wanted(family: Any, sample: Any) -> Iterator[str]:
    suffix = sample.name[len(family.name) :]
    if suffix in _WHOLE:
        yield "whole"
    if suffix in (*_COUNTED, "_gsum"):
        yield "numbers"
    if suffix in _COUNTED or (family.type == "summary" and not suffix):
        yield "natural"
    if family.type == "stateset":
        yield "states"
    if family.type == "info":
        yield "ones"


def _of_buckets(family: Any, start: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Buckets that follow each other, and the last with the count; a sum below zero needs buckets below zero."""
    groups: dict[tuple[Any, ...], list[tuple[str, int, Any]]] = {}
    for position, sample in enumerate(family.samples, start):
        labels = {name: value for name, value in sample.labels.items() if name != "le" or not sample.name.endswith("_bucket")}
        groups.setdefault(tuple(sorted(labels.items())), []).append((sample.name[len(family.name) :], position, sample))
    for group in groups.values():
        buckets = [position for suffix, position, _ in group if suffix == "_bucket"]
        counts = [position for suffix, position, _ in group if suffix in ("_count", "_gcount")]
        yield from (("rising", pair) for pair in pairwise(buckets))
        if buckets and counts:
            yield "equal", (buckets[-1], counts[-1])
        if not any(float(sample.labels["le"]) < 0 for suffix, _, sample in group if suffix == "_bucket"):
            yield "natural", tuple(position for suffix, position, _ in group if suffix == "_gsum")
