"""Work on logs is performed: each occasion once, journaled, and what a crash interrupted goes on."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import KeepwellError, NotFound
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.host import Host
from keepwell.ports.permission import Decision, Deed, Permissions
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.logs import store
from keepwell.rooms.logs.files.listing import Live
from keepwell.rooms.logs.files.sweeping import sweep
from keepwell.rooms.logs.model import Clean, Identity, Policy, Step, Tally
from keepwell.rooms.logs.words import analysed, cleaned, rotated
from keepwell.storage.database import Database
from keepwell.storage.journal import NewEntry, append
from keepwell.storage.under_way import UnderWay

from .analyse import analyse
from .rotate import Blocking, Rotating, Why

ROTATION, CLEANUP, ANALYSIS = "rotation", "cleanup", "analysis"
FOR = "for"
"""The argument of work that names for whom it is done, as whoever sent for it says. Who sent for it is the occasion's ``by``."""

CaughtUp = Callable[[str], Awaitable[None]]
"""Reads to their ends the files of a policy that are watched, before one of them is compressed."""


async def nothing_watched(policy: str) -> None:
    """Where nothing is watched, nobody needs to catch up."""


class Performing:
    """Performs rotations, cleanups and analyses. Without ``permissions``, what cleans up needs none."""

    def __init__(self, database: Database, host: Host, blocking: Blocking, permissions: Permissions | None, under_way: UnderWay) -> None:
        self._database, self._host, self._blocking, self._permissions = database, host, blocking, permissions
        self._under_way = under_way
        self._rotating = Rotating(host, blocking)
        self._locks: dict[str, asyncio.Lock] = {}
        self.policies: Mapping[str, Policy] = {}
        self.why: Why = lambda name, text: "nothing is accepted"
        self.caught_up: CaughtUp = nothing_watched

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """See ``keepwell.ports.work.Perform``."""
        policy = self.policy(work.name.partition("/")[0])
        # Nothing is renamed while it is read: the one file would be left out, and another one be read twice.
        kind = "files" if work.kind in (ROTATION, ANALYSIS) else work.kind
        async with self._locks.setdefault(f"{kind}/{policy.name}", asyncio.Lock()):
            stored = await self._database.read(lambda connection: store.of_key(connection, occasion.key))
            if stored is not None and stored.ended_at is not None:
                return stored.performed
            if not occasion.key.startswith(store.OWN):  # the calendar's, which holds it
                return await self._do(policy, work, occasion)
            async with self._under_way.holding(occasion.key) as is_ours:
                if is_ours:
                    return await self._do(policy, work, occasion)
            return Performed(Outcome.FAILED, "another server does it", f"logs/{policy.name}")

    async def _do(self, policy: Policy, work: Work, occasion: Occasion) -> Performed:
        match work.kind:
            case "rotation":
                return await self._rotate(policy, work, occasion)
            case "cleanup":
                return await self._clean(policy, work, occasion)
            case "analysis":
                return await self._analyse(policy, work, occasion)
        raise NotFound(f"logs know no work of the kind {work.kind}")

    async def go_on(self) -> None:
        """Goes on with rotations that nobody else would: by size, or wanted by a person, when the last life of the server ended. A task
        goes on with its own. What else a person wanted is said to be interrupted."""
        for done in await self._database.read(store.unfinished):
            await self._go_on_with(done)

    async def take_up(self) -> None:
        """The same where others use the database, with what had begun on a server that is gone: this one before it was started again, or
        another. The files of another machine are there only, and so their rotation waits for its server."""
        unfinished = {done.key: done for done in await self._database.read(store.unfinished)}
        for one in await self._under_way.over(unfinished):
            done = unfinished[one.key]
            if done.kind != ROTATION or one.is_own or (one.is_here and done.name in self.policies):
                await self._go_on_with(done)

    async def _go_on_with(self, done: store.Done) -> None:
        work, occasion = Work(done.kind, done.name), Occasion(done.key, done.by, done.due_at)
        try:
            if done.kind == ROTATION:
                await self.perform(work, occasion)
                return
            sentence = "it was interrupted when the server ended: ask again"
        except KeepwellError as error:
            sentence = str(error)
        performed = Performed(Outcome.FAILED, sentence, f"logs/{done.name.partition('/')[0]}")
        async with self._under_way.holding(done.key) as is_ours:
            if is_ours:
                await self._end(work, occasion, "logs.interrupted", performed, Tally())

    def policy(self, name: str) -> Policy:
        """The policy of that name. Raises NotFound."""
        if name not in self.policies:
            raise NotFound(f"no logs are called {name}", hint=f"there are: {', '.join(self.policies) or 'none'}")
        return self.policies[name]

    async def would_clean(self, policy: Policy) -> list[Step]:
        """What cleaning up would delete now."""
        return await self._swept(policy.clean, dry=True)

    async def _rotate(self, policy: Policy, work: Work, occasion: Occasion) -> Performed:
        rotate = policy.rotate
        if rotate is None:
            raise NotFound(f"logs.{policy.name} says nothing of rotating", hint="add rotate to it, for example {keep: 30}")
        found = await self._rotating.survey(policy, [one for one in self.policies.values() if one.rotate is not None])
        at_least = max(1, rotate.at_least, int(work.arguments.get("at_least", "0")))
        begun = await self._begin(work, occasion, [_packed(live) for live in found.files if live.size >= at_least])
        files = [_unpacked(one) for one in begun.plan]
        # What was rotated of a file that nobody writes to now gets older too.
        quiet = [live for live in found.files if live.path not in {one.path for one in files}]
        tally = await self._rotating.rotate(policy.name, rotate, files, self.why)
        if not tally.refused:
            await self.caught_up(policy.name)
            await self._rotating.tidy(rotate, [*files, *quiet], tally)
        tally.faults[:0] = found.faults
        return await self._end(work, occasion, "logs.rotated", rotated(policy, files, tally), tally)

    async def _clean(self, policy: Policy, work: Work, occasion: Occasion) -> Performed:
        if not policy.clean:
            raise NotFound(f"logs.{policy.name} says nothing of cleaning up", hint="add clean to it: [{under:, names:, older_than:}]")
        ruling = await self._permitted(policy, occasion.by)
        if ruling is not None:
            return ruling
        await self._begin(work, occasion, [])
        tally = Tally(await self._swept(policy.clean, dry=False))
        tally.faults += [step.why for step in tally.steps if step.did == "failed"]
        return await self._end(work, occasion, "logs.cleaned", cleaned(policy, tally), tally)

    async def _permitted(self, policy: Policy, by: str) -> Performed | None:
        """None where cleaning up is allowed. What a policy says is asked for once: as long as it says the same, the permission holds."""
        if self._permissions is None:
            return None
        text = repr([(one.under, one.names, one.older_than.total_seconds()) for one in policy.clean])
        digest = hashlib.sha256(text.encode()).hexdigest()
        what = "; ".join(
            f"delete {one.names} below {one.under} that nobody changed for {format_duration(one.older_than)}" for one in policy.clean
        )
        ruling = await self._permissions.ask(Deed(f"logs/{policy.name}/clean/{digest[:12]}", what, by, digest))
        if ruling.decision is Decision.GRANTED:
            return None
        outcome = Outcome.WAITING if ruling.decision is Decision.ASKED else Outcome.REFUSED
        return Performed(outcome, ruling.sentence, f"logs/{policy.name}")

    async def _swept(self, cleans: Sequence[Clean], *, dry: bool) -> list[Step]:
        now = self._host.clock.now().timestamp()
        return await self._blocking(lambda: [step for clean in cleans for step in sweep(clean, now, dry=dry)])

    async def _analyse(self, policy: Policy, work: Work, occasion: Occasion) -> Performed:
        wanted = work.name.partition("/")[2]
        questions = [question for question in policy.questions if wanted in ("", question.name)]
        if not questions:
            hint = f"there are: {', '.join(question.name for question in policy.questions) or 'none'}"
            raise NotFound(f"logs.{policy.name} has no question {wanted}".rstrip(), hint=hint)
        await self._begin(work, occasion, [])
        try:
            found = await analyse(policy, questions, occasion.at)
        except KeepwellError as error:
            performed = Performed(Outcome.FAILED, str(error), f"logs/{policy.name}")
            return await self._end(work, occasion, "logs.analysed", performed, Tally())
        answers = await self._blocking(lambda: [self._harmless(answer) for answer in found])
        return await self._end(work, occasion, "logs.analysed", analysed(policy, answers), Tally(), answers)

    def _harmless(self, answer: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer without the secrets that lines may have: it is stored, and shown to more people than the log."""
        rows = [[self._redacted(row[0]), row[1]] if isinstance(row, list) else self._redacted(row) for row in answer["rows"]]
        return {**answer, "rows": rows, "sentence": self._redacted(answer["sentence"])}

    def _redacted(self, text: str) -> str:
        return redact_patterns(self._host.secrets.redact(text))

    async def _begin(self, work: Work, occasion: Occasion, plan: Any) -> store.Done:
        now = self._host.clock.now()
        return await self._database.write(lambda connection: store.begin(connection, work, occasion, plan, now))

    async def _end(
        self,
        work: Work,
        occasion: Occasion,
        event: str,
        performed: Performed,
        tally: Tally,
        answers: Sequence[Mapping[str, Any]] | None = None,
    ) -> Performed:
        now = self._host.clock.now()
        details = list(answers) if answers is not None else [_told(step) for step in tally.steps[: store.KEPT_DETAILS]]
        told = {
            "occasion": occasion.key,
            "by": work.arguments.get(FOR) or occasion.by,
            "outcome": performed.outcome.value,
            "sentence": performed.sentence,
            "figures": dict(performed.facts),
        }
        # What lines say is not for the journal, which is never forgotten.
        entry = NewEntry(occasion.by, event, performed.record, told if answers is not None else {**told, "steps": details})

        def write(connection: Connection) -> None:
            store.end(connection, occasion.key, performed, details, now)
            if not store.says_the_same(connection, occasion.key):
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
