"""Samples: named numbers over time. What the rooms leave there, and how they ask for it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "__name__"
"""The label that holds a metric's name (Prometheus, "Data model")."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of one series at one instant. Names and units follow Prometheus (``_seconds``, ``_bytes``, ``_ratio``)."""

    name: str
    value: float
    at: datetime
    labels: Mapping[str, str] = field(default_factory=dict)


class Samples(Protocol):
    """Where observations leave their numbers."""

    async def append(self, samples: Sequence[Sample]) -> None:
        """Takes a batch. Never waits for a slow disk: what cannot be kept is counted by the store and shown."""
        ...


Operator = Literal["=", "!=", "=~", "!~"]


@dataclass(frozen=True, slots=True)
class Matcher:
    """What a label must be. A label that a series lacks counts as empty; regular expressions are RE2 and match the whole value, as in
    Prometheus ("Querying basics", "Instant vector selectors")."""

    label: str
    operator: Operator
    value: str


@dataclass(frozen=True, slots=True)
class Column:
    """One series over a stretch of time: ``timestamps`` are milliseconds since 1970 in UTC (int64, strictly ascending), ``values`` as many
    float64. A staleness marker is the NaN with the bits 0x7ff0000000000002, as Prometheus writes it."""

    labels: Mapping[str, str]
    timestamps: "NDArray[np.int64]"
    values: "NDArray[np.float64]"


class Select(Protocol):
    """Asks for series as they were sampled."""

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        """Every series that fits all matchers and has a sample from ``start`` to ``end`` (milliseconds since 1970, both included), with
        these samples. Raises Refused where that would be more than the store gives at once."""
        ...
