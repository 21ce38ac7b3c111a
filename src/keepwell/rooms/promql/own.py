"""Questions answered from the own store of samples."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from keepwell.rooms.promql.engine import ALWAYS, USUAL, Bounds, Described, Store, Wanted
from keepwell.rooms.promql.model import BadQuery, Limits, Result

LIMITS = Limits(samples=10_000_000, points=11_001)
"""Fifty million numbers, as Prometheus allows them, may stand several times in memory here: gigabytes. With ten a query stays below about
half of one, and the store gives no more than five million samples at once anyway. (Of points Prometheus takes 11,000 steps, and so one
more.)"""

LONGEST_LOOK_BACK = 25 * 3_600_000
"""How long at most a sample may stand for its series, in milliseconds: that of a daily job until it has run again."""


class OwnEngine:
    """The engine over a store. ``limits`` gives the bounds in force."""

    def __init__(self, store: Store, limits: Callable[[], Limits] = lambda: LIMITS) -> None:
        self._store = store
        self._limits = limits

    async def instant(self, text: str, at: int, bounds: Bounds = USUAL) -> Result:
        """See Engine."""
        from keepwell.rooms.promql.work import query_instant  # a megabyte, which only those need who ask

        return await query_instant(text, at, self._store.select, self._bounded(bounds))

    async def range(self, text: str, span: tuple[int, int], step: int, bounds: Bounds = USUAL) -> Result:
        """See Engine."""
        from keepwell.rooms.promql.work import query_range

        return await query_range(text, *span, step, self._store.select, self._bounded(bounds))

    def _bounded(self, bounds: Bounds) -> Limits:
        limits = self._limits()
        look_back = limits.look_back if bounds.look_back is None else bounds.look_back
        if look_back > LONGEST_LOOK_BACK:
            raise BadQuery(
                f'invalid parameter "lookback_delta": a sample may stand for its series at most {LONGEST_LOOK_BACK // 3_600_000}h',
                hint="write last_over_time(...[2d]) to look back further",
            )
        seconds = limits.seconds if bounds.seconds is None else min(bounds.seconds, limits.seconds)
        return replace(limits, seconds=seconds, look_back=look_back)

    async def series(self, wanted: Wanted) -> Sequence[Mapping[str, str]]:
        """See Engine."""
        found = await self._found(wanted)
        return await asyncio.to_thread(_in_order, found)

    async def label_names(self, wanted: Wanted) -> Sequence[str]:
        """See Engine."""
        if _is_everything(wanted):
            return self._store.label_names()
        found = await self._found(wanted)
        return await asyncio.to_thread(lambda: sorted({name for labels in found for name in labels}))

    async def label_values(self, name: str, wanted: Wanted) -> Sequence[str]:
        """See Engine."""
        if _is_everything(wanted):
            return self._store.label_values(name)
        found = await self._found(wanted)
        return await asyncio.to_thread(lambda: sorted({labels[name] for labels in found if name in labels}))

    async def _found(self, wanted: Wanted) -> Sequence[Mapping[str, str]]:
        """The series of all selectors; one may stand there twice where the store does not give the same object for it."""
        found: dict[int, Mapping[str, str]] = {}
        for matchers in wanted.selectors or ((),):
            found |= {id(labels): labels for labels in await self._store.find(matchers, wanted.start, wanted.end)}
            await asyncio.sleep(0)
        return list(found.values())

    async def metadata(self) -> Mapping[str, Sequence[Described]]:
        """See Engine."""
        return {name: (described,) for name, described in self._store.metadata().items()}


def _is_everything(wanted: Wanted) -> bool:
    return not wanted.selectors and (wanted.start, wanted.end) == ALWAYS


def _in_order(found: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
    ordered = sorted({tuple(sorted(labels.items())) for labels in found})
    return [dict(pairs) for pairs in ordered]
