"""The words of transfer: where samples are read from and where they go, batches on their way, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from keepwell.ports.samples import Matcher
from keepwell.rooms.samples.model import Ids, Instants, Labels, Metric, Rows, Values


class Format(Enum):
    """What samples are written as; the value is the word in commands and addresses."""

    CSV = "csv"
    OPENMETRICS = "openmetrics"
    PARQUET = "parquet"

    @property
    def media_type(self) -> str:
        """The content type (RFC 4180; OpenMetrics 1.0, "Protocol Negotiation"; IANA, "application/vnd.apache.parquet")."""
        return {
            Format.CSV: "text/csv; charset=utf-8; header=present",
            Format.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Format.PARQUET: "application/vnd.apache.parquet",
        }[self]

    @property
    def suffix(self) -> str:
        """How names of such files end."""
        return {Format.CSV: "csv", Format.OPENMETRICS: "om", Format.PARQUET: "parquet"}[self]


@dataclass(frozen=True, slots=True)
class Series:
    """A series as an export sees it: its number in the source, and its labels with the name."""

    number: int
    labels: Labels


class Source(Protocol):
    """Where an export reads."""

    async def series(self, matchers: Sequence[Matcher]) -> Sequence[Series]:
        """The series that fit, in any order, with or without samples."""
        ...

    async def span(self) -> tuple[int, int] | None:
        """Before the first and behind the second instant (milliseconds) there are no samples at all; None where there are none."""
        ...

    async def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """The samples of these series (ascending) from ``start`` to ``end`` (milliseconds, both included), sorted by (series, at)."""
        ...

    def metric(self, name: str) -> Metric | None:
        """What is known of the family of that name."""
        ...


@dataclass(frozen=True, slots=True)
class Batch:
    """Samples on their way in: ``series`` are positions in all that the reader has named so far, ``line`` the line of each sample."""

    series: Ids
    at: Instants
    value: Values
    line: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: how many of its samples are stored now, which positions were refused for which reason, and how many the
    store had already where it could tell."""

    stored: int
    refused: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    known: int = 0


class Sink(Protocol):
    """Where an import writes. What ``take`` has said to be stored survives a crash."""

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Keeps what families of metrics are."""
        ...

    async def take(self, named: Sequence[Labels], batch: Batch) -> Taken:
        """Stores a batch; ``named`` are all series that the reader has named so far. Raises KeepwellError where nothing of it was taken."""
        ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with one line of a file, in one sentence; ``text`` is the line, cut where it is long."""

    line: int
    reason: str
    text: bytes = b""
