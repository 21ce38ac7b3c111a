"""The room while a server runs: backups are made and proved, each occasion once, and what was done is known."""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection

from keepwell.kernel.problems import AskError, KeepwellError, NotFound, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.host import Host
from keepwell.ports.permission import Permissions
from keepwell.ports.work import Occasion, Outcome, Performed, Work
from keepwell.rooms.backups import store
from keepwell.rooms.backups.model import Copy, Run
from keepwell.rooms.backups.resolve import Backup
from keepwell.storage import journal
from keepwell.storage.database import Database

from .ports import Blocking, Ports, remove_scratch

_log = logging.getLogger("keepwell.backups")

_CUT_OFF = "it was cut off when Keepwell ended; nothing of it counts until it is done again"
_RECOVERY_CUT_OFF = (
    "it was cut off when Keepwell ended: what was there is in its place still, or beside it under a name with .before-, or in a folder "
    ".keepwell-recovery-INSTANT beside it"
)

_OUTCOMES = {"done": Outcome.DONE, "failed": Outcome.FAILED, "refused": Outcome.REFUSED, "waiting": Outcome.WAITING}


class Look(Protocol):
    """Looks once at a check as if its target were at that address: whether it is ok, and what was seen."""

    async def __call__(self, check: str, url: str, /) -> tuple[bool, str]: ...


class Stopped(Exception):
    """The server is being stopped; what was under way goes on after the next start, when its occasion is asked for again."""


