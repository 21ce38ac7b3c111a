"""Evidence: what diagnostics print, collected before anybody repairs anything, and kept beside the journal.

What is to be collected is a row from the moment its incident opens, in the same transaction; so a crash in between only delays it.
Diagnostics look and change nothing, so one that a crash interrupted is run again.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, StorageError, UsageError
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.runner import Result
from keepwell.storage import journal

from . import store
from .decide import OWN, Change, subject_of
from .model import Evidence
from .verbs import Diagnostic, Diagnostics, Verbs

AGAIN_AFTER = 5.0
"""Seconds after which evidence that could not be stored is collected again."""
AT_ONCE = 16
"""Diagnostics that run at the same time: a storm that opens many incidents is no reason to start hundreds of programs in it."""
OPENING = "opened"
"""The occasion of what is collected when an incident opens."""

_NOTED = 80
"""Bytes that are left for the line which stands in place of what was left out."""

_log = logging.getLogger("keepwell.incidents")


class Collecting:
    """Collects evidence for incidents."""

    def __init__(self, verbs: Verbs) -> None:
        self.diagnostics: Diagnostics = {}
        self._verbs = verbs
        self._places = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[tuple[int, str, str]] = set()
        self._due_at: float | None = 0.0
        self.is_busy = False

    @property
    def due_at(self) -> float | None:
        """When (monotonic seconds) something is to be collected; None where nothing is. At the start: what was not before."""
        return None if self.is_busy else self._due_at

    def want(self, connection: Connection, change: Change, now: datetime) -> None:
        """Notes what is to be collected where this change opens an incident."""
        if any(entry.event == "incident.opened" for entry in change.entries) and self.diagnostics:
            store.put_evidence(connection, self._rows(change.incident.number, OPENING, now))
            self._due_at = self._verbs.clock.monotonic()

    def _rows(self, number: int, occasion: str, now: datetime) -> list[Evidence]:
        return [Evidence(number, occasion, name, one.host, now, "") for name, one in self.diagnostics.items()]

    async def run_pending(self) -> Sequence[int]:
        """Collects what was noted and is not under way; the numbers of the incidents. What takes long keeps nothing else from being
        collected, and what cannot be stored is collected again a little later."""
        self._due_at = None
        under_way = frozenset(self._under_way)  # before it is read: what ends meanwhile is read as noted still
        try:
            noted = await self._verbs.read(store.pending_evidence)
        except StorageError as error:
            self._again(error)
            return ()
        finally:
            self.is_busy = False
        pending = [one for one in noted if _key(one) not in under_way]
        self._under_way.update(_key(one) for one in pending)
        await asyncio.gather(*(self._collected(one) for one in pending))
        return sorted({one.incident for one in pending})

    def _again(self, error: StorageError) -> None:
        _log.error("evidence cannot be stored", extra={"facts": {"why": str(error)}})
        self._due_at = self._verbs.clock.monotonic() + AGAIN_AFTER

    async def collect(self, number: int, actor: str) -> int:
        """Notes that evidence of one incident is to be collected now, since somebody asks for it; of how many diagnostics. It is collected
        after that: these may take longer than whoever asks waits. Raises StorageError, UsageError where nothing says what to collect."""
        if not self.diagnostics:
            hint = "write commands below incidents.diagnostics in keepwell.yaml, such as processes: {run: [ps, aux]}"
            raise UsageError("nothing says what to collect", hint=hint)
        now = self._verbs.clock.now()
        rows = self._rows(number, f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", now)

        def note(connection: Connection) -> None:
            store.put_evidence(connection, rows)
            facts = {"diagnostics": [row.name for row in rows]}
            journal.append(connection, journal.NewEntry(actor, "incident.collecting", subject_of(number), facts), now)

        await self._verbs.write(note)
        self._due_at = self._verbs.clock.monotonic()
        return len(rows)

    async def _collected(self, row: Evidence) -> None:
        try:
            async with self._places:
                await self._one(row)
        except StorageError as error:
            self._again(error)
        finally:
            self._under_way.discard(_key(row))

    async def _one(self, row: Evidence) -> None:
        sentence, output = await self._outcome(self.diagnostics.get(row.name))
        now = self._verbs.clock.now()

        def keep(connection: Connection) -> None:
            facts = {"name": row.name, "host": row.host, "sentence": sentence}
            entry = journal.NewEntry(OWN, "incident.evidence", subject_of(row.incident), facts, output or None)
            digest = journal.append(connection, entry, now).output_digest or ""
            found = Evidence(row.incident, row.occasion, row.name, row.host, now, sentence, digest, len(output))
            store.put_evidence(connection, [found])

        await self._verbs.write(keep)

    async def _outcome(self, diagnostic: Diagnostic | None) -> tuple[str, bytes]:
        """How it ended in a sentence, and what it printed, redacted."""
        if diagnostic is None:
            return "not run: keepwell.yaml has it no more", b""
        if diagnostic.why_not:
            return f"not run: {diagnostic.why_not}", b""
        try:
            result = await self._verbs.run(diagnostic.host, diagnostic.command)
        except KeepwellError as error:
            return f"could not be run: {error}", b""
        return _kept(result, diagnostic.command.output_limit)


def _key(row: Evidence) -> tuple[int, str, str]:
    return row.incident, row.occasion, row.name


def _kept(result: Result, limit: int) -> tuple[str, bytes]:
    """How it ended in a sentence, and what it printed, redacted, as UTF-8 of at most ``limit`` bytes: a byte that is no text has become a
    character of three, redacting may lengthen it, and both outputs are one."""
    whole, dropped = redact_patterns(_printed(result)).encode("utf-8", "replace"), sum(result.dropped)
    if len(whole) <= limit:
        return _ending(result, f"{dropped} bytes" if dropped else ""), whole
    half = max(0, limit - _NOTED) // 2
    head, tail = whole[:half].decode("utf-8", "ignore"), whole[len(whole) - half :].decode("utf-8", "ignore")
    # About: what is dropped here is text, and the place that one output was cut at before may be in it.
    count = f"about {dropped + len(whole) - len((head + tail).encode())} bytes"
    return _ending(result, count), f"{head}\n[keepwell: {count} left out in all]\n{tail}".encode()


def _ending(result: Result, count: str) -> str:
    left_out = f"; {count} in the middle were left out" if count else ""
    if result.timed_out:
        return f"stopped after {result.seconds:.1f} s{left_out}"
    if result.signal is not None:
        return f"ended by signal {result.signal}{left_out}"
    return f"ended with status {result.status} after {result.seconds:.1f} s{left_out}"


def _printed(result: Result) -> str:
    return f"{result.stdout}\n--- standard error ---\n{result.stderr}" if result.stderr else result.stdout
