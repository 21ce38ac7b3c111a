"""The ``postgres`` kind: whether a PostgreSQL server accepts connections, and what its statistics say.

A plain check asks one statement; each option asks one more (see ``rooms/checks/postgresql``). Everything is asked over one connection, in
read-only transactions. The sentence keeps apart what pg_isready(1) does: the server accepts connections, it answers and rejects them
(while it starts, stops or recovers), or nobody answers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.databases import Query, Rows, Statement, StatementFault
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.postgresql import own, replication, sessions, statistics, tables
from keepwell.rooms.checks.postgresql.options import PostgresOptions
from keepwell.rooms.checks.postgresql.parts import Part, Reading, Row, first, number, seconds, word
from keepwell.rooms.checks.postgresql.values import VALUES
from keepwell.rooms.checks.texts import show

_SERVER = """
SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby,
  extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS up
"""
# Of a statement of ours these say something of the server: a lock, a cancelled statement, its memory, its disk, damage.
_SERVERS_FAULT = ("55P03", "57014", "40", "53", "58", "XX")
# Of a statement of the user's own these say that it, or its user's rights, are wrong: the target was not measured.
_OWN_FAULT = ("25006", "42501", "42601", "42883", "42804", "42P18")
_EXTENSION = {
    "42P01": "is not there: it needs shared_preload_libraries = 'pg_stat_statements' and CREATE EXTENSION pg_stat_statements",
    "55000": "is not loaded: it needs shared_preload_libraries = 'pg_stat_statements' and a restart",
}


def _parts(options: PostgresOptions) -> Iterator[Part]:
    yield Part("the server's version", Statement(_SERVER), lambda given, rows, earlier: Reading([], {"uptime_seconds": _uptime(rows)}))
    for module in (sessions, replication, tables, statistics, own):
        yield from module.parts(options)


def ask(options: PostgresOptions, target: Target | None) -> tuple[Question, ...]:
    """One question with the statements of every part. Raises AskError where the target has no connection string."""
    address = options.address or (target.postgres if target is not None else None)
    if address is None:
        raise AskError(f"the target {options.target} has no postgres, so there is nothing to ask: give it its connection string")
    statements = tuple(part.statement for part in _parts(options))
    return (Query(address, statements, most_rows=own.MOST_ROWS),)


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a part was answered: rows or a fault."""

    part: Part
    rows: Sequence[Row]
    fault: StatementFault | None


def read(options: PostgresOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """That it accepts connections, then each part: the worst is the state."""
    rows = answers[0]
    if not isinstance(rows, Rows):
        reason = str(rows) if isinstance(rows, AnswerError) else "there is no answer of a database"
        return Observation(State.FAIL, reason)
    parts = list(_parts(options))
    if len(rows.results) != len(parts):
        return Observation(State.UNKNOWN, f"{len(rows.results)} answers came to {len(parts)} statements")
    answered = [_Answered(part, rows.results[place], rows.errors.get(place)) for place, part in enumerate(parts)]
    is_standby = bool(rows.results[0]) and rows.results[0][0].get("standby") is True
    readings = [_not_here(one.part) if is_standby and one.part.primary_only else _read_part(one, options, earlier) for one in answered]
    values = {name: value for reading in readings for name, value in reading.values.items()}
    verdicts = [_accepts(options, rows), *(verdict for reading in readings for verdict in reading.verdicts)]
    if (enough := replication.standby_count(options, values)) is not None:
        verdicts.append(enough)
    verdict = together(verdicts)
    counters = {name: value for reading in readings for name, value in reading.counters.items()}
    detail = "\n".join(reading.detail for reading in readings if reading.detail)
    return Observation(verdict.state, verdict.sentence, {"connect_seconds": rows.connect, **values}, counters, detail)


def _accepts(options: PostgresOptions, rows: Rows) -> Verdict:
    row = rows.results[0][0] if rows.results[0] else {}
    number_of_it = word(row, "version").partition(" ")[0]  # packagers add their own words
    version = f": PostgreSQL {number_of_it}" if number_of_it else ""
    role = ", a standby" if row.get("standby") is True else ""
    up = row.get("up")
    since = f", up for {seconds(up)}" if isinstance(up, float) and 0 <= up < 1e10 else ""
    limits = options.connect or SecondsLimits()
    seen = f"{rows.server} accepts connections{version}{role}{since}, connected in {describe(rows.connect, Unit.SECONDS)}"
    return judge(seen, rows.connect, limits.warn, limits.fail)


def _uptime(rows: Sequence[Row]) -> float:
    return max(0.0, number(first(rows), "up"))


def _read_part(one: _Answered, options: PostgresOptions, earlier: Earlier | None) -> Reading:
    if one.fault is not None:
        return Reading([_failed(one.part, one.fault)])
    try:
        return one.part.read(options, one.rows, earlier)
    except ValueError as error:
        return Reading([Verdict(State.FAIL, f"{one.part.name}: the answer is not usable: {error}")])


def _not_here(part: Part) -> Reading:
    return Reading([Verdict(State.UNKNOWN, f"{part.name}: a standby does not count them, ask its primary")])


def _failed(part: Part, fault: StatementFault) -> Verdict:
    """A statement that failed: whose fault that is depends on whose statement it was."""
    reason = show(fault.sentence)[1:-1].replace('\\"', '"')
    if part.name == own.NAME:
        state = State.UNKNOWN if fault.code.startswith(_OWN_FAULT) else State.FAIL
        return Verdict(state, f"{part.name} failed: {reason}")
    if part.name == statistics.SLOW_NAME and fault.code in _EXTENSION:
        return Verdict(State.UNKNOWN, f"{part.name} {_EXTENSION[fault.code]}")
    return Verdict(State.FAIL if fault.code.startswith(_SERVERS_FAULT) else State.UNKNOWN, f"{part.name} could not be asked: {reason}")


DRIVER = Kind(
    summary="Whether a PostgreSQL server accepts connections: sessions, replication, tables, cache, slow statements, and SQL of your own",
    options=PostgresOptions,
    ask=ask,
    read=read,
    needs_earlier=statistics.counts,
    runs_text=own.runs_text,
    target_key="postgres",
    values=VALUES,
    example="""\
targets:
  orders: {postgres: "secret:ORDERS_DATABASE"}
checks:
  orders-database:
    postgres: {target: orders, connections: {}, longest_query: {}, dead_tuples: {}}
    every: 1m
""",
)
