"""Whoever answers questions in PromQL: the own store of samples (``own.py``), or another engine over its HTTP API (``remote.py``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from keepwell.ports.samples import Matcher, Select
from keepwell.rooms.promql.model import Result

ALWAYS = (-(1 << 62), 1 << 62)
"""From the beginning of time to its end, in milliseconds."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What whoever asks wishes for one query. None: as usual. ``seconds`` never lengthens what is allowed; ``look_back`` is how long a
    sample stands for its series, in milliseconds."""

    seconds: float | None = None
    look_back: int | None = None


USUAL = Bounds()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Series that fit all matchers of at least one of the selectors (every series where there is none) and have samples from ``start`` to
    ``end`` (milliseconds since 1970, both included). ``texts`` are the selectors as they were written."""

    selectors: Sequence[Sequence[Matcher]] = ()
    texts: Sequence[str] = ()
    start: int = ALWAYS[0]
    end: int = ALWAYS[1]


@dataclass(frozen=True, slots=True)
class Described:
    """What a metric is, in the words of the exposition formats (Prometheus, "Metric types"): ``kind`` is counter, gauge and so on."""

    kind: str = "unknown"
    help: str = ""
    unit: str = ""


class Engine(Protocol):
    """Every verb raises QueryError (its ``kind`` says how), Refused where a store gives no more at once, and AskError or AnswerError where
    another engine could not be asked or gave no usable answer."""

    async def instant(self, text: str, at: int, bounds: Bounds = USUAL) -> Result:
        """The expression's value at one instant (milliseconds since 1970)."""
        ...

    async def range(self, text: str, span: tuple[int, int], step: int, bounds: Bounds = USUAL) -> Result:
        """The expression's values from the start to the end of ``span``, both included, every ``step`` milliseconds."""
        ...

    async def series(self, wanted: Wanted) -> Sequence[Mapping[str, str]]:
        """The labels of these series, ordered by them."""
        ...

    async def label_names(self, wanted: Wanted) -> Sequence[str]:
        """The names of the labels of these series, sorted."""
        ...

    async def label_values(self, name: str, wanted: Wanted) -> Sequence[str]:
        """The values that a label has in these series, sorted."""
        ...

    async def metadata(self) -> Mapping[str, Sequence[Described]]:
        """What metrics are, by the names of their families."""
        ...


class Store(Protocol):
    """What the own store is asked for."""

    @property
    def select(self) -> Select:
        """Asks for series as they were sampled."""
        ...

    async def find(self, matchers: Sequence[Matcher], start: int, end: int) -> Sequence[Mapping[str, str]]:
        """The labels of the series that fit all matchers, but for those that surely have no sample from ``start`` to ``end``."""
        ...

    def label_names(self) -> Sequence[str]:
        """The names of all labels, sorted."""
        ...

    def label_values(self, name: str) -> Sequence[str]:
        """The values that a label has in any series, sorted."""
        ...

    def metadata(self) -> Mapping[str, Described]:
        """What is known of metrics, by the names of their families."""
        ...
