"""The outbox while a server runs: an Activity that sends what waits, stores what came of it, and says which receivers get nothing.

A notice leaves the outbox only when its end is stored. What was sent when the process died is sent again, with the same key.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from keepwell.kernel.problems import KeepwellError, NotFound, StorageError
from keepwell.ports.activity import Job
from keepwell.ports.alerts import Known, Tell
from keepwell.ports.host import Host
from keepwell.rooms.alerts.delivery.model import Delivered, Outcome, Refused, TryLater
from keepwell.rooms.alerts.delivery.resolve import Receivers
from keepwell.rooms.alerts.delivery.work import deliver
from keepwell.rooms.alerts.model import Notice
from keepwell.rooms.alerts.notice import unpacked
from keepwell.storage import journal
from keepwell.storage.database import Database

from . import decide, store, told
from .model import Ended, Failed, Fate, Line, Queue, Row, Waiting
from .trial import Asked, Everybody, chosen, gap, nobody, result, trial

_log = logging.getLogger("keepwell.outbox")

_EXPIRED = "it expired before the receiver took it"
_SOON = 1.0
"""Seconds until the database, or who keeps alerts, is asked again after a refusal."""
_PATIENCE = 10.0
"""Seconds that whoever sends a test waits for its end."""

Came = Ended | Failed
"""What came of a notice, to be stored."""


class Outbox:
    """Sends what waits. ``tell`` and ``known`` are of who keeps alerts: a receiver that gets nothing is an alert.

    ``delivered``, ``failed`` and ``lost`` count attempts since the start, ``waiting`` is how many notices waited when last looked at.
    """

    def __init__(self, database: Database, receivers: Receivers, host: Host, tell: Tell, known: Known) -> None:
        self.delivered = self.failed = self.lost = self.waiting = 0
        self.fault = ""
        """Why the outbox could not be read or written the last time; empty where it could."""
        self._database = database
        self._receivers = receivers
        self._service = self._external_url = ""
        self._everybody: Everybody = nobody
        self._host = host
        self._tell = tell
        self._known = known
        self._lines: dict[str, Line] = {}
        self._sending: dict[int, Waiting] = {}
        self._ready: list[Waiting] = []
        self._unsaved: list[Came] = []
        self._untold = False
        self._looking = False
        self._due: float | None = 0.0
        self._wake: Callable[[], None] = lambda: None
        self._ends: dict[str, asyncio.Event] = {}

    def on_wake(self, wake: Callable[[], None]) -> None:
        """What makes the engine look again at what is due."""
        self._wake = wake

    async def begin(self) -> None:
        """Goes on from what is stored: which receivers failed, and which notices were tried in vain. Raises StorageError."""
        self._lines = told.lines_of(self._known(told.SOURCE))
        for receiver, id in await self._database.read(lambda connection: store.often_tried(connection, decide.ENOUGH)):
            line = self._line(receiver)
            self._lines[receiver] = replace(line, stuck=line.stuck | {id}, since=line.since or self._host.clock.now())
        self._untold = True
        self.wake_up()

    def configure(self, receivers: Receivers, service: str = "", external_url: str = "", everybody: Everybody = nobody) -> None:
        """Takes a configuration. Every receiver is tried anew at once, since it may be another one now. For tests: ``service`` and
        ``external_url`` (where people find the pages) stand in them, ``everybody`` says whom an escalation reaches."""
        self._receivers, self._service, self._external_url, self._everybody = receivers, service, external_url, everybody
        self._lines = {name: replace(line, until=0.0) for name, line in self._lines.items() if receivers.ways(name) is not None}
        self._untold = True
        self.wake_up()

    async def close(self) -> None:
        """Stores what came of the last notices, so that they are not sent again after the next start. To be called once nothing runs."""
        try:
            await self._save()
        except StorageError as error:
            _log.warning("what came of the last notices is not stored; they are sent again", extra={"facts": {"why": str(error)}})

    def wake_up(self) -> None:
        """There is something new in the outbox."""
        self._due = self._host.clock.monotonic()
        self._wake()

    def failing(self) -> Sequence[str]:
        """The receivers that get nothing, each with why."""
        return [f"{name}: {line.lost or line.why}" for name, line in sorted(self._lines.items()) if decide.is_failing(line)]

    def _line(self, receiver: str) -> Line:
        return self._lines.get(receiver, Line())

    # --- the activity ---

    def next_due(self) -> float | None:
        """See ports.activity.Activity."""
        if self._ready:
            return self._host.clock.monotonic()
        return None if self._looking else self._due

    def take_due(self, monotonic: float) -> Sequence[Job]:
        """See ports.activity.Activity."""
        jobs = [Job(monotonic, f"notice to {waiting.receiver}", partial(self._send, waiting)) for waiting in self._ready]
        self._ready = []
        if self._due is not None and self._due <= monotonic and not self._looking:
            self._looking, self._due = True, None
            jobs.append(Job(monotonic, "look at the outbox", self._look))
        return jobs

    async def _look(self) -> None:
        """Stores what is not stored yet, gives up what has expired, and takes what can be sent."""
        try:
            await self._save()
            await self._expire()
            await self._say()
            queues = await self._database.read(store.queues)
            for queue in sorted(queues, key=lambda queue: self._line(queue.receiver).failures):
                await self._take(queue)
            self.waiting = sum(queue.count for queue in queues)
            self._plan(queues)
            self.fault = ""
        except StorageError as error:
            self._stumbled(str(error))
        except Exception:
            # A defect of ours must not end the delivery of everything else.
            _log.exception("the outbox could not be looked at")
            self._look_within(_SOON)
        finally:
            self._looking = False
            self._wake()

    def _stumbled(self, why: str) -> None:
        if not self.fault:
            _log.error("the outbox cannot be used now; it is tried again", extra={"facts": {"why": why}})
        self.fault = why
        self._look_within(_SOON)

    def _look_within(self, seconds: float) -> None:
        then = self._host.clock.monotonic() + seconds
        self._due = then if self._due is None else min(self._due, then)

    def _plan(self, queues: Sequence[Queue]) -> None:
        now = self._host.clock.monotonic()
        configured = {queue.receiver: self._line(queue.receiver) for queue in queues if self._receivers.ways(queue.receiver) is not None}
        full = {receiver for receiver, count in self._on_their_way().items() if count}
        then = decide.next_look(queues, configured, full, now)
        if then is not None:
            self._look_within(then - now)

    def _on_their_way(self) -> Counter[str]:
        return Counter(waiting.receiver for waiting in self._sending.values())

    async def _take(self, queue: Queue) -> None:
        if self._receivers.ways(queue.receiver) is None:
            return
        here, everywhere = self._on_their_way()[queue.receiver], len(self._sending)
        room = decide.room(self._line(queue.receiver), here, everywhere, self._host.clock.monotonic())
        if not room:
            return
        busy = {waiting.digest for waiting in self._sending.values() if waiting.receiver == queue.receiver}
        for waiting in await self._database.read(lambda connection: store.heads(connection, queue.receiver, busy, room)):
            self._sending[waiting.id] = waiting
            self._ready.append(waiting)

    # --- one notice ---

    async def _send(self, waiting: Waiting) -> None:
        outcome: Outcome
        try:
            outcome = await deliver(self._host, self._receivers, unpacked(waiting.payload), waiting.served)
        except ValueError as error:
            outcome = Refused(f"what is stored of it cannot be read ({error})")
        except Exception as error:
            _log.exception("a notice could not be sent", extra={"facts": {"receiver": waiting.receiver, "notice": waiting.id}})
            outcome = TryLater(f"Keepwell itself failed at it ({type(error).__name__}); its log says where", served=waiting.served)
        except BaseException:
            self._sending.pop(waiting.id, None)
            raise
        self._came(replace(waiting, tries=waiting.tries + 1), outcome)
        self.wake_up()

    def _came(self, waiting: Waiting, outcome: Outcome) -> None:
        now, monotonic = self._host.clock.now(), self._host.clock.monotonic()
        before = self._line(waiting.receiver)
        line = self._lines[waiting.receiver] = decide.after(before, outcome, waiting.id, waiting.tries, monotonic, now)
        self._untold = self._untold or decide.is_failing(line) or decide.is_failing(before)
        self._log(waiting, outcome)
        match outcome:
            case Delivered():
                self.delivered += 1
                self._unsaved.append(Ended(waiting, Fate.DELIVERED, outcome.note, now))
            case Refused():
                self.lost += 1
                self._unsaved.append(Ended(waiting, Fate.REFUSED, outcome.why, now))
            case TryLater():
                self.failed += 1
                next_at = now + timedelta(seconds=max(line.until - monotonic, 0.0))
                self._unsaved.append(Failed(waiting, outcome.why, next_at, outcome.served))

    def _log(self, waiting: Waiting, outcome: Outcome) -> None:
        facts = {"receiver": waiting.receiver, "notice": waiting.id, "tries": waiting.tries}
        if isinstance(outcome, Delivered):
            _log.info("notice delivered", extra={"facts": facts})
        elif isinstance(outcome, Refused):
            _log.error("notice refused", extra={"facts": {**facts, "why": outcome.why}})
        else:
            _log.warning("notice not delivered, tried again later", extra={"facts": {**facts, "why": outcome.why}})

    async def _save(self) -> None:
        """Stores what came of notices, all in one transaction. Until it is stored, none of them is sent again."""
        if not self._unsaved:
            return
        came = list(self._unsaved)
        now = self._host.clock.now()

        def change(connection: Connection) -> None:
            ended = [one for one in came if isinstance(one, Ended) and store.end(connection, one)]
            for one in came:
                if isinstance(one, Failed):
                    store.fail(connection, one)
            journal.append_many(connection, [told.entry(one) for one in ended], now)

        await self._database.write(change)
        self._unsaved = self._unsaved[len(came) :]
        for one in came:
            self._sending.pop(one.waiting.id, None)
            if isinstance(one, Ended) and one.waiting.key in self._ends:
                self._ends[one.waiting.key].set()

    async def _expire(self) -> None:
        now = self._host.clock.now()
        over = await self._database.read(lambda connection: store.expired(connection, now))
        for waiting in over:
            if waiting.id in self._sending:
                continue
            self._sending[waiting.id] = waiting
            self.lost += 1
            line = self._line(waiting.receiver)
            why = f"{_EXPIRED} ({line.why})" if line.why else _EXPIRED
            if self._receivers.ways(waiting.receiver) is not None:
                self._lines[waiting.receiver] = decide.lost(line, waiting.id, why, now)
                self._untold = True
            self._unsaved.append(Ended(waiting, Fate.EXPIRED, why, now))
            _log.error("notice expired", extra={"facts": {"receiver": waiting.receiver, "notice": waiting.id, "tries": waiting.tries}})
        await self._save()

    async def _say(self) -> None:
        """Tells who keeps alerts which receivers get nothing."""
        if not self._untold:
            return
        self._untold = False
        now = self._host.clock.now()
        try:
            await self._tell(told.SOURCE, told.failing(self._lines, now), now)
        except KeepwellError:
            self._untold = True
            raise

    # --- what people ask ---

    async def retry(self, id: int, actor: str) -> None:
        """Tries a notice again now, whatever became of it. Raises NotFound, and KeepwellError for one that was delivered."""
        await self._changed(id, actor, Fate.WAITING)

    async def drop(self, id: int, actor: str) -> None:
        """Gives a notice up that waits. Raises NotFound, and KeepwellError for one that does not wait."""
        await self._changed(id, actor, Fate.DROPPED)

    async def _changed(self, id: int, actor: str, fate: Fate) -> None:
        now = self._host.clock.now()

        def change(connection: Connection) -> Waiting:
            row = store.find(connection, id)
            if row is None:
                raise NotFound(f"there is no notice {id} in the outbox", hint="keepwell outbox list shows what there is")
            waiting = told.waiting_of(row)
            if fate is Fate.DROPPED:
                done = store.end(connection, Ended(waiting, fate, f"dropped by {actor}", now))
            else:
                done = store.again(connection, id, now, self._receivers.lives(row.receiver))
            if not done:
                raise KeepwellError(f"notice {id} is {row.state}: nothing of it is left to do")
            event = "notice.dropped" if fate is Fate.DROPPED else "notice.retried"
            facts = {"key": row.key, "tries": row.tries, "alerts": told.numbers(row.payload)}
            journal.append(connection, journal.NewEntry(actor, event, f"receivers/{row.receiver}", facts), now)
            return waiting

        waiting = await self._database.write(change)
        line = decide.forgotten(self._line(waiting.receiver), id)
        self._lines[waiting.receiver] = replace(line, until=0.0)
        self._untold = True
        self.wake_up()

    async def test(self, receivers: Sequence[str], severity: str, message: str, by: str) -> Sequence[Mapping[str, Any]]:
        """Sends a test to these (see ``trial.chosen``; none: to all receivers), waits some seconds, and says of each what became of it.
        Raises NotFound."""
        wanted, now = chosen(self._receivers, receivers, self._everybody), self._host.clock.now()
        asked = Asked(severity, message, by, self._service, self._external_url)
        rows = await self.put([trial(name, now, asked) for name in wanted.to], _PATIENCE)
        return [*map(result, rows), *map(gap, wanted.gaps)]

    async def put(self, notices: Sequence[Notice], seconds: float) -> list[Row]:
        """Adds notices of their own, waits at most so long until all of them have ended, and gives their rows."""
        self._ends |= {notice.key: asyncio.Event() for notice in notices}
        keys = [notice.key for notice in notices]
        try:
            await self._database.write(lambda connection: store.put(connection, notices, self._receivers.lives))
            self.wake_up()
            waits = [asyncio.ensure_future(self._ends[key].wait()) for key in keys]
            _, late = await asyncio.wait(waits, timeout=seconds) if waits else ((), ())
            for wait in late:
                wait.cancel()
            return await self._database.read(lambda connection: store.by_key(connection, keys))
        finally:
            for key in keys:
                self._ends.pop(key, None)
