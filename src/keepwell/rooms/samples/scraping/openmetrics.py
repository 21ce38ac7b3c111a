"""OpenMetrics 1.0 (its specification, "Text Format"), block by block.

A block is some lines of metadata and the samples below them. What prometheus_client checks in it (order, grouping, suffixes, buckets)
depends on the text in front of the values, except for a few comparisons of the values themselves. So a block whose text was read once is
known from then on: its values are read, and these comparisons are made again (``values.py``). A block that is new, or has instants or
exemplars, goes through the library; a page in which anything is wrong goes through it as a whole, so that the library alone says what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from keepwell.rooms.samples.model import Metric

from .lines import (
    LONGEST_HELP,
    NO_TIME,
    NUMBER,
    NUMBERS,
    Page,
    PageError,
    Slots,
    families_of,
    labels_of,
    milliseconds,
    monstrous,
    number_of,
    same,
)
from .values import Comparisons, comparisons_of, names_taken

END = "# EOF"


@dataclass(frozen=True, slots=True)
class _Block:
    """A block as it is known: the slots of its samples in order, what is compared, the names that it takes, its metadata."""

    slots: tuple[int, ...]
    compared: Comparisons
    names: frozenset[str]
    metrics: dict[str, Metric]


@dataclass(slots=True)
class _Rows:
    """Rows being put together, and what must hold of their values."""

    slot: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    compared: list[tuple[int, Comparisons]] = field(default_factory=list)
    names: list[frozenset[str]] = field(default_factory=list)
    metrics: dict[str, Metric] = field(default_factory=dict)
    histograms: int = 0
    known: bool = True


class _Anew(Exception):
    """The page goes through the library as a whole."""


class OpenMetricsReader:
    """Reads the pages of one target."""

    def __init__(self) -> None:
        self.slots = Slots()
        self._blocks: dict[tuple[str, ...], _Block] = {}
        self._heads: list[str] = []
        self._slot: NDArray[np.int32] = np.empty(0, np.int32)
        self._compared = Comparisons()
        self._metrics: dict[str, Metric] = {}

    def read(self, text: str) -> Page:
        """The rows of a page. Raises PageError with the line at which the library stopped."""
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        left_out = monstrous(lines)
        for position in reversed(left_out):
            del lines[position]
        try:
            page = self._read(lines)
        except PageError as error:
            raise _located(error, left_out) from None
        return replace(page, monstrous=len(left_out)) if left_out else page

    def _read(self, lines: list[str]) -> Page:
        try:
            if lines and lines[-1] == END:
                return self._known(lines)
        except _Anew:
            pass
        return self._page(_of_families(families_of(text_fd_to_metric_families, lines), self.slots))

    def keep(self, kept: NDArray[np.int64]) -> None:
        """Forgets all slots but these; see Slots. Blocks are read anew by the library once."""
        self.slots.keep(kept)
        self._blocks, self._heads = {}, []

    def _known(self, lines: list[str]) -> Page:
        """The rows by what is known. Raises _Anew where the library must look at the whole page."""
        parts = [(line, "", "") if line[:1] == "#" else line.rpartition(" ") for line in lines[:-1]]
        heads = [part[0] for part in parts]
        if heads != self._heads:
            return self._page(self._by_blocks(lines, heads, [part[2] for part in parts]))
        value = _values([part[2] for part in parts if part[1]])
        if not self._compared.hold(value):
            raise _Anew
        return Page(self._slot, value, None, {}, {})

    def _page(self, rows: _Rows) -> Page:
        changed = {name: metric for name, metric in rows.metrics.items() if self._metrics.get(name) != metric}
        if len(self._metrics) > 2 * len(rows.metrics) + 1000:
            self._metrics.clear()  # a page whose metrics have other names each time
        self._metrics |= changed
        at = np.array(rows.at, dtype=np.int64)
        slot = np.array(rows.slot, dtype=np.int32)
        value = np.array(rows.value, dtype=np.float64)
        return Page(slot, value, at if (at != NO_TIME).any() else None, self.slots.take_fresh(), changed, rows.histograms)

    def _by_blocks(self, lines: list[str], heads: list[str], tails: list[str]) -> _Rows:
        rows = _Rows()
        blocks: dict[tuple[str, ...], _Block] = {}
        for start, end in _bounds(heads):
            key = tuple(heads[start:end])
            block = self._blocks.get(key) or self._learn(lines[start:end], rows)
            if block is not None:
                blocks[key] = block
                _add(rows, block, _values([tail for tail, head in zip(tails[start:end], key, strict=True) if head[:1] != "#"]))
        if sum(map(len, rows.names)) != len(frozenset().union(*rows.names)):
            raise _Anew  # a name is taken twice: the library says which
        compared = Comparisons.joined(rows.compared)
        if not compared.hold(np.array(rows.value, dtype=np.float64)):
            raise _Anew
        self._blocks = blocks
        if rows.known:
            self._heads, self._compared = heads, compared
            self._slot = np.array(rows.slot, dtype=np.int32)
        return rows

    def _learn(self, lines: list[str], rows: _Rows) -> _Block | None:
        """The block that the library makes of these lines; None where it is not to be remembered, and its rows are added here."""
        try:
            families = families_of(text_fd_to_metric_families, [*lines, END])
        except PageError:
            raise _Anew from None
        samples = [sample for family in families for sample in family.samples]
        written = [line for line in lines if line[:1] != "#"]
        names = frozenset(name for family in families for name in names_taken(family))
        if sum(len(names_taken(family)) for family in families) != len(names):
            raise _Anew
        if len(samples) == len(written) and all(_plain(line, sample) for line, sample in zip(written, samples, strict=True)):
            slots = tuple(self.slots.add(line.rpartition(" ")[0], labels_of(sample)) for line, sample in zip(written, samples, strict=True))
            return _Block(slots, comparisons_of(families), names, _described(families))
        rows.known = False
        rows.names.append(names)
        _add_families(rows, families, self.slots)
        return None


def _located(error: PageError, left_out: Sequence[int]) -> PageError:
    """The error with its line as the page counts it, with those that were left out."""
    line = error.line
    for position in left_out if line else ():
        line += position < line
    return PageError(line, error.why)


def _bounds(heads: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Where each block begins and ends."""
    starts = [position for position, head in enumerate(heads) if position == 0 or (head[:1] == "#" and heads[position - 1][:1] != "#")]
    return pairwise([*starts, len(heads)]) if starts else ()


