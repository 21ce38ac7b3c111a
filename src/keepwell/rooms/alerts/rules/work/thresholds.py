"""Thresholds changed while Keepwell runs: versions, each in one transaction with its entry of the journal."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, NotFound, Problem
from keepwell.ports.clock import Clock
from keepwell.rooms.alerts.rules import thresholds_store as store
from keepwell.rooms.alerts.rules.model import Adjustable, Changed
from keepwell.rooms.alerts.rules.thresholds import Difference, Document, asked, changed_of, differences, nested_of
from keepwell.rooms.alerts.rules.thresholds_store import Version
from keepwell.storage import journal

EVENT, SUBJECT = "alerts.thresholds-changed", "alerts/config"

T = TypeVar("T")


class InDatabase(Protocol):
    """Runs what it is given in a transaction. Raises StorageError."""

    async def __call__(self, what: Callable[[Connection], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants what changed, why, and which version they looked at (None: whatever it is)."""

    by: str
    reason: str = ""
    version: int | None = None


class Thresholds:
    """The versions of changed thresholds. ``apply`` puts changes in force once they are stored."""

    def __init__(self, read: InDatabase, write: InDatabase, clock: Clock, apply: Callable[[Changed], Awaitable[None]]) -> None:
        self.rules: Sequence[Adjustable] = ()
        self.changed: Changed = {}
        self.newest: Version | None = None
        self._read, self._write, self._clock, self._apply = read, write, clock, apply
        self._lock = asyncio.Lock()

    @property
    def number(self) -> int:
        """The version in force; 0 where nothing was ever changed."""
        return self.newest.number if self.newest is not None else 0

    async def begin(self) -> None:
        """Takes what was stored. Raises StorageError."""
        self.newest = await self._read(store.newest)
        self.changed = _changed(self.newest)

    async def replace(self, document: Document, wish: Wish) -> Sequence[Difference]:
        """Makes a document all that is changed. Raises UsageError with every problem, KeepwellError where another version is in force,
        StorageError."""
        async with self._lock:
            return await self._store(asked(document, self.rules, {}), wish)

    async def amend(self, document: Document, wish: Wish) -> Sequence[Difference]:
        """Changes what a document names, and nothing else. Raises as ``replace``."""
        async with self._lock:
            return await self._store(asked(document, self.rules, self.changed), wish)

    async def revert(self, number: int, wish: Wish) -> Sequence[Difference]:
        """Takes the values of an earlier version again; 0 are those of the file. Raises NotFound, else as ``replace``."""
        async with self._lock:
            return await self._store(await self._of(number), wish, reverts=number)

    async def between(self, first: int, last: int) -> Sequence[Difference]:
        """What lies between two versions. Raises NotFound, StorageError."""
        return differences(await self._of(first), await self._of(last))

    async def versions(self, limit: int, before: int | None) -> Sequence[tuple[Version, Sequence[Difference]]]:
        """The newest first, each with what it changed. Raises StorageError."""
        found = await self._read(lambda connection: store.versions(connection, limit + 1, before))
        pairs = zip_longest(found, found[1:])  # the one before the first changed nothing
        return [(version, differences(_changed(other), _changed(version))) for version, other in pairs][:limit]

    async def _of(self, number: int) -> Changed:
        if number == 0:
            return {}
        version = await self._read(lambda connection: store.find(connection, number))
        if version is None:
            raise NotFound(f"there is no version {number} of the thresholds", hint=f"the newest is {self.number}; 0 is the file alone")
        return _changed(version)

    async def _store(self, after: Changed, wish: Wish, reverts: int | None = None) -> Sequence[Difference]:
        if wish.version is not None and wish.version != self.number:
            message = f"version {wish.version} of the thresholds is not in force any more: {self.number} is"
            raise KeepwellError(Problem("alerts.changed", message, "look at what was changed meanwhile, and ask again"))
        found = differences(self.changed, after)
        if not found:
            return ()
        now = self._clock.now()
        version = Version(self.number + 1, now, wish.by, wish.reason, reverts, nested_of(after))
        facts = {
            "version": version.number,
            "reason": wish.reason,
            "reverts": reverts,
            "changes": [{"rule": f"{one.group}/{one.name}", "key": one.key, "before": one.before, "after": one.after} for one in found],
        }
        entry = journal.NewEntry(wish.by, EVENT, SUBJECT, facts)

        def change(connection: Connection) -> None:
            store.add(connection, version)
            journal.append(connection, entry, now)

        await self._write(change)
        self.newest, self.changed = version, after
        await self._apply(after)
        return found


def _changed(version: Version | None) -> Changed:
    return changed_of(version.content) if version is not None else {}
