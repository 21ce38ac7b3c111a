"""What is due when: many timers, each moved often, the next one always at hand."""

import heapq
from collections.abc import Hashable
from datetime import datetime
from typing import Generic, TypeVar

KeyT = TypeVar("KeyT", bound=Hashable)


class Timers(Generic[KeyT]):
    """Instants by key. One that is moved to a later instant costs nothing until its old instant has passed."""

    def __init__(self) -> None:
        self._wanted: dict[KeyT, datetime] = {}
        self._listed: dict[KeyT, datetime] = {}
        self._heap: list[tuple[datetime, int, KeyT]] = []
        self._count = 0

    def set(self, key: KeyT, at: datetime | None) -> None:
        """The timer of that key goes off at that instant, and at no other; never where there is none."""
        if at is None:
            self._wanted.pop(key, None)
            return
        self._wanted[key] = at
        listed = self._listed.get(key)
        if listed is None or at < listed:
            self._list(key, at)

    def next(self) -> datetime | None:
        """When the next one goes off."""
        self._tidy()
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> list[KeyT]:
        """Those that have gone off by now, earliest first. They stay until they are set anew."""
        passed: list[tuple[datetime, KeyT]] = []
        while (at := self.next()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._listed[key]
            passed.append((at, key))
        for at, key in passed:
            self._list(key, at)
        return [key for _, key in passed]

    def _list(self, key: KeyT, at: datetime) -> None:
        self._listed[key] = at
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, key))

    def _tidy(self) -> None:
        """Takes away what stands on top and is not so any more: ended, moved, or listed again for an earlier instant."""
        while self._heap:
            at, _, key = self._heap[0]
            if self._listed.get(key) == at and self._wanted.get(key) == at:
                return
            heapq.heappop(self._heap)
            if self._listed.get(key) != at:
                continue
            del self._listed[key]
            wanted = self._wanted.get(key)
            if wanted is not None:
                self._list(key, wanted)
