"""The words of scraping: what a target is, where it stands, and the store that takes its samples."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from keepwell.ports.http import Request
from keepwell.rooms.samples.admission import Kept
from keepwell.rooms.samples.model import Ids, Instants, Labels, Metric, Values

from .relabel import Rule


class Store(Protocol):
    """What scraping and pushing ask of the store of samples (``work/store.py``)."""

    def identify(self, source: str, labels: Sequence[Labels]) -> Ids:
        """The numbers of series; below zero where one is refused. ``add`` counts the samples of those."""
        ...

    def add(self, source: str, series: Sequence[Labels] | Ids, at: Instants, value: Values) -> Awaitable[Kept]:
        """Takes rows. What became of them comes once they are committed; StorageError where the disk does not take them."""
        ...

    async def describe(self, metrics: Mapping[str, Metric]) -> None:
        """Takes what metrics are."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a page may have: samples after relabelling, labels of a series, bytes of their names and values; 0: any number."""

    samples: int = 0
    labels: int = 0
    name_bytes: int = 0
    value_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """One page that is asked for again and again. ``labels`` are those of each of its series, ``job`` and ``instance`` among them;
    ``every`` seconds, ``request`` with the time limit of all of it."""

    job: str
    labels: Labels
    request: Request
    every: float
    rules: tuple[Rule, ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    bounds: Bounds = Bounds()

    @property
    def key(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What makes it the same target after a change of the configuration: its job, its address and its labels."""
        return self.job, self.request.url, tuple(sorted(self.labels.items()))

    @property
    def source(self) -> str:
        """As what the store counts it."""
        return f"scrape {self.labels.get('job', self.job)} {self.labels.get('instance', self.request.url)}"


class Health(Enum):
    """How the newest scrape went. UNKNOWN: there was none yet, or our own side was at fault."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Scraped:
    """Where a target stands. ``error`` is one sentence, empty where all is well; ``notes`` say what was not kept of its newest page;
    ``duration`` is in seconds, ``samples`` counts the page's, ``series`` what was left of them after relabelling."""

    health: Health = Health.UNKNOWN
    error: str = ""
    at: datetime | None = None
    duration: float = 0.0
    samples: int = 0
    series: int = 0
    notes: tuple[str, ...] = ()
