"""The rooms that do work (tasks, backups, incidents, audits, logs) as reports and the living manual ask them; and what they say, in the
reports' own words."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from keepwell.kernel.problems import AskError
from keepwell.rooms.incidents.model import Incident
from keepwell.rooms.reports.model import Span
from keepwell.rooms.reports.parts import tasks as task_part
from keepwell.rooms.reports.sources import Analysed, Audited, BackedUp, Done, Found, Happened
from keepwell.rooms.tasks.model import Run, State, Total
from keepwell.storage import journal
from keepwell.storage.database import Database

if TYPE_CHECKING:
    from keepwell.rooms.audits.model import Found as AuditFound
    from keepwell.rooms.audits.model import Made
    from keepwell.rooms.backups.views import Shown

_MADE = "backup.made"
_LONGEST = 300


class Tasks(Protocol):
    """The room of tasks."""

    async def totals(self, start: datetime, end: datetime, states: Sequence[str], most: int, /) -> tuple[Sequence[Total], Sequence[Run]]:
        """How many occasions were due in a span, by task and state; and the newest of them in some states, oldest first."""
        ...

    def ended_all(self) -> Mapping[str, Run]:
        """The occasion of each task that ended last."""
        ...


class Incidents(Protocol):
    """The room of incidents."""

    async def between(self, start: datetime, end: datetime, /) -> Sequence[Incident]:
        """Incidents open in a span."""
        ...


class Backups(Protocol):
    """The room of backups."""

    async def listed(self) -> "Sequence[Shown]":
        """Every backup as it stands."""
        ...


class Audits(Protocol):
    """The room of audits."""

    async def open_findings(self) -> "Sequence[AuditFound]":
        """What was found and is not gone."""
        ...

    async def newest_all(self) -> "Mapping[str, Made]":
        """The newest making of each audit."""
        ...


class Logs(Protocol):
    """The room of logs."""

    async def analysed(self, start: datetime, stop: datetime, /) -> Sequence[Mapping[str, Any]]:
        """What was analysed in a span, newest first."""
        ...

    async def newest(self, name: str, kind: str, /) -> Mapping[str, Any] | None:
        """The newest work of a kind on a policy."""
        ...


@dataclass(frozen=True, slots=True)
class Others:
    """The rooms that do work, as far as they are there."""

    tasks: Tasks | None = None
    incidents: Incidents | None = None
    backups: Backups | None = None
    audits: Audits | None = None
    logs: Logs | None = None


def tasks_asked(room: Tasks | None) -> Callable[[Span], Awaitable[Sequence[Done]]] | None:
    """Asks for the occasions of tasks: the newest with faults one by one, all others counted. What runs each minute is too much for one
    report."""
    if room is None:
        return None

    async def ask(span: Span) -> Sequence[Done]:
        totals, said = await room.totals(span.start, span.end, task_part.BAD, task_part.TOLD)
        apart: Counter[tuple[str, State]] = Counter()
        for run in said:
            apart[run.task, run.state] += run.count
        left = [(one, one.occasions - apart[one.task, one.state]) for one in totals]
        counted = [Done(one.task, one.newest, one.state.value, "", count) for one, count in left if count]
        return [*counted, *(Done(run.task, run.due_at, run.state.value, run.sentence, run.count) for run in said)]

    return ask


def incidents_asked(room: Incidents | None) -> Callable[[Span], Awaitable[Sequence[Happened]]] | None:
    """Asks for incidents."""
    if room is None:
        return None

    async def ask(span: Span) -> Sequence[Happened]:
        return [_happened(one) for one in await room.between(span.start, span.end)]

    return ask


def _happened(one: Incident) -> Happened:
    missed = tuple(clock.kind.value for clock in one.clocks if clock.missed_at is not None)
    answered, ended = one.acknowledged, one.resolved
    return Happened(
        one.number, one.title, one.severity, one.opened_at, answered.at if answered else None, ended.at if ended else None, missed
    )


def backups_asked(
    room: Backups | None, database: Database, now: Callable[[], datetime]
) -> Callable[[Span], Awaitable[Sequence[BackedUp]]] | None:
    """Asks for backups; how many were made in the span the journal knows, which keeps those too that are deleted since."""
    if room is None:
        return None

    async def ask(span: Span) -> Sequence[BackedUp]:
        entries = await database.read(lambda connection: journal.slice(connection, event=_MADE, limit=10_000))
        made = Counter(entry.subject.removeprefix("backups/") for entry in entries if span.start <= entry.at < span.end)
        return [_backed_up(one, made[one.backup.name], now()) for one in await room.listed()]

    return ask


def _backed_up(one: "Shown", made: int, now: datetime) -> BackedUp:
    newest, proven = one.newest, one.proven
    fault = one.sentence if one.state in ("failed", "waits") else ""
    return BackedUp(
        one.backup.name,
        made,
        newest.started if newest else None,
        float(newest.archive_bytes) if newest else None,
        proven.proven_at if proven else None,
        one.recovery,
        one.point(now),
        fault,
    )


def findings_asked(room: Audits | None, severities: Callable[[], Mapping[str, str]]) -> Callable[[], Awaitable[Audited]] | None:
    """Asks for open findings; ``severities`` gives that of each audit of the configuration."""
    if room is None:
        return None

    async def ask() -> Audited:
        severity = severities()
        if not severity:
            raise AskError("nothing is audited: write the section audits")
        newest = await room.newest_all()
        found = [
            Found(one.standing.audit, one.standing.sentence, severity.get(one.standing.audit, ""), one.standing.first_seen, _until(one))
            for one in await room.open_findings()
        ]
        return Audited(found, {name: why for name in severity for why in [_why_not_made(newest.get(name))] if why})

    return ask


def _why_not_made(newest: "Made | None") -> str:
    """Why nothing is known of an audit now; empty where it was made."""
    if newest is None:
        return "its time has not come yet"
    return newest.sentence if newest.outcome == "failed" else ""


def _until(one: "AuditFound") -> datetime | None:
    return one.waiver.until if one.waiver is not None else None


def analyses_asked(room: Logs | None) -> Callable[[Span], Awaitable[Sequence[Analysed]]] | None:
    """Asks for the newest answer of each question to logs."""
    if room is None:
        return None

    async def ask(span: Span) -> Sequence[Analysed]:
        found: dict[str, Analysed] = {}
        for one in await room.analysed(span.start, span.end):
            found.setdefault(one["name"], Analysed(one["name"], one["ended_at"] or one["began_at"], _answer(one)))
        return list(found.values())

    return ask


def _answer(one: Mapping[str, Any]) -> str:
    figures = ", ".join(f"{name} {value:g}" for name, value in one["facts"].items())
    sentence = f"{one['sentence']}{f': {figures}' if figures else ''}"
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}…"
