"""The share of what failed.

Of counters: the increase of those that count failures over the increase of those that count all (Beyer and others, "The Site Reliability
Workbook", chapter 5: the proportion of bad events), per value of labels where one asks for it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keepwell.rooms.samples.model import Labels

Group = tuple[str, ...]
"""The values of the labels by which one groups, in their order; empty for the whole."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many failed of all. ``share`` is None where there was nothing of which a share could have failed."""

    failed: float
    all: float

    @property
    def share(self) -> float | None:
        """failed / all."""
        share = self.failed / self.all if self.all > 0 else math.nan
        return share if math.isfinite(share) else None


def shares(failed: Iterable[tuple[Labels, float]], everything: Iterable[tuple[Labels, float]], by: Sequence[str]) -> dict[Group, Share]:
    """The share of each group, in the order of the groups' values. Both are series with their increases, in no order; a series that has
    no number (NaN: it is no counter) counts as nothing. A group that nothing failed of is there, too."""
    bad, whole = _sums(failed, by), _sums(everything, by)
    return {group: Share(bad.get(group, 0.0), whole.get(group, 0.0)) for group in sorted(bad.keys() | whole.keys())}


def total(groups: Iterable[Share]) -> Share:
    """All groups together."""
    parts = tuple(groups)
    return Share(sum(part.failed for part in parts), sum(part.all for part in parts))


def doubts(groups: Iterable[Share]) -> str:
    """A sentence where more failed than there was: the two selectors do not fit each other. Empty where not."""
    strange = any(part.failed > part.all * (1 + 1e-9) for part in groups)
    return "more failed than there was: what counts failures and what counts all do not fit each other" if strange else ""


def _sums(series: Iterable[tuple[Labels, float]], by: Sequence[str]) -> dict[Group, float]:
    sums: dict[Group, float] = {}
    for labels, increase in series:
        if np.isfinite(increase):
            group = tuple(labels.get(label, "") for label in by)
            sums[group] = sums.get(group, 0.0) + increase
    return sums
