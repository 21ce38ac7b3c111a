"""Checks put together: what they see is stored, and the alerts that follow from it with it."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from keepwell.composition.ruling import RuleRoom
from keepwell.config.operations import Operations
from keepwell.ports.host import Host
from keepwell.rooms.alerts.rules.checks import Looked
from keepwell.rooms.checks import offer as checks_offer
from keepwell.rooms.checks import store as checks_store
from keepwell.rooms.checks.model import Kept, Seen
from keepwell.storage import journal
from keepwell.storage.columns import microseconds
from keepwell.storage.database import Database

_log = logging.getLogger("keepwell")


class CheckStore:
    """The verbs by which the checks room reaches the database, the alerts and the journal."""

    def __init__(self, database: Database, host: Host, rules: RuleRoom) -> None:
        self._database = database
        self._clock = host.clock
        self._rules = rules

    async def identify(self, names: Mapping[str, str | None]) -> Mapping[str, Kept]:
        """Makes the stored checks those of the configuration."""
        now = self._clock.now()
        return await self._database.write(lambda connection: checks_store.identify(connection, names, now))

    async def write(self, batch: Sequence[Seen]) -> None:
        """Stores a batch; what it means for alerts, and every state change's journal entry, in the same transaction."""
        entries = [_change_entry(seen) for seen in batch if seen.change is not None]

        def record(connection: Any) -> None:
            checks_store.record(connection, batch)

        if await self._rules.checked([_looked(seen) for seen in batch], record, entries):
            return
        now = self._clock.now()

        def change(connection: Any) -> None:
            record(connection)
            journal.append_many(connection, entries, now)

        await self._database.write(change)

    async def strips(self) -> Mapping[int, Sequence[str]]:
        """The newest states of each check."""
        return await self._database.read(lambda connection: checks_store.recent_states(connection, 30))

    async def forget(self, operations: Operations) -> None:
        """Deletes the history of checks that were removed long ago."""
        before = self._clock.now() - operations.values["history"].keep_removed
        count = await self._database.write(lambda connection: checks_store.forget_removed(connection, before))
        if count:
            _log.info("forgot removed checks", extra={"facts": {"count": count}})

    def verbs(self) -> checks_offer.Verbs:
        """What the room's pages ask."""
        database = self._database
        return checks_offer.Verbs(
            changes=lambda limit, name, before: database.read(lambda c: checks_store.changes(c, limit, name, before)),
            observations=lambda name, limit: database.read(lambda c: checks_store.observations(c, name, limit)),
        )


def _change_entry(seen: Seen) -> journal.NewEntry:
    assert seen.change is not None
    facts: dict[str, Any] = {
        "before": seen.change.before,
        "after": seen.change.after,
        "sentence": seen.change.sentence,
        "at": microseconds(seen.at),
    }
    if seen.accepted_by is not None:
        facts["accepted_by"] = seen.accepted_by
    output = seen.observation.detail.encode() or None
    return journal.NewEntry(actor="keepwell", event="check.state-changed", subject=f"checks/{seen.name}", facts=facts, output=output)


def _looked(seen: Seen) -> Looked:
    standing = seen.standing
    explained_by = seen.observation.explained_by
    return Looked(
        seen.name, seen.target, seen.ordinal, seen.at, standing.state.value, standing.since, seen.observation.sentence, explained_by
    )
