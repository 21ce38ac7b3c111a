"""What is kept of audits: rows to values and back, and named questions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from keepwell.storage.database import upsert

from .model import Made, Standing, Waiver, digest_of
from .tables import FINDING, RUN, WAIVER

OWN = "audits/"
"""How the occasions begin on which a person asked for an audit."""


def findings(connection: Connection, audit: str | None = None, with_gone: bool = False) -> list[Standing]:
    """Findings, of one audit or of all, oldest first; with those that are gone where asked."""
    query = select(FINDING).order_by(FINDING.c.audit, FINDING.c.since, FINDING.c.key)
    if audit is not None:
        query = query.where(FINDING.c.audit == audit)
    if not with_gone:
        query = query.where(FINDING.c.gone_at.is_(None))
    return [_standing(row) for row in connection.execute(query)]


def put_findings(connection: Connection, rows: Sequence[Standing]) -> None:
    """Writes findings as they stand."""
    upsert(connection, FINDING, [_finding_row(one) for one in rows])


def waivers(connection: Connection) -> list[Waiver]:
    """All of them, those that have ended too."""
    return [Waiver(row.audit, row.key, row.until, row.reason, row.made_by, row.made_at) for row in connection.execute(select(WAIVER))]


def put_waiver(connection: Connection, one: Waiver) -> None:
    """Writes a waiver; one of the same finding before goes."""
    row = {"audit": one.audit, "digest": digest_of(one.key), "key": one.key, "until": one.until, "reason": one.reason}
    upsert(connection, WAIVER, [{**row, "made_by": one.by, "made_at": one.at}])


def drop_waiver(connection: Connection, audit: str, key: str) -> bool:
    """Removes a waiver; whether there was one."""
    return connection.execute(delete(WAIVER).where(WAIVER.c.audit == audit, WAIVER.c.digest == digest_of(key))).rowcount > 0


def run_of(connection: Connection, occasion: str) -> Made | None:
    """What was made on an occasion."""
    row = connection.execute(select(RUN).where(RUN.c.occasion == occasion)).first()
    return _made(row) if row is not None else None


def put_run(connection: Connection, made: Made) -> None:
    """Writes what is made, or was."""
    row = {name: getattr(made, name) for name in Made.__slots__ if name != "by"}
    upsert(connection, RUN, [{**row, "made_by": made.by}])


def newest_runs(connection: Connection) -> dict[str, Made]:
    """The newest that has ended, of each audit."""
    ended = RUN.c.ended_at.is_not(None)
    newest = select(RUN.c.audit, func.max(RUN.c.began_at).label("began_at")).where(ended).group_by(RUN.c.audit).subquery()
    of_it = (RUN.c.audit == newest.c.audit) & (RUN.c.began_at == newest.c.began_at)
    query = select(RUN).join(newest, of_it).where(ended)
    return {row.audit: _made(row) for row in connection.execute(query)}


def runs_of(connection: Connection, audit: str, limit: int) -> list[Made]:
    """The newest of one audit, newest first."""
    return [_made(row) for row in connection.execute(select(RUN).where(RUN.c.audit == audit).order_by(RUN.c.began_at.desc()).limit(limit))]


def forget_interrupted(connection: Connection) -> None:
    """Deletes what was begun and has no end. What is of a schedule is made again under its occasion, and then stands here again."""
    connection.execute(delete(RUN).where(RUN.c.ended_at.is_(None)))


def unfinished(connection: Connection) -> list[str]:
    """The occasions on which a person asked for an audit, and which have begun and not ended. Those of a schedule are the calendar's."""
    query = select(RUN.c.occasion).where(RUN.c.ended_at.is_(None), RUN.c.occasion.like(f"{OWN}%"))
    return list(connection.scalars(query.order_by(RUN.c.began_at)))


def forget_begun(connection: Connection, occasion: str) -> None:
    """Deletes what was begun on an occasion and has no end."""
    connection.execute(delete(RUN).where(RUN.c.occasion == occasion, RUN.c.ended_at.is_(None)))


def forget(connection: Connection, before: datetime) -> None:
    """Deletes findings that were gone before that instant, waivers that ended before it, and what was made before it."""
    connection.execute(delete(FINDING).where(FINDING.c.gone_at < before))
    connection.execute(delete(WAIVER).where(WAIVER.c.until < before))
    connection.execute(delete(RUN).where(RUN.c.began_at < before))


def _standing(row: Any) -> Standing:
    return Standing(row.audit, row.key, row.sentence, row.first_seen, row.since, row.last_seen, row.gone_at, row.times)


def _finding_row(one: Standing) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in Standing.__slots__}, "digest": digest_of(one.key)}


def _made(row: Any) -> Made:
    counted = (row.findings, row.new, row.waived)
    return Made(row.occasion, row.audit, row.made_by, row.began_at, row.ended_at, row.outcome, row.sentence, *counted)
