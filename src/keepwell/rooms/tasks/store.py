"""The named queries of tasks. Whatever races is decided by a key or a condition: an occasion begins once, and ends once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, Select, and_, delete, func, select, type_coerce, update

from keepwell.storage import leases
from keepwell.storage.database import insert_missing
from keepwell.storage.journal import NewEntry, append_many
from keepwell.storage.leases import Lease

from .model import Missed, Run, Standing, State, Tally, Total, subject
from .tables import RUN, TASK

LEASE = timedelta(seconds=60)
"""How long a server may do an occasion without a sign of life; then another one goes on with it."""

_QUARTER = 15 * 60 * 1_000_000
_OPEN = [state.value for state in State if state.is_open]


@dataclass(frozen=True, slots=True)
class Taken:
    """An occasion that this server now does, and the leases that it holds for it."""

    run: Run
    leases: tuple[Lease, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """An occasion that cannot begin now: another has begun it (``lock`` is empty), or holds that lock."""

    lock: str = ""


# --- how tasks stand ---------------------------------------------------------------------------------------------------------


def identify(connection: Connection, cadences: Mapping[str, str], now: datetime) -> dict[str, Standing]:
    """Makes the stored tasks those of the configuration (name to the text of its cadence) and gives how each stands.

    A new one, and one whose cadence changed, begins now: nothing before is made up for."""
    known = {row.name: row for row in connection.execute(select(TASK))}
    for name, cadence in cadences.items():
        if name not in known:
            insert_missing(connection, TASK, {"name": name, "cadence": cadence, "decided_until": now, "last_success": None})
        elif known[name].cadence != cadence:
            connection.execute(update(TASK).where(TASK.c.name == name).values(cadence=cadence, decided_until=now))
    return standings(connection, cadences)


def standings(connection: Connection, names: Iterable[str]) -> dict[str, Standing]:
    """How these tasks stand, as far as they are known."""
    found = {name: standing(connection, name) for name in names}
    return {name: one for name, one in found.items() if one is not None}


def standing(connection: Connection, name: str) -> Standing | None:
    """How a task stands; None where it is not known."""
    row = connection.execute(select(TASK).where(TASK.c.name == name)).first()
    if row is None:
        return None
    opened = connection.execute(_newest(name).where(RUN.c.state.in_(_OPEN)).limit(1)).first()
    return Standing(row.decided_until, run_of(opened) if opened else None, _last(connection, name), row.last_success)


def _last(connection: Connection, name: str) -> Run | None:
    """The newest that ended. One that had to wait may have begun after another that was due later: a person began that one meanwhile."""
    ended = select(RUN).where(RUN.c.task == name, RUN.c.state.not_in(_OPEN)).limit(1)
    begun = ended.where(RUN.c.started_at.is_not(None)).order_by(RUN.c.started_at.desc(), RUN.c.due_at.desc())
    rows = [connection.execute(query).first() for query in (ended.order_by(RUN.c.due_at.desc()), begun)]
    return max((run_of(row) for row in rows if row is not None), key=lambda run: run.started_at or run.due_at, default=None)


def names(connection: Connection) -> list[str]:
    """Every task that ever was, also those that are no longer configured."""
    return list(connection.execute(select(TASK.c.name).order_by(TASK.c.name)).scalars())


def opened_runs(connection: Connection) -> list[Run]:
    """The occasions of which something is still to come, in the order in which they were begun."""
    query = select(RUN).where(RUN.c.state.in_(_OPEN)).order_by(RUN.c.due_at, RUN.c.started_at, RUN.c.task)
    return [run_of(row) for row in connection.execute(query)]


def last_success(connection: Connection, task: str) -> tuple[bool, datetime | None]:
    """Whether there is such a task, and when it last ended well."""
    row = connection.execute(select(TASK.c.last_success).where(TASK.c.name == task)).first()
    return row is not None, row.last_success if row is not None else None


# --- what happens to an occasion ---------------------------------------------------------------------------------------------


def rewind(connection: Connection, task: str, to: datetime, now: datetime, *, by: str, actor: str) -> None:
    """The clock had been ahead: what was kept of occasions after ``to`` goes (the journal has it), and they are decided anew."""
    until = connection.execute(select(TASK.c.decided_until).where(TASK.c.name == task)).scalar_one()
    connection.execute(delete(RUN).where(RUN.c.task == task, RUN.c.due_at > to, RUN.c.state.not_in(_OPEN)))
    connection.execute(update(TASK).where(TASK.c.name == task).values(decided_until=to))
    connection.execute(update(TASK).where(TASK.c.name == task, TASK.c.last_success > to).values(last_success=to))
    facts = {"decided_until": until.isoformat(), "by": by}
    append_many(connection, [NewEntry(actor, "task.rewound", subject(task), facts)], now)


def miss(connection: Connection, task: str, missed: Sequence[Missed], now: datetime) -> None:
    """Keeps occasions that were not begun, and goes on behind them. Those that follow each other for the same reason are one row, and one
    entry of the journal, with the number of them so far."""
    for one in missed:
        sentence = f"not begun: {one.why}"
        newest = connection.execute(_newest(task).limit(1)).first()
        before = run_of(newest) if newest is not None and newest.state == State.MISSED.value and newest.sentence == sentence else None
        first = one.first if one.count > 1 else None
        run = Run(task, one.last, State.MISSED, subject(task), ended_at=now, sentence=sentence, first_due_at=first, count=one.count)
        if before is not None:
            longer = {"due_at": one.last, "first_due_at": before.first_due_at or before.due_at, "occasions": before.count + one.count}
            connection.execute(update(RUN).where(_is(before)).values(longer))
        elif insert_missing(connection, RUN, _row(run)):
            facts = {"due_at": one.last.isoformat(), "first_due_at": one.first.isoformat(), "count": one.count, "sentence": sentence}
            append_many(connection, [NewEntry("keepwell", "task.missed", subject(task), facts)], now)
        _decided(connection, task, one.last)


def take(connection: Connection, run: Run, locks: Sequence[str] | None, now: datetime) -> Taken | Lost:
    """Begins an occasion, with the leases of its task and its locks (none where a person does it); all of it or nothing."""
    held: list[Lease] = []
    for name in _leases(run.task, locks) if locks is not None else ():
        lease = leases.acquire(connection, name, run.holder, now, LEASE)
        if lease is None:
            _release(connection, held)
            return Lost(name.removeprefix("locks/") if name.startswith("locks/") else "")
        held.append(lease)
    if not insert_missing(connection, RUN, _row(run)):
        _release(connection, held)
        _decided(connection, run.task, run.due_at)
        return Lost()
    if run.by == subject(run.task):  # one that a person asked for takes the place of none
        _decided(connection, run.task, run.due_at)
    elif run.state is State.RUNNING:
        append_many(connection, [NewEntry(run.by, "task.begun", subject(run.task), {"due_at": run.due_at.isoformat()})], now)
    return Taken(run, tuple(held))


def adopt(connection: Connection, run: Run, locks: Sequence[str], holder: str, now: datetime) -> Taken | None:
    """Goes on with an occasion whose server is gone, or was this one in an earlier life; None where its server lives."""
    held: list[Lease] = []
    for name in _leases(run.task, locks):
        lease = leases.acquire(connection, name, holder, now, LEASE)
        if lease is None:
            _release(connection, held)
            return None
        held.append(lease)
    changed = update(RUN).where(_is(run), RUN.c.state.in_(_OPEN), RUN.c.holder == run.holder).values(holder=holder)
    if connection.execute(changed).rowcount == 0:
        _release(connection, held)
        return None
    facts = {"due_at": run.due_at.isoformat(), "begun_by": run.holder}
    append_many(connection, [NewEntry("keepwell", "task.continued", subject(run.task), facts)], now)
    return Taken(replace(run, holder=holder), tuple(held))


def prolong(connection: Connection, taken: Mapping[str, Sequence[Lease]], now: datetime) -> dict[str, tuple[Lease, ...]]:
    """Prolongs the leases of occasions under way; of one that another server went on with, those that are left."""
    kept = {}
    for task, held in taken.items():
        renewed = [leases.renew(connection, one, now, LEASE) or _again(connection, one, now) for one in held]
        kept[task] = tuple(one for one in renewed if one is not None)
    return kept


def _again(connection: Connection, lost: Lease, now: datetime) -> Lease | None:
    """A lease that had run out, where nobody else took it meanwhile."""
    return leases.acquire(connection, lost.name, lost.holder, now, LEASE)


def wait(connection: Connection, run: Run, now: datetime) -> bool:
    """It waits for a person now; False where it is no longer this server's."""
    changed = update(RUN).where(_is(run), RUN.c.state.in_(_OPEN), RUN.c.holder == run.holder)
    if connection.execute(changed.values(state=State.WAITING.value, sentence=run.sentence, record=run.record)).rowcount == 0:
        return False
    facts = {"due_at": run.due_at.isoformat(), "sentence": run.sentence, "record": run.record}
    append_many(connection, [NewEntry("keepwell", "task.waits", subject(run.task), facts)], now)
    return True


