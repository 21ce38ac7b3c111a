"""Sessions: connections by state, the longest statement, the oldest transaction, and who idles in one.

pg_stat_activity (PostgreSQL manual, 27.2.3) hides other users' sessions from a role without pg_read_all_stats: its rows are there, its
columns are NULL. Then durations are unknown, and that is said.
"""

from collections.abc import Iterator, Sequence

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import RatioLimits, SecondsLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier

from .options import CONNECTIONS, IDLE, QUERY, TRANSACTION, PostgresOptions
from .parts import Part, Reading, Row, counted, first, judged_duration, maybe, number, seconds, unknown, word

# Walsenders and workers have places of their own; of a hidden session only the database tells that it is a client's.
_SESSIONS = """
WITH sessions AS (
  SELECT pid, state, usename::text AS who, datname::text AS db, wait_event_type,
    extract(epoch FROM clock_timestamp() - query_start)::float8 AS query_age,
    extract(epoch FROM clock_timestamp() - xact_start)::float8 AS transaction_age,
    extract(epoch FROM clock_timestamp() - state_change)::float8 AS state_age
  FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() AND (backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL))
)
"""
_CONNECTIONS = f"""{_SESSIONS}
SELECT count(*)::int8 AS used,
  count(*) FILTER (WHERE state = 'active')::int8 AS active,
  count(*) FILTER (WHERE state = 'idle')::int8 AS idle,
  count(*) FILTER (WHERE state = 'idle in transaction')::int8 AS idle_in_transaction,
  count(*) FILTER (WHERE state = 'idle in transaction (aborted)')::int8 AS aborted,
  count(*) FILTER (WHERE state IS NULL)::int8 AS hidden,
  count(*) FILTER (WHERE wait_event_type = 'Lock')::int8 AS waiting,
  current_setting('max_connections')::int8 AS most,
  current_setting('superuser_reserved_connections')::int8
    + coalesce(current_setting('reserved_connections', true)::int8, 0) AS reserved
FROM sessions
"""
_LONGEST = """{sessions}
SELECT s.pid::int8 AS pid, s.who, s.db, s.{age} AS age, (SELECT count(*) FROM sessions WHERE state IS NULL)::int8 AS hidden{more}
FROM (VALUES (1)) AS always LEFT JOIN (
  SELECT * FROM sessions WHERE {condition} ORDER BY {age} DESC NULLS LAST LIMIT 1
) AS s ON true
"""
_PREPARED = """,
  (SELECT extract(epoch FROM clock_timestamp() - min(prepared))::float8 FROM pg_prepared_xacts) AS prepared"""


def _longest(age: str, condition: str, more: str = "") -> Statement:
    return Statement(_LONGEST.format(sessions=_SESSIONS, age=age, condition=condition, more=more))


def parts(options: PostgresOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.connections is not None:
        yield Part("the connections", Statement(_CONNECTIONS), _read_connections)
    if options.longest_query is not None:
        yield Part("the longest statement", _longest("query_age", "state = 'active'"), _read_query)
    if options.longest_transaction is not None:
        yield Part("the oldest transaction", _longest("transaction_age", "transaction_age IS NOT NULL", _PREPARED), _read_transaction)
    if options.idle_in_transaction is not None:
        yield Part("idle transactions", _longest("state_age", "state LIKE 'idle in transaction%'"), _read_idle)


def _read_connections(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row = first(rows)
    used, most, reserved = (number(row, column) for column in ("used", "most", "reserved"))
    ordinary = most - reserved
    if ordinary <= 0:
        raise ValueError("max_connections leaves ordinary users none")
    ratio = used / ordinary
    counts = {column: number(row, column) for column in ("active", "idle", "idle_in_transaction", "aborted", "hidden", "waiting")}
    states = [f"{describe(counts[column], Unit.NUMBER)} {words}" for column, words in _STATE_WORDS.items() if counts[column]]
    shown = f": {', '.join(states)}" if states else ""
    kept = f", {describe(reserved, Unit.NUMBER)} more are reserved" if reserved else ""
    seen = f"{_n(used)} of {_n(ordinary)} connections are in use ({describe(ratio, Unit.RATIO)}{kept}){shown}"
    limits = options.connections or RatioLimits()
    values = {
        "connections": used,
        "connections_used_ratio": ratio,
        "connections_max": most,
        "connections_active": counts["active"],
        "connections_idle": counts["idle"],
        "connections_idle_in_transaction": counts["idle_in_transaction"] + counts["aborted"],
        "connections_waiting_for_lock": counts["waiting"],
    }
    return Reading([judge(seen, ratio, *given_or(limits.warn, limits.fail, CONNECTIONS))], values)


_STATE_WORDS = {
    "active": "active",
    "idle": "idle",
    "idle_in_transaction": "idle in transaction",
    "aborted": "idle in a failed transaction",
    "waiting": "waiting for a lock",
    "hidden": "hidden from this user",
}


def _read_query(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    words = ("no statement is running", "the longest statement has been running for")
    return _duration(first(rows), options.longest_query, QUERY, words, "query")


def _read_transaction(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row = first(rows)
    prepared, age = maybe(row, "prepared"), maybe(row, "age")
    if prepared is not None and prepared > (age or 0.0):
        seen = f"the oldest transaction has been prepared, and not finished, for {seconds(prepared)}"
        verdict = judged_duration(seen, prepared, options.longest_transaction, TRANSACTION)
        return Reading([verdict, *_hidden(row)], {"longest_transaction_seconds": prepared})
    words = ("no transaction is open", "the oldest transaction has been open for")
    return _duration(row, options.longest_transaction, TRANSACTION, words, "transaction")


def _read_idle(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    words = ("no session idles in a transaction", "a session has been idle in a transaction for")
    row = first(rows)
    reading = _duration(row, options.idle_in_transaction, IDLE, words, "idle")
    return Reading(reading.verdicts, {"idle_in_transaction_seconds": reading.values["longest_idle_seconds"]})


def _duration(row: Row, limits: SecondsLimits | None, usual: tuple[Comparison, Comparison], words: tuple[str, str], name: str) -> Reading:
    age = maybe(row, "age")
    who = ", ".join(f"{label} {word(row, key)}" for label, key in (("user", "who"), ("database", "db")) if word(row, key))
    seen = words[0] if age is None else f"{words[1]} {seconds(age)} (pid {_n(maybe(row, 'pid') or 0)}{', ' + who if who else ''})"
    # Clocks of sessions are read one after the other: a session that began meanwhile has a negative age.
    measured = max(0.0, age or 0.0)
    return Reading([judged_duration(seen, measured, limits, usual), *_hidden(row)], {f"longest_{name}_seconds": measured})


def _hidden(row: Row) -> Iterator[Verdict]:
    hidden = number(row, "hidden")
    if hidden:
        yield unknown(f"{counted(hidden, 'session')} of other users cannot be seen into: GRANT pg_monitor to this user")


def _n(value: float) -> str:
    return describe(value, Unit.NUMBER)
