"""Named queries over the tables of backups."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from keepwell.ports.work import Occasion, Work
from keepwell.storage.database import upsert

from .model import Copy, Manifest, Run
from .tables import COPY, RUN

CUT_OFF = "cut off"
"""The state of a run that a crash or a stop of the server ended. It goes on when its occasion is asked for again."""
GOES_ON = (CUT_OFF, "waiting")
"""States in which a run goes on when its occasion is asked for again."""


class Begun(Enum):
    """How a run stands when its occasion is asked for."""

    NEW = "new"
    AGAIN = "again"
    KNOWN = "known"


def begin(connection: Connection, work: Work, occasion: Occasion, now: datetime) -> tuple[Run, Begun]:
    """The run of an occasion, and whether it is new, goes on, or is as it was."""
    found = connection.execute(select(RUN).where(RUN.c.kind == work.kind, RUN.c.backup == work.name, RUN.c.key == occasion.key)).first()
    if found is not None:
        known = _run(found)
        if known.state not in GOES_ON:
            return known, Begun.KNOWN
        go_on(connection, known)
        return replace(known, state="running", ended=None, sentence=""), Begun.AGAIN
    row = {
        "kind": work.kind,
        "backup": work.name,
        "key": occasion.key,
        "made_by": occasion.by,
        "at": occasion.at,
        "state": "running",
        "started_at": now,
        "copy": "",
        "sentence": "",
        "facts": {},
        "arguments": dict(work.arguments),
    }
    id = connection.execute(insert(RUN).values(**row).returning(RUN.c.id)).scalar_one()
    new = Run(id, work.kind, work.name, occasion.key, occasion.by, occasion.at, "running", now, arguments=dict(work.arguments))
    return new, Begun.NEW


def end(connection: Connection, run: Run) -> None:
    """Stores how a run ended."""
    values = {"state": run.state, "ended_at": run.ended, "copy": run.copy, "sentence": run.sentence, "facts": dict(run.facts)}
    connection.execute(update(RUN).where(RUN.c.id == run.id).values(**values))


def run(connection: Connection, id: int) -> Run | None:
    """A run by its number."""
    row = connection.execute(select(RUN).where(RUN.c.id == id)).first()
    return None if row is None else _run(row)


def runs(connection: Connection, backup: str | None = None, limit: int = 50) -> list[Run]:
    """The newest runs, newest first: of one backup, or of all."""
    query = select(RUN).order_by(RUN.c.id.desc()).limit(limit)
    if backup is not None:
        query = query.where(RUN.c.backup == backup)
    return [_run(row) for row in connection.execute(query)]


def running(connection: Connection) -> list[Run]:
    """The runs that are under way, or were when the server ended."""
    return [_run(row) for row in connection.execute(select(RUN).where(RUN.c.state == "running").order_by(RUN.c.id))]


def waiting(connection: Connection) -> list[Run]:
    """The runs that wait for a permission."""
    return [_run(row) for row in connection.execute(select(RUN).where(RUN.c.state == "waiting").order_by(RUN.c.id))]


def go_on(connection: Connection, run: Run) -> None:
    """A run that was cut off is under way again."""
    connection.execute(update(RUN).where(RUN.c.id == run.id).values(state="running", ended_at=None, sentence=""))


def newest_runs(connection: Connection) -> dict[tuple[str, str], Run]:
    """The newest run of each backup and kind."""
    newest = select(func.max(RUN.c.id)).group_by(RUN.c.backup, RUN.c.kind)
    return {(run.backup, run.kind): run for run in map(_run, connection.execute(select(RUN).where(RUN.c.id.in_(newest))))}


def copies(connection: Connection, backup: str | None = None, with_gone: bool = False) -> list[Copy]:
    """The copies that are there, oldest first."""
    query = select(COPY).order_by(COPY.c.backup, COPY.c.started_at, COPY.c.id)
    if backup is not None:
        query = query.where(COPY.c.backup == backup)
    if not with_gone:
        query = query.where(COPY.c.gone_at.is_(None))
    return [_copy(row) for row in connection.execute(query)]


def copy(connection: Connection, backup: str, id: str) -> Copy | None:
    """One copy, gone or not."""
    row = connection.execute(select(COPY).where(COPY.c.backup == backup, COPY.c.id == id)).first()
    return None if row is None else _copy(row)


def put(connection: Connection, copy: Copy) -> None:
    """Stores a copy as it is now."""
    row: Mapping[str, Any] = {
        "backup": copy.backup,
        "id": copy.id,
        "repository": copy.repository,
        "started_at": copy.started,
        "finished_at": copy.finished,
        "archive_bytes": copy.archive_bytes,
        "files": copy.files,
        "bytes": copy.bytes,
        "digest": copy.digest,
        "doubt": copy.doubt,
        "proven_at": copy.proven_at,
        "recovery_seconds": copy.recovery_seconds,
        "fault": copy.fault,
        "gone_at": copy.gone_at,
        "gone_why": copy.gone_why,
        "accepted": copy.accepted,
    }
    upsert(connection, COPY, [row])


def newest_proofs(connection: Connection) -> dict[str, datetime]:
    """When a copy of each backup was last proven; copies that went meanwhile count too."""
    newest = select(COPY.c.backup, func.max(COPY.c.proven_at)).where(COPY.c.proven_at.is_not(None)).group_by(COPY.c.backup)
    return {backup: at for backup, at in connection.execute(newest)}


def known(manifest: Manifest, digest: str, repository: str) -> Copy:
    """A copy as its manifest tells of it."""
    return Copy(
        id=manifest.id,
        backup=manifest.backup,
        repository=repository,
        started=manifest.started,
        finished=manifest.finished,
        archive_bytes=manifest.archive.size,
        files=manifest.totals.files,
        bytes=manifest.totals.bytes,
        digest=digest,
    )


def gone(copy: Copy, at: datetime, why: str) -> Copy:
    """The copy once it is gone."""
    return replace(copy, gone_at=at, gone_why=why)


def _run(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        kind=row.kind,
        backup=row.backup,
        key=row.key,
        by=row.made_by,
        at=row.at,
        state=row.state,
        started=row.started_at,
        ended=row.ended_at,
        copy=row.copy,
        sentence=row.sentence,
        facts=row.facts,
        arguments=row.arguments,
    )


def _copy(row: Row[Any]) -> Copy:
    return Copy(
        id=row.id,
        backup=row.backup,
        repository=row.repository,
        started=row.started_at,
        finished=row.finished_at,
        archive_bytes=row.archive_bytes,
        files=row.files,
        bytes=row.bytes,
        digest=row.digest,
        doubt=row.doubt,
        proven_at=row.proven_at,
        recovery_seconds=row.recovery_seconds,
        fault=row.fault,
        gone_at=row.gone_at,
        gone_why=row.gone_why,
        accepted=row.accepted,
    )
