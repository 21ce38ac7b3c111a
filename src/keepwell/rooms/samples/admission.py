"""Which samples are taken: labels that are not monstrous, instants that can be meant, each sample once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import NAME

from .model import Instants, Labels, Rows

FUTURE = "later than ten minutes from now"
OLD = "older than raw samples are kept"
DUPLICATE = "there already is a sample of this series at this instant"
LIMIT = "the limit of series is reached"
LABELS = "labels that are too many, too long or malformed"

LIMITED = -1
"""Stands for a series' number where a limit refuses it."""
UNFIT = -2
"""Stands for a series' number where its labels cannot be kept."""

AHEAD = timedelta(minutes=10)
"""How far a sample's instant may lie in the future: clocks differ."""

MOST_LABELS = 64
LONGEST_NAME = 1024
LONGEST_VALUE = 4096
"""Bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many series are kept: of all sources together, and of one source with a sample in the last day."""

    series: int = 100_000
    per_source: int = 20_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of samples: how many are stored now, and how many were refused for which reason."""

    stored: int
    refused: Mapping[str, int]


def labels_fault(labels: Labels) -> str:
    """Why these labels (without those of empty value) cannot be those of a series, in a few words; empty where they can."""
    if not labels.get(NAME):
        return "no name"
    if len(labels) > MOST_LABELS:
        return f"{len(labels)} labels, where {MOST_LABELS} are the most"
    for name, value in labels.items():
        if fault := _label_fault(name, value):
            return fault
    return ""


def _label_fault(name: str, value: str) -> str:
    try:
        sizes = len(name.encode()), len(value.encode())
    except UnicodeEncodeError:
        return "a label that is not valid UTF-8"
    if not name or sizes[0] > LONGEST_NAME:
        return f"a label's name of {sizes[0]} bytes, where 1 to {LONGEST_NAME} are allowed"
    return f"a label's value of {sizes[1]} bytes, where {LONGEST_VALUE} are the most" if sizes[1] > LONGEST_VALUE else ""


def timely(at: Instants, now: int, keep: timedelta, of: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Which instants can be taken at ``now`` (milliseconds) where raw samples are kept so long, and how many not, by reason. Where ``of``
    is given, only these are looked at; the others are neither taken nor counted.
    """
    future = at > now + AHEAD // timedelta(milliseconds=1)
    old = at < now - keep // timedelta(milliseconds=1)
    taken = ~(future | old)
    if of is not None:
        future, old, taken = future & of, old & of, taken & of
    counts = {FUTURE: int(np.count_nonzero(future)), OLD: int(np.count_nonzero(old))}
    return taken, {reason: count for reason, count in counts.items() if count}


def order(rows: Rows) -> NDArray[np.intp]:
    """The order by (series, at), in which those of one key stay as they came."""
    return np.lexsort((rows.at, rows.series))


def first_of_each(rows: Rows) -> NDArray[np.bool_]:
    """Of rows sorted by (series, at): which are the first of their key. The first wins wherever rows are brought together."""
    first = np.ones(len(rows), np.bool_)
    first[1:] = (rows.series[1:] != rows.series[:-1]) | (rows.at[1:] != rows.at[:-1])
    return first
