"""Samples: named numbers over time. The store proper comes with its own room; this is what the others write to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


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
