"""The store as an export reads it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from keepwell.ports.samples import Matcher
from keepwell.rooms.samples.model import HOUR, Ids, Labels, Metric, Rows

from .model import Series

_UNKNOWN = Metric()


class Store(Protocol):
    """What a source needs of the store of samples."""

    def ids(self, matchers: Sequence[Matcher]) -> Ids:
        """The series that fit."""
        ...

    def labels(self, number: int) -> Labels:
        """The labels of a series. Raises KeyError."""
        ...

    def select_ids(self, ids: Ids, start: int, end: int) -> Awaitable[Rows]:
        """Samples from memory and files, sorted by (series, at)."""
        ...

    async def used_hours(self) -> Sequence[int]:
        """The hours of which the log has samples."""
        ...

    def metric(self, name: str) -> Metric:
        """What is known of a metric."""
        ...


class StoreSource:
    """Reads the store of this process. ``hours`` gives the hours (their starts in milliseconds) that have a file of raw samples."""

    def __init__(self, store: Store, hours: Callable[[], Collection[int]]) -> None:
        self._store = store
        self._hours = hours

    async def series(self, matchers: Sequence[Matcher]) -> Sequence[Series]:
        """The series that fit."""
        return [Series(number, self._store.labels(number)) for number in self._store.ids(matchers).tolist()]

    async def span(self) -> tuple[int, int] | None:
        """From the first hour with samples to the end of the last."""
        hours = {*await self._store.used_hours(), *await asyncio.to_thread(self._hours)}
        return (min(hours), max(hours) + HOUR - 1) if hours else None

    async def rows(self, ids: Ids, start: int, end: int) -> Rows:
        """The samples of these series, sorted by (series, at)."""
        return await self._store.select_ids(ids, start, end)

    def metric(self, name: str) -> Metric | None:
        """What is known of a family."""
        found = self._store.metric(name)
        return None if found == _UNKNOWN else found
