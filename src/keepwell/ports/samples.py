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

STALE_BITS = 0x7FF0000000000002
"""The bits of the NaN by which Prometheus marks that a series has ended (prometheus/model/value: StaleNaN)."""


def is_stale(values: "NDArray[np.float64]") -> "NDArray[np.bool_]":
    """Which of them are staleness markers; an ordinary NaN is none."""
    marked: NDArray[np.bool_] = values.view("uint64") == STALE_BITS
    return marked


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
    float64. A staleness marker is the NaN with the bits ``STALE_BITS``, as Prometheus writes it."""

    labels: Mapping[str, str]
    timestamps: "NDArray[np.int64]"
    values: "NDArray[np.float64]"


class Select(Protocol):
    """Asks for series as they were sampled."""

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Column]:
        """Every series that fits all matchers and has a sample from ``start`` to ``end`` (milliseconds since 1970, both included), with
        these samples. Raises Refused where that would be more than the store gives at once."""
        ...


@dataclass(frozen=True, slots=True)
class RolledColumn:
    """One series in rows of a stretch of time each, all columns of one length: ``start`` is where a row begins (ascending), ``count`` how
    many samples it has, ``first_at`` and ``last_at`` when the first and the last of them were taken (milliseconds since 1970),
    ``increase`` what a counter gained from the first to the last (NaN where the series was no counter); a smaller value than the one before
    means that it began again at zero. NaN and staleness markers are left out."""

    labels: Mapping[str, str]
    start: "NDArray[np.int64]"
    count: "NDArray[np.int64]"
    sum: "NDArray[np.float64]"
    minimum: "NDArray[np.float64]"
    maximum: "NDArray[np.float64]"
    first: "NDArray[np.float64]"
    last: "NDArray[np.float64]"
    first_at: "NDArray[np.int64]"
    last_at: "NDArray[np.int64]"
    increase: "NDArray[np.float64]"


@dataclass(frozen=True, slots=True)
class RolledUp:
    """Series in rows that cover ``step`` milliseconds. ``gone`` says in words that samples themselves are not kept any more ("" where they
    are); ``exact`` whether the rows leave out nothing but staleness markers and are no longer than was asked."""

    step: int
    columns: Sequence[RolledColumn]
    gone: str = ""
    exact: bool = True


class SelectRolled(Protocol):
    """Asks for series as they were rolled up; what a store may offer beside ``Select``."""

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int, unit: int) -> RolledUp | None:
        """Every series that fits all matchers, in rows that begin from ``start`` to ``end`` (both included) and whose length divides
        ``unit``. None where samples themselves answer as well."""
        ...
