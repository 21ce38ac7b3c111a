"""What reading the two text formats shares: series by the text in front of their value, and prometheus_client's parsers with the line at
which they stop."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keepwell.kernel.quoting import quoted
from keepwell.ports.samples import NAME
from keepwell.rooms.samples.model import Instants, Metric, Values

NO_TIME = np.iinfo(np.int64).min
"""Stands for the instant of a line that states none."""

FAR = 2**62
"""Stands for any instant that is farther away."""

LONGEST_LINE = 16 * 1024
"""Characters of a line. The library looks at a label's value once for each quotation mark in it, so that a longer one costs seconds."""

NUMBER = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?|[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[+-]?[nN][aA][nN]"
)
"""A value as both formats write it, and nothing that only ``float`` takes (white space, underscores, other digits)."""
NUMBERS = re.compile(r"[0-9.eE+naNfIiFtyTYA-]*")
"""Every character of such values: what ``float`` takes of these characters alone, NUMBER takes."""

MOST_LINES = 100_000
"""Lines of a page. A new one takes about 20 microseconds to be read, and a kilobyte of memory until the store has its series."""

LONGEST_HELP = 1000
"""Characters that are kept of what a metric is said to be."""

_SHOWN = 80
_ERRORS = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)
"""What the library raises at a text that is none."""

Labels = Mapping[str, str]


class PageError(ValueError):
    """A page that cannot be read: ``line`` counts from 1 (0 where it is about the whole page), ``why`` is a clause."""

    def __init__(self, line: int, why: str) -> None:
        self.line = line
        self.why = why
        super().__init__(f"line {line}: {why}" if line else why)


@dataclass(frozen=True, slots=True)
class Page:
    """What one page says. ``slot`` numbers the series of each row within the reader, in the order of the page; ``at`` are milliseconds
    since 1970, NO_TIME for a row without an instant, and None where no row has one. ``fresh`` are the labels of the slots that were not
    seen before (the name under ``__name__``, no label with an empty value), ``metrics`` what is new or changed of the metadata.
    ``histograms`` counts native histograms, which are no numbers, and ``monstrous`` lines beyond LONGEST_LINE: both are left out."""

    slot: NDArray[np.int32]
    value: Values
    at: Instants | None
    fresh: Mapping[int, Labels]
    metrics: Mapping[str, Metric]
    histograms: int = 0
    monstrous: int = 0

    def __len__(self) -> int:
        return len(self.slot)


class Slots:
    """Numbers for series: by the text in front of a value, or by the labels where that text cannot be trusted."""

    def __init__(self) -> None:
        self.by_key: dict[object, int] = {}
        self.fresh: dict[int, Labels] = {}
        self.count = 0

    def add(self, key: object, labels: Labels) -> int:
        """The number of the series that is known by this key from now on."""
        known = self.by_key.get(key)
        if known is not None:
            return known
        slot = self.by_key[key] = self.count
        self.fresh[slot] = labels
        self.count += 1
        return slot

    def of_labels(self, labels: Labels) -> int:
        """The number of a series whose text is not remembered."""
        return self.add(tuple(sorted(labels.items())), labels)

    def take_fresh(self) -> dict[int, Labels]:
        """The series that are new since the last call."""
        fresh, self.fresh = self.fresh, {}
        return fresh

    def keep(self, kept: NDArray[np.int64]) -> None:
        """Forgets all slots but these (ascending); they are numbered anew, from 0, in their order."""
        numbers = dict(zip(kept.tolist(), range(len(kept)), strict=True))
        self.by_key = {key: numbers[slot] for key, slot in self.by_key.items() if slot in numbers}
        self.count = len(kept)


def monstrous(lines: Sequence[str]) -> list[int]:
    """The positions of lines that are not read, because nobody could mean them and reading them takes too long."""
    if not lines or max(map(len, lines)) <= LONGEST_LINE:
        return []
    return [position for position, line in enumerate(lines) if len(line) > LONGEST_LINE]


Parser = Callable[[Any], Iterable[Any]]
"""One of prometheus_client's parsers: lines in, metric families out."""


def families_of(parser: Parser, lines: Sequence[str]) -> list[Any]:
    """The metric families of these lines. Raises PageError with the line at which the library stopped."""
    at = 0

    def counted() -> Iterator[str]:
        nonlocal at
        for line in lines:
            at += 1
            yield line + "\n"

    try:
        return list(parser(counted()))
    except _ERRORS as error:
        raise PageError(at, _why(error, lines[at - 1] if 0 < at <= len(lines) else "")) from None


def _why(error: Exception, line: str) -> str:
    """The library's reason in our words where it has none of use for people, and the line."""
    said = str(error).partition(":")[0]
    if isinstance(error, OverflowError) or said.startswith(("could not convert", "Invalid value", "int too large")):
        reason = "its value is no number"
    elif said.startswith("Missing # EOF"):
        return "the text does not end with # EOF there: it broke off, or is not OpenMetrics"
    elif said.startswith("Invalid labels"):
        reason = "its labels cannot be read"
    elif said.startswith("invalid metric name"):
        reason = "it begins with no name of a metric"
    elif isinstance(error, ValueError) and 0 < len(said) <= _SHOWN and said.isprintable() and '"' not in said:
        reason = said[0].lower() + said[1:]
    else:
        reason = "it is no sample"
    return f"{reason}: {quoted(line, _SHOWN)}" if line else reason


def labels_of(sample: Any) -> Labels:
    """The labels of one of the library's samples. A label with an empty value is none (Prometheus, "Data model")."""
    return {NAME: sample.name, **{name: value for name, value in (sample.labels or {}).items() if value}}


def number_of(value: Any) -> float:
    """A value of the library's, which may be a whole number of any size. Raises OverflowError where no float comes near it."""
    return float(value)


def milliseconds(seconds: Any) -> int:
    """Milliseconds since 1970 of a number of seconds, or of the library's exact instant; what no calendar holds becomes FAR or -FAR.

    Raises ValueError or OverflowError for what is no instant (infinity, not-a-number)."""
    is_exact = hasattr(seconds, "nsec")
    exact = seconds.sec * 1000 + round(seconds.nsec / 1e6) if is_exact else round(float(seconds) * 1000)
    return max(-FAR, min(FAR, exact))


def same(one: float, other: float) -> bool:
    """Whether both are the same number, or both are none."""
    return one == other or (one != one and other != other)