class Backups:
    """Makes and proves backups; their state lies in ``data``. ``changed`` is called when there is something new to show."""

    def __init__(self, database: Database, host: Host, data: Path, look: Look, blocking: Blocking) -> None:
        self._database, self._host, self._data = database, host, data
        self._look, self._blocking = look, blocking
        self.changed: Callable[[], None] = lambda: None
        self.permissions: Permissions | None = None
        """Who says whether something may be put in the place of what is there; set before ``begin``."""
        self._backups: Mapping[str, Backup] = {}
        self._service, self._user = "", ""
        self._under_way: dict[int, asyncio.Task[Performed]] = {}
        self._going_on: set[asyncio.Task[None]] = set()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._stopping = threading.Event()

    def configure(self, backups: Mapping[str, Backup], service: str, user: str) -> None:
        """Takes a configuration; what is under way goes on with the one of before."""
        self._backups, self._service, self._user = backups, service, user

    @property
    def backups(self) -> Mapping[str, Backup]:
        """The configured backups, by name."""
        return self._backups

    async def begin(self) -> None:
        """Removes what a crash left in the scratch folder, and makes the records say what lies in the repositories."""
        await self._blocking(lambda: remove_scratch(self._data))
        now = self._host.clock.now()
        await self._database.write(lambda connection: _cut_off(connection, now))
        if self.permissions is not None:
            self.permissions.on_decided(self._decided)
        await self._go_on()
        for fault in await self.look_again():
            _log.warning("a repository could not be looked at", extra={"facts": {"why": fault}})

    def _decided(self, subject: str) -> None:
        """A person decided a wish: whatever waited for it goes on."""
        if subject.startswith("backups/recoveries/"):
            task = asyncio.get_running_loop().create_task(self._go_on())
            self._going_on.add(task)
            task.add_done_callback(self._going_on.discard)

    async def _go_on(self) -> None:
        for run in await self._database.read(store.waiting):
            if run.backup in self._backups:
                await self.start(Work(run.kind, run.backup, run.arguments), Occasion(run.key, run.by, run.at))

    async def end(self) -> None:
        """Ends what is under way: soon, and without a copy that is none."""
        self._stopping.set()
        if self._under_way:
            await asyncio.wait(self._under_way.values())

    async def perform(self, work: Work, occasion: Occasion) -> Performed:
        """Makes or proves a backup (see ports.work.Perform)."""
        run, task = await self._begun(work, occasion)
        return _performed(run) if task is None else await asyncio.shield(task)

    async def start(self, work: Work, occasion: Occasion) -> Run:
        """The same without waiting for its end: the run as it is now."""
        return (await self._begun(work, occasion))[0]

    async def _begun(self, work: Work, occasion: Occasion) -> tuple[Run, "asyncio.Task[Performed] | None"]:
        backup = self.known(work.name)
        now = self._host.clock.now()
        run, begun = await self._database.write(lambda connection: store.begin(connection, work, occasion, now))
        if run.state != "running":
            return run, None
        if begun is store.Begun.AGAIN and run.id in self._under_way:
            await asyncio.wait([self._under_way[run.id]])  # it stored that it waits, and is about to end, or went on meanwhile
            id = run.id
            now_known = await self._database.read(lambda connection: store.run(connection, id))
            if now_known is not None and now_known.state not in ("running", "waiting"):
                return now_known, None
        if begun is not store.Begun.KNOWN or run.id not in self._under_way:
            task = asyncio.create_task(self._do(run, backup, work, resumed=begun is not store.Begun.NEW), name=f"{work.kind} {work.name}")
            self._under_way[run.id] = task
            task.add_done_callback(lambda ended: self._ended_under_way(run.id, ended))
            self.changed()
        return run, self._under_way[run.id]

    def _ended_under_way(self, id: int, task: "asyncio.Task[Performed]") -> None:
        if self._under_way.get(id) is task:
            del self._under_way[id]

    def known(self, name: str) -> Backup:
        """The backup of that name. Raises NotFound."""
        if name not in self._backups:
            known = ", ".join(sorted(self._backups)[:20]) or "none"
            raise NotFound(f"there is no backup {quoted(name)}", hint=f"the backups are: {known}")
        return self._backups[name]

    async def _do(self, run: Run, backup: Backup, work: Work, resumed: bool) -> Performed:
        try:
            ended = await self._ended(run, backup, work, resumed)
        except Stopped:
            return Performed(Outcome.FAILED, "Keepwell is being stopped; it goes on after the next start", f"backups/{backup.name}")
        finally:
            self.changed()
        return _performed(ended)

    async def _ended(self, run: Run, backup: Backup, work: Work, resumed: bool) -> Run:
        if backup.why_not:
            return await self._stored(replace(run, state="refused", sentence=backup.why_not))
        try:
            if work.kind == "backup":
                from .making import make

                async with self._turns[backup.name]:  # two that are asked for at once come one after the other
                    self._stop()
                    return await make(self.ports, backup, run, resumed)
            if work.kind == "recovery":
                from .recovering import recover

                if self.permissions is None:
                    raise AskError("nobody gives permissions here, and recovering in place needs one")
                return await recover(self.ports, backup, run, self.permissions)
            from .proving import prove

            return await prove(self.ports, backup, run, work.arguments.get("copy", ""), self._look)
        except (KeepwellError, OSError) as error:
            return await self._stored(replace(run, state="failed", sentence=str(error)))
        except Stopped:
            raise
        except Exception:
            # A defect of ours: the run must not stand as running for ever.
            _log.exception("a %s of %s ended in an internal fault", run.kind, backup.name)
            return await self._stored(replace(run, state="failed", sentence="an internal fault of Keepwell; its log has the details"))

    async def _stored(self, run: Run) -> Run:
        """A run that came to nothing, stored and in the journal."""
        now = self._host.clock.now()
        ended = replace(run, ended=now)
        event = f"{run.kind}.{run.state}"

        def change(connection: Connection) -> None:
            store.end(connection, ended)
            facts = {"run": run.id, "why": run.sentence}
            journal.append(connection, journal.NewEntry(run.by, event, f"backups/{run.backup}", facts), now)

        await self._database.write(change)
        return ended

    @property
    def ports(self) -> Ports:
        """What the work is done by."""
        return Ports(self._database, self._host, self._data, self._blocking, self._service, self._user, self._stop)

    def _stop(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    async def look_again(self) -> list[str]:
        """Makes the records say what lies in the repositories; gives a sentence for each that could not be looked at."""
        kept = [backup for backup in self._backups.values() if backup.place is not None]
        if not kept:
            return []
        # With cryptography they weigh a few megabytes, which a server without backups does not need.
        from .making import signer
        from .repositories import reconcile

        faults: list[str] = []
        try:
            key = await signer(self.ports)
        except KeepwellError as error:
            return [str(error)]  # each backup and proof will say so; all the rest of the server goes on
        for backup in kept:
            try:
                await reconcile(self.ports, backup, key.public)
            except (KeepwellError, OSError) as error:
                faults.append(f"{backup.name}: {error}")
        return faults

    async def accept(self, name: str, id: str, by: str) -> Copy:
        """Says of a copy that was held for implausible that it is right. Raises NotFound, or UsageError where it was not
        held for implausible."""
        copy = await self.copy(name, id)
        if copy.gone_at is not None:
            raise NotFound(f"the copy {id} of {name} is gone: {copy.gone_why}")
        if not copy.doubt:
            raise UsageError(f"the copy {id} of {name} is not held for implausible" + (f": {copy.fault}" if copy.fault else ""))
        now = self._host.clock.now()
        accepted = replace(copy, doubt="", accepted=True)

        def change(connection: Connection) -> None:
            store.put(connection, accepted)
            facts = {"copy": id, "doubt": copy.doubt}
            journal.append(connection, journal.NewEntry(by, "backup.accepted", f"backups/{name}", facts), now)

        await self._database.write(change)
        self.changed()
        return accepted

    async def copy(self, name: str, id: str) -> Copy:
        """A copy of a backup by its id. Raises NotFound."""
        self.known(name)
        found = await self._database.read(lambda connection: store.copy(connection, name, id))
        if found is None:
            raise NotFound(f"there is no copy {quoted(id)} of {quoted(name)}")
        return found

    async def copies(self, name: str) -> Sequence[Copy]:
        """The copies of a backup that are there, oldest first. Raises NotFound."""
        self.known(name)
        return await self._database.read(lambda connection: store.copies(connection, name))

    async def newest_proof(self, backup: str | None) -> datetime | None:
        """See ports.records.Records."""
        if not self._backups or (backup is not None and backup not in self._backups):
            raise AskError(f"no backup is called {quoted(backup)}" if backup else "no backup is configured")
        proofs = await self._database.read(store.newest_proofs)
        if backup is not None:
            return proofs.get(backup)
        return min((proofs[name] for name in self._backups), default=None) if all(name in proofs for name in self._backups) else None


def _cut_off(connection: Connection, now: datetime) -> None:
    """Runs that the last life of the server left behind, stored and in the journal."""
    left = [replace(run, state=store.CUT_OFF, ended=now, sentence=_cut_off_sentence(run)) for run in store.running(connection)]
    for run in left:
        store.end(connection, run)
    entries = [journal.NewEntry("keepwell", f"{run.kind}.cut-off", f"backups/{run.backup}", {"run": run.id}) for run in left]
    journal.append_many(connection, entries, now)


def _cut_off_sentence(run: Run) -> str:
    return _RECOVERY_CUT_OFF if run.kind == "recovery" else _CUT_OFF


def _performed(run: Run) -> Performed:
    return Performed(_OUTCOMES[run.state], run.sentence, f"backups/runs/{run.id}", run.facts)