def _values(tails: Sequence[str]) -> NDArray[np.float64]:
    """The values. Raises _Anew where one of them is odd."""
    if not NUMBERS.fullmatch("".join(tails)):
        raise _Anew
    try:
        value = np.fromiter(map(float, tails), np.float64, len(tails))
    except ValueError:
        raise _Anew from None
    if any(len(tails[position]) > 300 for position in np.flatnonzero(np.isinf(value)).tolist()):
        raise _Anew  # more digits than a float holds
    return value


def _plain(line: str, sample: Any) -> bool:
    """Whether the library took this line for a series and its value, and nothing more."""
    head, _, tail = line.rpartition(" ")
    if not head or sample.timestamp is not None or sample.exemplar is not None or sample.native_histogram is not None:
        return False
    return bool(NUMBER.fullmatch(tail)) and len(tail) <= 300 and same(float(tail), number_of(sample.value))


def _add(rows: _Rows, block: _Block, value: NDArray[np.float64]) -> None:
    rows.compared.append((len(rows.slot), block.compared))
    rows.slot.extend(block.slots)
    rows.value.extend(value.tolist())
    rows.at.extend([NO_TIME] * len(block.slots))
    rows.names.append(block.names)
    rows.metrics |= block.metrics


def _add_families(rows: _Rows, families: Sequence[Any], slots: Slots) -> None:
    rows.metrics |= _described(families)
    for sample in (sample for family in families for sample in family.samples):
        if sample.value is None:
            rows.histograms += 1
            continue
        try:
            value = number_of(sample.value)
            at = NO_TIME if sample.timestamp is None else milliseconds(sample.timestamp)
        except (OverflowError, ValueError):
            raise PageError(0, f"a value or an instant of {sample.name} is beyond what can be counted") from None
        rows.slot.append(slots.of_labels(labels_of(sample)))
        rows.value.append(value)
        rows.at.append(at)


def _of_families(families: Sequence[Any], slots: Slots) -> _Rows:
    rows = _Rows(known=False)
    _add_families(rows, families, slots)
    return rows


def _described(families: Sequence[Any]) -> dict[str, Metric]:
    """The metadata by the name that the series have, where a family's series have one name; else by the family's."""
    suffixes = {"counter": "_total", "info": "_info"}
    return {
        family.name + suffixes.get(family.type, ""): Metric(family.type, family.documentation[:LONGEST_HELP], family.unit)
        for family in families
        if family.type != "unknown" or family.documentation or family.unit
    }
