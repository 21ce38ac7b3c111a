"""What the readers of all formats share: series that are named once, samples that gather, and complaints with their lines."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from keepwell.rooms.samples.model import Labels, Metric

from .lines import Chunk
from .model import Batch, Complaint

MOST_SERIES = 500_000
"""Different series of one file; each costs some hundred bytes of memory."""

LATEST = 10**15
"""Milliseconds since 1970 beyond which no number is an instant."""

SHOWN = 200
"""Bytes of a line that a complaint keeps."""


class Reader(Protocol):
    """Reads a file's lines to samples. Nothing stops it: what cannot be read is a complaint."""

    @property
    def gathered(self) -> "Gathered":
        """What was read."""
        ...

    def feed(self, chunk: Chunk) -> None:
        """Reads lines."""
        ...

    def end(self, is_whole: bool) -> None:
        """There are no more lines; ``is_whole`` tells whether the last one ended with a newline."""
        ...


class Gathered:
    """What a reader has read and nobody has taken yet. ``named`` are all series of the file, in the order in which they came."""

    def __init__(self, extra: Mapping[str, str]) -> None:
        """``extra`` are labels that every series gets where it has none of that name."""
        self._extra = extra
        self.named: list[Labels] = []
        self.complaints: list[Complaint] = []
        self.metrics: dict[str, Metric] = {}
        self._series: list[int] = []
        self._at: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._value: list[float] = []
        self._line: list[int] = []

    def __len__(self) -> int:
        return len(self._series)

    def name(self, labels: Labels) -> int:
        """The number of a series that is new in this file. Raises ValueError where there are too many."""
        if len(self.named) >= MOST_SERIES:
            raise ValueError(f"it is of one more series than the {MOST_SERIES:,} that one file may have")
        self.named.append({**self._extra, **{name: value for name, value in labels.items() if value}})
        return len(self.named) - 1

    def complain(self, line: int, reason: str, text: bytes) -> None:
        """Passes over a line."""
        self.complaints.append(Complaint(line, reason, text))

    def add(self, series: list[int], milliseconds: "list[float] | list[int]", value: list[float], line: list[int]) -> None:
        """Adds samples: columns of one length; instants that are no whole milliseconds are rounded."""
        self._series += series
        self._at.append(np.rint(np.array(milliseconds, np.float64)).astype(np.int64))
        self._value += value
        self._line += line

    def take(self) -> Batch:
        """All samples that were gathered; none are left."""
        at = np.concatenate(self._at) if self._at else np.zeros(0, np.int64)
        batch = Batch(np.array(self._series, np.int32), at, np.array(self._value, np.float64), np.array(self._line, np.int64))
        self._series, self._at, self._value, self._line = [], [], [], []
        return batch

    def take_complaints(self) -> list[Complaint]:
        """All complaints since the last call."""
        complaints, self.complaints = self.complaints, []
        return complaints

    def take_metrics(self) -> dict[str, Metric]:
        """What was said of metrics since the last call."""
        metrics, self.metrics = self.metrics, {}
        return metrics


def shown(text: bytes) -> str:
    """A line as a complaint shows it: short, and valid text."""
    cut = text[:SHOWN].decode(errors="backslashreplace")
    return f"{cut}…" if len(text) > SHOWN else cut
