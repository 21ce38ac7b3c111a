"""Quantile bins in about four bits each: bins of a row lie close together and hold few samples.

A row's first bin is kept as it is. Then each bin is one byte: how far it is from the bin before in the upper bits, its weight in the lower
ones; how many bits the weight gets is chosen for all rows at once. What does not fit is a byte 0, and eight bytes of each in ``wide``. The
frequent case of one bin that holds all of the row's samples (a value that did not change) takes no byte.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keepwell.rooms.samples.bins import Bins

_SPLITS = (3, 4, 5, 2)
"""The bits that a weight may get, the usual one first."""

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of packed bins: those of row ``i`` are the bytes ``edges[i]`` to before ``edges[i+1]`` of ``bins``, and pairs (step, weight) of
    ``wide`` from ``wide_edges[i]`` on. ``none`` marks rows without bins."""

    none: NDArray[np.bool_]
    first: NDArray[np.int32]
    bits: int
    edges: Numbers
    bins: Bytes
    wide_edges: Numbers
    wide: NDArray[np.int64]


def pack(bins: Bins, count: Numbers) -> Packed:
    """Packs the bins of rows that hold ``count`` samples each."""
    lengths = np.diff(bins.edges)
    filled = np.flatnonzero(lengths > 0)
    heads = bins.edges[:-1][filled]
    first = np.zeros(len(lengths), np.int32)
    first[filled] = bins.bin[heads]
    step = np.diff(bins.bin.astype(np.int64), prepend=0)
    step[heads] = 1
    alone = lengths == 1
    alone[alone] = bins.weight[bins.edges[:-1][alone]] == count[alone]
    kept = np.repeat(~alone, lengths)
    step, weight = step[kept], bins.weight[kept]
    bits = min(_SPLITS, key=lambda one: int(np.count_nonzero(_too_wide(step, weight, one))))
    wide = _too_wide(step, weight, bits)
    row = np.repeat(np.arange(len(lengths)), lengths)[kept]
    return Packed(
        none=lengths == 0,
        first=first,
        bits=bits,
        edges=_edges(np.where(alone, 0, lengths)),
        bins=np.where(wide, 0, (step << bits) | weight).astype(np.uint8),
        wide_edges=_edges(np.bincount(row[wide], minlength=len(lengths))),
        wide=np.stack([step[wide], weight[wide]], axis=1),
    )


def unpack(packed: Packed, count: Numbers) -> Bins:
    """The bins again. Raises ValueError where the parts do not fit each other."""
    lengths = np.diff(packed.edges)
    escaped = packed.bins == 0
    if int(np.count_nonzero(escaped)) != len(packed.wide):
        raise ValueError("bins and wide bins do not fit")
    step = (packed.bins >> packed.bits).astype(np.int64)
    weight = (packed.bins & ((1 << packed.bits) - 1)).astype(np.int64)
    step[escaped], weight[escaped] = packed.wide[:, 0], packed.wide[:, 1]
    alone = ~packed.none & (lengths == 0)
    held = np.where(alone, 1, lengths)
    edges = _edges(held)
    steps, weights = np.zeros(edges[-1], np.int64), np.zeros(edges[-1], np.int64)
    written = np.repeat(~alone, held)
    steps[written], weights[written] = step, weight
    weights[edges[:-1][alone]] = count[alone]
    filled = held > 0
    heads = edges[:-1][filled]
    steps[heads] = 0
    walked = np.cumsum(steps)
    base = packed.first[filled] - walked[heads]
    numbers = walked + np.repeat(base, held[filled])
    return Bins(edges, numbers.astype(np.int32), weights)


def _too_wide(step: Numbers, weight: Numbers, bits: int) -> NDArray[np.bool_]:
    return (weight >= 1 << bits) | (step >= 1 << (8 - bits)) | (step < 1)


def _edges(lengths: Numbers) -> Numbers:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
