"""Work on logs is performed: each occasion once, journaled, and what a crash interrupted goes on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol

from sqlalchemy import Connection

from keepwell.kernel.problems import NotFound
from keepwell.ports.host import Host
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.logs import store
from keepwell.rooms.logs.files.listing import Live
from keepwell.rooms.logs.model import Identity, Policy, Rotate, Step, Tally
from keepwell.storage.database import Database
from keepwell.storage.journal import NewEntry, append

from .rotate import Blocking, Rotating, Why

ROTATION, CLEANUP, ANALYSIS = "rotation", "cleanup", "analysis"


class Policies(Protocol):
    """The policies in force, by name."""

    def __call__(self) -> Mapping[str, Policy]: ...


class Performing:
    """Performs rotations, cleanups and analyses."""

    def __init__(self, database: Database, host: Host, blocking: Blocking) -> None:
        self._database, self._host = database, host
        self._rotating = Rotating(host, blocking)
        self._locks: dict[str, asyncio.Lock] = {}
        self.policies: Mapping[str, Policy] = {}
        self.why: Why = lambda name, text: "nothing is accepted"

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ``keepwell.ports.work.Perform``."""
        policy = self.policies.get(work.name.partition("/")[0])
        if policy is None:
            raise NotFound(f"no logs are called {work.name}", hint=f"there are: {', '.join(self.policies) or 'none'}")
        async with self._locks.setdefault(policy.name, asyncio.Lock()):
            stored = await self._database.read(lambda connection: store.of_key(connection, occasion.key))
            if stored is not None and stored.ended_at is not None:
                return stored.performed
            if work.kind == ROTATION:
                return await self._rotate(policy, work, occasion)
            raise NotFound(f"logs know no work of the kind {work.kind}")

    async def _rotate(self, policy: Policy, work: Work, occasion: Occasion) -> Performed:
        rotate = policy.rotate
        if rotate is None:
            raise NotFound(f"logs.{policy.name} says nothing of rotating", hint="add rotate to it, for example {keep: 30}")
        found = await self._rotating.survey(policy, rotate)
        begun = await self._begin(work, occasion, [_packed(live) for live in found.files])
        files = [_unpacked(one) for one in begun.plan]
        tally = await self._rotating.rotate(policy.name, rotate, files, self.why)
        tally.faults[:0] = found.faults
        return await self._end(occasion, "logs.rotated", f"logs/{policy.name}", _rotated(policy, rotate, files, tally), tally)

    async def _begin(self, work: Work, occasion: Occasion, plan: Any) -> store.Done:
        now = self._host.clock.now()
        return await self._database.write(lambda connection: store.begin(connection, work, occasion, plan, now))

    async def _end(self, occasion: Occasion, event: str, subject: str, performed: Performed, tally: Tally) -> Performed:
        now = self._host.clock.now()
        details = [_told(step) for step in tally.steps[: store.KEPT_DETAILS]]
        facts = {
            "occasion": occasion.key,
            "outcome": performed.outcome.value,
            "sentence": performed.sentence,
            "figures": dict(performed.facts),
            "steps": details,
        }
        entry = NewEntry(occasion.by, event, subject, facts)

        def write(connection: Connection) -> None:
            store.end(connection, occasion.key, performed, details, now)
            append(connection, entry, now)

        await self._database.write(write)
        return performed


def _packed(live: Live) -> list[Any]:
    return [live.folder, live.name, live.identity.device, live.identity.inode, live.size]


def _unpacked(plain: Sequence[Any]) -> Live:
    folder, name, device, inode, size = plain
    return Live(folder, name, Identity(device, inode), size)


def _told(step: Step) -> dict[str, Any]:
    return {key: value for key, value in asdict(step).items() if value}


def _rotated(policy: Policy, rotate: Rotate, files: Sequence[Live], tally: Tally) -> Performed:
    """What came of a rotation, in one sentence."""
    facts = {
        "files": len(files),
        "rotated": tally.count("rotated"),
        "bytes": tally.bytes("rotated"),
        "packed": tally.count("packed"),
        "dropped": tally.count("dropped"),
    }
    record = f"logs/{policy.name}"
    if tally.faults:
        more = f" (and {len(tally.faults) - 1} more)" if len(tally.faults) > 1 else ""
        refused = not tally.steps and tally.faults[0].startswith(f"logs.{policy.name}.")
        return Performed(Outcome.REFUSED if refused else Outcome.FAILED, f"{tally.faults[0]}{more}", record, facts)
    if not files:
        return Performed(Outcome.DONE, f"nothing to rotate: no file of logs.{policy.name} has any content", record, facts)
    done = [f"{tally.count('rotated') or len(files)} {'file' if len(files) == 1 else 'files'} rotated"]
    done += [f"{tally.count('packed')} compressed"] if tally.count("packed") else []
    done += [f"{tally.count('dropped')} removed"] if tally.count("dropped") else []
    kept = tally.count("kept")
    later = f"; {kept} {'is' if kept == 1 else 'are'} still written to and compressed later" if kept else ""
    return Performed(Outcome.DONE, ", ".join(done) + later, record, facts)
