"""``keepwell up``: the living composition. Builds the rooms, runs the engine and the servers, reloads, stops."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from keepwell import __version__, app
from keepwell.config.operations import Operations
from keepwell.engine import Engine
from keepwell.kernel.problems import ConfigurationError
from keepwell.machine import notify
from keepwell.machine.log import configure_logging
from keepwell.ports.activity import Job
from keepwell.ports.host import Host
from keepwell.ports.offer import Face, Route
from keepwell.ports.samples import Sample
from keepwell.rooms.checks import offer as checks_offer
from keepwell.rooms.checks import store as checks_store
from keepwell.rooms.checks.model import Check, Kept, Seen
from keepwell.rooms.checks.work.watch import Checks
from keepwell.rooms.health import offer as health_offer
from keepwell.rooms.health.decide import percentile
from keepwell.rooms.health.model import Facts, Web, Work
from keepwell.rooms.health.work import Health, Sources
from keepwell.storage import journal
from keepwell.storage.database import Database

GRACE = 10.0
"""Seconds that looks under way get to end when Keepwell is stopped."""

OPEN_FILES = 16384
"""Open files wanted: every look under way holds a socket or two, and the usual soft limit is 1024."""

_log = logging.getLogger("keepwell")


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line of ``keepwell up``."""

    directory: str
    data: str | None = None
    listen: str | None = None
    log_format: str = "text"
    log_level: str = "info"


class NoSamples:
    """The samples port until the room of samples exists: keeps nothing; the newest values stand in the checks' standings."""

    async def append(self, samples: Sequence[Sample]) -> None:
        """Takes and drops them."""


class Recurring:
    """An activity that does one thing again and again, a fixed time apart."""

    def __init__(self, name: str, every: float, first: float, run: Callable[[], Awaitable[None]]) -> None:
        self._name, self._every, self._due, self._run = name, every, first, run

    def next_due(self) -> float | None:
        """When it is due next."""
        return self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """The one job, where it is due."""
        if monotonic < self._due:
            return ()
        job = Job(self._due, self._name, self._run)
        self._due = monotonic + self._every
        return (job,)


class CheckStore:
    """The verbs by which the checks room reaches the database and the journal."""

    def __init__(self, database: Database, host: Host) -> None:
        self._database = database
        self._clock = host.clock

    async def identify(self, names: Mapping[str, str | None]) -> Mapping[str, Kept]:
        """Makes the stored checks those of the configuration."""
        now = self._clock.now()
        return await self._database.write(lambda connection: checks_store.identify(connection, names, now))

    async def write(self, batch: Sequence[Seen]) -> None:
        """Stores a batch; every state change goes into the journal in the same transaction."""
        entries = [_change_entry(seen) for seen in batch if seen.change is not None]
        now = self._clock.now()

        def change(connection: Any) -> None:
            checks_store.record(connection, batch)
            journal.append_many(connection, entries, now)

        await self._database.write(change)

    async def strips(self) -> Mapping[int, Sequence[str]]:
        """The newest states of each check."""
        return await self._database.read(lambda connection: checks_store.recent_states(connection, 30))

    async def forget(self, operations: Operations) -> None:
        """Deletes the history of checks that were removed long ago."""
        before = self._clock.now() - operations.options("history").keep_removed
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
    facts = {"before": seen.change.before, "after": seen.change.after, "sentence": seen.change.sentence, "at": _micros(seen)}
    output = seen.observation.detail.encode() or None
    return journal.NewEntry(actor="keepwell", event="check.state-changed", subject=f"checks/{seen.name}", facts=facts, output=output)


def _micros(seen: Seen) -> int:
    return round(seen.at.timestamp() * 1_000_000)