def end(connection: Connection, run: Run, held: Sequence[Lease], now: datetime, actor: str = "keepwell") -> bool:
    """Keeps what came of an occasion and gives its leases back; False where it had ended, or is no longer this server's."""
    _release(connection, held)
    values = {name: value for name, value in _row(run).items() if name in ("state", "ended_at", "sentence", "record", "facts")}
    if connection.execute(update(RUN).where(_is(run), RUN.c.state.in_(_OPEN), RUN.c.holder == run.holder).values(values)).rowcount == 0:
        return False
    if run.state is State.DONE:
        newer = (TASK.c.last_success.is_(None)) | (TASK.c.last_success < now)
        connection.execute(update(TASK).where(TASK.c.name == run.task, newer).values(last_success=now))
    facts = {
        "due_at": run.due_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at is not None else None,
        "outcome": run.state.value,
        "sentence": run.sentence,
        "record": run.record,
        "figures": dict(run.facts),
    }
    append_many(connection, [NewEntry(actor, "task.ended", subject(run.task), facts)], now)
    return True


def forget(connection: Connection, before: datetime, most: int = 5000) -> int:
    """Deletes some of the occasions that were due before that instant and ended; how many."""
    old = select(RUN.c.task, RUN.c.due_at).where(RUN.c.due_at < before, RUN.c.state.not_in(_OPEN)).limit(most)
    rows = connection.execute(old).all()
    for row in rows:
        connection.execute(delete(RUN).where(RUN.c.task == row.task, RUN.c.due_at == row.due_at))
    return len(rows)


