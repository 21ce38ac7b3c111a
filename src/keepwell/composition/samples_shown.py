"""What the page of samples is told of the room: from the store, its files, and what is scraped."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from keepwell.ports.clock import Clock
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.model import Tier
from keepwell.rooms.samples.views_page import About, PageVerbs, TierFigures
from keepwell.rooms.samples.work.kept import KeptFiles
from keepwell.rooms.samples.work.store import SampleStore

_LOOK_BACK = 60.0
"""Seconds over which the rate of samples is told."""

Listing = Callable[[], Mapping[str, Any]]
"""The scrape targets as the API lists them."""


class Pace:
    """How fast a total grows: over the last minute or, where nobody asked then, since the last time that somebody did."""

    def __init__(self, total: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._total, self._monotonic = total, monotonic
        self._asked: deque[tuple[float, int]] = deque([(monotonic(), total())])

    def __call__(self) -> float | None:
        """A second; None where less than a second is known."""
        now, total = self._monotonic(), self._total()
        while len(self._asked) > 1 and now - self._asked[1][0] >= _LOOK_BACK:
            self._asked.popleft()
        since, before = self._asked[0]
        if now - self._asked[-1][0] >= 1.0:
            self._asked.append((now, total))
        return (total - before) / (now - since) if now - since >= 1.0 else None


def measured(store: SampleStore, check: str) -> list[str]:
    """The names of the metrics that a check left, sorted."""
    return sorted({store.labels(number)[NAME] for number in store.ids((Matcher("check", "=", check),)).tolist()})


def page_verbs(store: SampleStore, files: KeptFiles, clock: Clock, listing: Listing, problems: Callable[[], Iterable[str]]) -> PageVerbs:
    """What the page asks. ``listing`` gives the scrape targets; ``problems`` sentences of other parts of the room."""
    pace = Pace(lambda: store.figures.stored, clock.monotonic)

    async def about() -> About:
        figures = store.figures
        kept, damaged = await asyncio.to_thread(_on_disk, files)
        return About(
            series=figures.series,
            per_second=pace(),
            waiting=figures.waiting,
            shed=figures.shed,
            size=figures.size,
            refused=figures.refused,
            tiers=kept,
            problems=tuple(dict.fromkeys((*store.problems(), *problems(), *damaged))),
        )

    def targets() -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = listing()["targets"]
        return found

    return PageVerbs(lambda: store.counts(NAME), store.metric, store.latest, targets, about, clock.now)


def _on_disk(files: KeptFiles) -> tuple[list[TierFigures], list[str]]:
    """What is there of each tier, and a sentence for each damaged file."""
    return [_tier(tier, files) for tier in Tier], files.files.damages.sentences()


def _tier(tier: Tier, files: KeptFiles) -> TierFigures:
    there = files.files.layout.files(tier)
    size = 0
    for file in there:
        try:
            size += file.path.stat().st_size
        except FileNotFoundError:
            continue  # merged or dropped meanwhile
    oldest = datetime.fromtimestamp(there[0].start / 1000, UTC) if there else None
    return TierFigures(tier.value, len(there), size, oldest)
