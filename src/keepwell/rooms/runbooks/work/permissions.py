"""Permissions: wishes are stored, people decide them, and a decision counts for exactly what it was given for."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from keepwell.kernel.problems import NotFound, Refused
from keepwell.ports.clock import Clock
from keepwell.ports.permission import Decision, Deed, Ruling
from keepwell.rooms.runbooks.options import Who
from keepwell.rooms.runbooks.tables import PERMISSION
from keepwell.storage import journal
from keepwell.storage.database import Database

ASKED, GRANTED, DENIED = "asked", "granted", "denied"


def person(actor: str) -> str:
    """The name of who sent a request: the user at the other end of the Unix socket, or the token's name."""
    return actor.removeprefix("uid:")


class PermissionDesk:
    """Keeps wishes and decisions; ``policy`` is that of the configuration in force."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self.policy: Who = "approve"
        self._told: list[Callable[[str], None]] = []

    def on_decided(self, told: Callable[[str], None]) -> None:
        """Calls ``told`` with the subject of each wish that a person decides."""
        self._told.append(told)

    async def ask(self, deed: Deed) -> Ruling:
        """What holds for the wish now; stored the first time, so that people see that it waits."""
        if self.policy == "allow":
            return Ruling(Decision.GRANTED, "the policy allows it")
        if self.policy == "forbid":
            return Ruling(Decision.FORBIDDEN, "the policy forbids what destroys or changes something")
        if self.policy == "confirm" and deed.confirmed:
            return Ruling(Decision.GRANTED, f"{person(deed.by)} confirmed it at the start", person(deed.by))
        now = self._clock.now()
        return await self._database.write(lambda connection: _asked(connection, deed, now, self._whom(deed)))

    def _whom(self, deed: Deed) -> str:
        if self.policy == "confirm":
            return "a person confirms it"
        by_itself = deed.by.startswith("tasks/")  # then everybody else is any person
        return "a person approves it" if by_itself else f"somebody else than {person(deed.by)} approves it"

    async def decide(self, number: int, granted: bool, by: str, note: str = "", until: datetime | None = None, *, digest: str = "") -> str:
        """A person decides a wish; with ``until`` the same text is permitted until then, whoever wants it. Gives the wish's subject.

        ``digest`` is that of the text that the person looked at. Raises NotFound, and Refused where another is asked for by now, where
        that person may not decide it or somebody did."""
        now, policy = self._clock.now(), self.policy

        def change(connection: Connection) -> str:
            row = _row(connection, number)
            if row.state != ASKED:
                raise Refused(f"{row.decided_by} {row.state} it already")
            if digest and digest != row.digest:
                raise Refused(f"another text is asked for by now: {row.what}", hint="look at it again")
            if policy == "approve" and granted and person(by) == person(row.asked_by):
                hint = "policy.destructive is approve: ask a colleague, who uses a token or account of their own"
                raise Refused(f"{person(by)} asked for it, so somebody else has to approve it", hint=hint)
            state = GRANTED if granted else DENIED
            values = {"state": state, "decided_by": person(by), "decided_at": now, "until": until, "note": note}
            still = (PERMISSION.c.number == number, PERMISSION.c.state == ASKED, PERMISSION.c.digest == row.digest)
            if connection.execute(update(PERMISSION).where(*still).values(values)).rowcount == 0:  # on another server, just now
                raise Refused("somebody decided it already, or another text is asked for by now", hint="look at it again")
            facts = {"what": row.what, "note": note, "digest": row.digest, "until": until.isoformat() if until else None}
            journal.append(connection, journal.NewEntry(by, f"permission.{state}", str(row.subject), facts), now)
            return str(row.subject)

        subject = await self._database.write(change)
        for told in self._told:
            told(subject)
        return subject

    async def listing(self, waiting: bool, limit: int = 100) -> list[dict[str, Any]]:
        """Wishes, the newest first; only those that wait for a person where ``waiting``."""
        query = select(PERMISSION).order_by(PERMISSION.c.number.desc()).limit(limit)
        query = query.where(PERMISSION.c.state == ASKED) if waiting else query
        return await self._database.read(lambda connection: [_told(row) for row in connection.execute(query)])

    async def waiting_for(self, prefix: str) -> list[dict[str, Any]]:
        """The wishes whose subject begins so and that wait for a person."""
        return [one for one in await self.listing(waiting=True, limit=10_000) if str(one["subject"]).startswith(prefix)]


def _asked(connection: Connection, deed: Deed, now: datetime, whom: str) -> Ruling:
    row = connection.execute(select(PERMISSION).where(PERMISSION.c.subject == deed.subject)).first()
    if row is not None and row.digest == deed.digest and row.state != ASKED:
        note = f": {row.note}" if row.note else ""
        decision = Decision.GRANTED if row.state == GRANTED else Decision.FORBIDDEN
        return Ruling(decision, f"{row.decided_by} {'approved' if row.state == GRANTED else 'denied'} it{note}", row.decided_by)
    ahead = connection.execute(
        select(PERMISSION)
        .where(PERMISSION.c.digest == deed.digest, PERMISSION.c.state == GRANTED, PERMISSION.c.until > now)
        .order_by(PERMISSION.c.number.desc())
    ).first()
    if ahead is not None:
        return Ruling(Decision.GRANTED, f"{ahead.decided_by} approved this text until {ahead.until:%Y-%m-%d}", ahead.decided_by)
    if row is None or row.digest != deed.digest:
        _store(connection, deed, now, row)
    return Ruling(Decision.ASKED, f"it needs a permission: {deed.what}; {whom}")


def _store(connection: Connection, deed: Deed, now: datetime, before: Row[Any] | None) -> None:
    values = {
        "subject": deed.subject,
        "digest": deed.digest,
        "what": deed.what,
        "asked_by": deed.by,
        "asked_at": now,
        "state": ASKED,
        "decided_by": "",
        "decided_at": None,
        "until": None,
        "note": "",
    }
    if before is None:
        connection.execute(insert(PERMISSION).values(values))
    else:
        connection.execute(update(PERMISSION).where(PERMISSION.c.number == before.number).values(values))
    facts = {"what": deed.what, "digest": deed.digest}
    journal.append(connection, journal.NewEntry(deed.by, "permission.asked", deed.subject, facts), now)


def _row(connection: Connection, number: int) -> Row[Any]:
    row = connection.execute(select(PERMISSION).where(PERMISSION.c.number == number)).first()
    if row is None:
        raise NotFound(f"there is no wish {number}", hint="keepwell runs approvals lists those that wait")
    return row


def _told(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.number,
        "subject": row.subject,
        "what": row.what,
        "digest": row.digest,
        "state": row.state,
        "asked_by": person(row.asked_by),
        "asked_at": row.asked_at.isoformat(),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
        "until": row.until.isoformat() if row.until else None,
        "note": row.note,
    }