# --- what was ------------------------------------------------------------------------------------------------------------------


def runs(connection: Connection, task: str | None, before: datetime | None, limit: int) -> list[Run]:
    """Occasions, newest first: of one task, or of all. Those of one instant stay together, beyond the limit too: the next page begins
    before that instant, and none may be lost between them."""
    wanted = select(RUN).order_by(RUN.c.due_at.desc(), RUN.c.task)
    if task is not None:
        wanted = wanted.where(RUN.c.task == task)
    if before is not None:
        wanted = wanted.where(RUN.c.due_at < before)
    found = [run_of(row) for row in connection.execute(wanted.limit(limit))]
    if len(found) < limit or not found:
        return found
    last = found[-1].due_at
    together = [run_of(row) for row in connection.execute(wanted.where(RUN.c.due_at == last))]
    return [*(run for run in found if run.due_at > last), *together]


def between(connection: Connection, start: datetime, end: datetime, most: int = 100_000) -> list[Run]:
    """Occasions due at ``start`` or later and before ``end``, oldest first."""
    query = select(RUN).where(RUN.c.due_at >= start, RUN.c.due_at < end).order_by(RUN.c.due_at, RUN.c.task).limit(most)
    return [run_of(row) for row in connection.execute(query)]


def tallies(connection: Connection, start: datetime, end: datetime) -> list[Tally]:
    """The same, counted: what is due every minute for weeks is too much for a page."""
    quarter = type_coerce(RUN.c.due_at, BigInteger) // _QUARTER
    first, count, occasions = func.min(RUN.c.due_at), func.count(), func.sum(RUN.c.occasions)
    query = select(RUN.c.task, RUN.c.state, first, count, occasions).where(RUN.c.due_at >= start, RUN.c.due_at < end)
    rows = connection.execute(query.group_by(RUN.c.task, RUN.c.state, quarter).order_by(first))
    return [Tally(task, State(state), at, number, int(total)) for task, state, at, number, total in rows]


def totals(connection: Connection, start: datetime, end: datetime) -> list[Total]:
    """How many occasions of each task and state were due at ``start`` or later and before ``end``."""
    query = select(RUN.c.task, RUN.c.state, func.sum(RUN.c.occasions), func.max(RUN.c.due_at)).where(
        RUN.c.due_at >= start, RUN.c.due_at < end
    )
    rows = connection.execute(query.group_by(RUN.c.task, RUN.c.state).order_by(RUN.c.task, RUN.c.state))
    return [Total(task, State(state), int(occasions), newest) for task, state, occasions, newest in rows]


def newest_in(connection: Connection, states: Iterable[str], start: datetime, end: datetime, most: int) -> list[Run]:
    """The newest occasions in one of these states that were due at ``start`` or later and before ``end``, at most so many, oldest first."""
    query = select(RUN).where(RUN.c.due_at >= start, RUN.c.due_at < end, RUN.c.state.in_(list(states)))
    return [run_of(row) for row in connection.execute(query.order_by(RUN.c.due_at.desc(), RUN.c.task.desc()).limit(most))][::-1]


def run_of(row: Row[Any]) -> Run:
    """An occasion from its row."""
    return Run(
        row.task,
        row.due_at,
        State(row.state),
        row.by,
        row.started_at,
        row.ended_at,
        row.sentence,
        row.record,
        row.facts,
        row.holder,
        row.first_due_at,
        row.occasions,
    )


def _row(run: Run) -> dict[str, Any]:
    return {
        "task": run.task,
        "due_at": run.due_at,
        "state": run.state.value,
        "by": run.by,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "sentence": run.sentence,
        "record": run.record,
        "facts": dict(run.facts),
        "holder": run.holder,
        "first_due_at": run.first_due_at,
        "occasions": run.count,
    }


def _newest(task: str) -> Select[Any]:
    return select(RUN).where(RUN.c.task == task).order_by(RUN.c.due_at.desc())


def _is(run: Run) -> Any:
    return and_(RUN.c.task == run.task, RUN.c.due_at == run.due_at)


def _decided(connection: Connection, task: str, until: datetime) -> None:
    connection.execute(update(TASK).where(TASK.c.name == task, TASK.c.decided_until < until).values(decided_until=until))


def _leases(task: str, locks: Iterable[str]) -> list[str]:
    """In one order for all, so that no two wait for each other."""
    return [subject(task), *(f"locks/{name}" for name in sorted(set(locks)))]


def _release(connection: Connection, held: Iterable[Lease]) -> None:
    for lease in held:
        leases.release(connection, lease)
