"""Roll-ups for whoever asks in PromQL (ports.samples.SelectRolled)."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import fields

from keepwell.ports.samples import Matcher, RolledColumn, RolledUp
from keepwell.rooms.samples.model import DAY, Ids, Keep, Rolled, Tier
from keepwell.rooms.samples.tiers import Answered, lasts, said
from keepwell.rooms.samples.work.reader import Extent, Nans, Reader, Store, by_series

MOST_ROWS = 1_000_000
"""Rows that one answer may have, at about two hundred bytes each."""


class RolledAsked:
    """Answers from the tiers of roll-ups, over the same memory and files as ``reader``."""

    def __init__(self, reader: Reader, store: Store, keep: Callable[[], Keep]) -> None:
        self._reader = reader
        self._store = store
        self._keep = keep

    async def __call__(self, matchers: Sequence[Matcher], start: int, end: int, unit: int) -> RolledUp | None:
        """See SelectRolled. Less than a day is as quickly read from samples, and so are what memory has and what would be too many rows."""
        keep, now = self._keep(), self._reader.now()
        is_gone = start < now - lasts(Tier.RAW, keep)
        if not is_gone and (end - start < DAY or unit % Tier.FIVE_MINUTES.step or self._store.since <= start):
            return None  # Memory has all of it, or samples are read as quickly.
        tier = Tier.HOUR if unit % Tier.HOUR.step == 0 or start < now - lasts(Tier.FIVE_MINUTES, keep) else Tier.FIVE_MINUTES
        ids = self._reader.ids(matchers)
        first, last = start // tier.step * tier.step, end // tier.step * tier.step + tier.step
        if len(ids) * ((last - first) // tier.step) > MOST_ROWS:
            return None
        # Memory first: what leaves it in the meantime is in a file by then.
        extent = Extent(ids, max(0, first), last, nans=Nans())
        memory = self._store.rows(ids, extent.start, last - 1)
        answered = Answered(tier, tier.step, exact=True)
        rolled = await asyncio.to_thread(self._reader.assemble, extent, answered, memory, self._reader.counters(ids))
        gone = f"older than {said(keep.raw)}: by {'the hour' if tier is Tier.HOUR else '5 minutes'}" if is_gone else ""
        return RolledUp(tier.step, self._columns(rolled), gone, unit % tier.step == 0 and _is_whole(extent.nans, ids))

    def _columns(self, rolled: Rolled) -> list[RolledColumn]:
        return [
            RolledColumn(self._reader.labels(number), *(getattr(one, each.name) for each in fields(RolledColumn)[1:]))
            for number, one in by_series(rolled)
        ]


def _is_whole(nans: Nans | None, ids: Ids) -> bool:
    return nans is not None and nans.known and nans.series.isdisjoint(ids.tolist())
