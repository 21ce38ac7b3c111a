"""What the whole server counts: sizes, cache, deadlocks, temporary files, slow statements, and the age of transaction numbers.

Counters are judged by what was added since the last look: their total since statistics began hides the last hour behind a year.
"""

from collections.abc import Iterator, Sequence

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import BytesLimits, NumberLimits, RatioLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier
from keepwell.rooms.checks.texts import show

from .options import CACHE, DEADLOCKS, SLOW, TEMPORARY, WRAPAROUND, CacheOptions, PostgresOptions, SlowStatementsOptions
from .parts import Part, Reading, Row, counted, first, judged_duration, number, seconds, size, unknown, word

SLOW_NAME = "pg_stat_statements"
_SIZE = "SELECT pg_database_size(current_database())::float8 AS bytes"
_COUNTERS = """
SELECT blks_hit::float8 AS blocks_hit, blks_read::float8 AS blocks_read, deadlocks::float8 AS deadlocks, temp_bytes::float8 AS temp_bytes,
  temp_files::float8 AS temp_files
FROM pg_stat_database WHERE datname = current_database()
"""
_AGES = """
SELECT datname::text AS name, age(datfrozenxid)::float8 AS transactions, mxid_age(datminmxid)::float8 AS multixacts
FROM pg_database ORDER BY greatest(age(datfrozenxid), mxid_age(datminmxid)) DESC LIMIT 1
"""
_NUMBERS = 2.0**31
# The columns were renamed with version 1.8 of the extension (PostgreSQL 13): mean_time is mean_exec_time since. The extension stands in a
# schema of the user's search_path, so every function is named with its own. Only statements with placeholders for their values are shown.
_SLOW = """
SELECT mean, calls, total, query FROM (
  SELECT coalesce(pg_catalog.jsonb_extract_path_text(j, 'mean_exec_time'), pg_catalog.jsonb_extract_path_text(j, 'mean_time'))
      ::pg_catalog.float8 AS mean,
    coalesce(pg_catalog.jsonb_extract_path_text(j, 'total_exec_time'), pg_catalog.jsonb_extract_path_text(j, 'total_time'))
      ::pg_catalog.float8 AS total,
    pg_catalog.jsonb_extract_path_text(j, 'calls')::pg_catalog.int8 AS calls,
    pg_catalog.left(pg_catalog.jsonb_extract_path_text(j, 'query'), 2000) AS query
  FROM (SELECT pg_catalog.to_jsonb(s) AS j FROM pg_stat_statements AS s
    WHERE s.dbid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())) AS described
) AS measured WHERE calls >= %(calls)s::pg_catalog.int8 ORDER BY mean DESC LIMIT 5
"""
_SHOWN = ("select", "insert", "update", "delete", "merge", "with", "fetch")
_QUERY_LENGTH = 200
_MINUTE = 60.0
_LEAST_SPAN = 0.001


def parts(options: PostgresOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.size is not None:
        yield Part("the database's size", Statement(_SIZE), _read_size)
    if counts(options):
        yield Part("the database's counters", Statement(_COUNTERS), _read_counters)
    if options.wraparound is not None:
        yield Part("the age of transactions", Statement(_AGES), _read_ages)
    if options.slow_statements is not None:
        statement = Statement(_SLOW, {"calls": options.slow_statements.calls}, search_path=None)
        yield Part(SLOW_NAME, statement, _read_slow)


def counts(options: PostgresOptions) -> bool:
    """Whether anything is judged by what was added since the last look."""
    return not (options.cache_hit_ratio is None and options.deadlocks is None and options.temporary_files is None)


def _read_size(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    limits, amount = options.size or BytesLimits(), number(first(rows), "bytes")
    return Reading([judge(f"the database has {limits.describe(amount)}", amount, limits.warn, limits.fail)], {"database_bytes": amount})


def _read_counters(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row = first(rows)
    now = {name: number(row, name) for name in ("blocks_hit", "blocks_read", "deadlocks", "temp_bytes", "temp_files")}
    if earlier is None or not now.keys() <= earlier.counters.keys():
        return Reading([unknown("rates need two readings, and this is the first")], {}, now)
    added = {name: value - earlier.counters[name] for name, value in now.items()}
    if any(value < 0 for value in added.values()):
        return Reading([unknown("the server's counters began anew between two readings")], {}, now)
    span = max(earlier.seconds, _LEAST_SPAN)
    verdicts: list[Verdict] = []
    values = {"deadlocks_per_second": added["deadlocks"] / span, "temporary_bytes_per_second": added["temp_bytes"] / span}
    values["temporary_files_per_second"] = added["temp_files"] / span
    if options.cache_hit_ratio is not None:
        verdict, ratio = _cache(options.cache_hit_ratio, added, span)
        verdicts.append(verdict)
        values |= ratio
    if options.deadlocks is not None:
        verdicts.append(_deadlocks(options.deadlocks, added["deadlocks"], span))
    if options.temporary_files is not None:
        verdicts.append(_temporary(options.temporary_files, added, span))
    return Reading(verdicts, values, now)


def _cache(limits: CacheOptions, added: dict[str, float], span: float) -> tuple[Verdict, dict[str, float]]:
    hit, asked = added["blocks_hit"], added["blocks_hit"] + added["blocks_read"]
    if asked == 0:
        return Verdict(State.OK, f"no block was asked for in the last {seconds(span)}"), {}
    ratio = hit / asked
    seen = f"{describe(ratio, Unit.RATIO)} of {describe(asked, Unit.NUMBER)} blocks were in the cache in the last {seconds(span)}"
    if asked < limits.blocks:
        few = f"{seen}, too few to judge (from {describe(limits.blocks, Unit.NUMBER)} on)"
        return Verdict(State.OK, few), {"cache_hit_ratio": ratio}
    return judge(seen, ratio, *given_or(limits.warn, limits.fail, CACHE)), {"cache_hit_ratio": ratio}


def _deadlocks(limits: NumberLimits, added: float, span: float) -> Verdict:
    rate = added / span * _MINUTE
    seen = f"{counted(added, 'deadlock')} in the last {seconds(span)} ({describe(rate, Unit.NUMBER)} a minute)"
    return judge(seen, rate, *given_or(limits.warn, limits.fail, DEADLOCKS))


def _temporary(limits: BytesLimits, added: dict[str, float], span: float) -> Verdict:
    rate = added["temp_bytes"] / span * _MINUTE
    files = counted(added["temp_files"], "temporary file")
    seen = f"{files} with {size(added['temp_bytes'])} in the last {seconds(span)} ({size(rate)} a minute)"
    return judge(seen, rate, *given_or(limits.warn, limits.fail, TEMPORARY))


def _read_ages(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row, limits = first(rows), options.wraparound or RatioLimits()
    transactions, multixacts = number(row, "transactions"), number(row, "multixacts")
    ratio = max(transactions, multixacts) / _NUMBERS
    which = "transaction" if transactions >= multixacts else "multixact"
    way = describe(round(ratio, 4), Unit.RATIO)
    old = describe(max(transactions, multixacts), Unit.NUMBER)
    seen = f"the oldest {which} number, in {word(row, 'name')}, is {old} old ({way} of the way to wraparound)"
    values = {"wraparound_ratio": ratio, "oldest_transaction_age": transactions, "oldest_multixact_age": multixacts}
    return Reading([judge(seen, ratio, *given_or(limits.warn, limits.fail, WRAPAROUND))], values)


def _read_slow(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    limits = options.slow_statements or SlowStatementsOptions()
    if not rows:
        return Reading([Verdict(State.OK, f"no statement ran {describe(limits.calls, Unit.NUMBER)} times or more")], {})
    slowest = number(rows[0], "mean") / 1000
    calls = describe(number(rows[0], "calls"), Unit.NUMBER)
    seen = f"the slowest statement takes {seconds(slowest)} on average of {calls} calls: {_query(rows[0])}"
    verdict = judged_duration(seen, slowest, limits, SLOW)
    return Reading([verdict], {"slowest_statement_seconds": slowest}, detail="\n".join(_line(row) for row in rows))


def _line(row: Row) -> str:
    mean, total = (seconds(number(row, column) / 1000) for column in ("mean", "total"))
    return f"{mean} on average, {counted(number(row, 'calls'), 'call')}, {total} together: {_query(row)}"


def _query(row: Row) -> str:
    """The text of a statement, where it is one whose values pg_stat_statements replaces by placeholders: others may hold a password."""
    text = row.get("query")
    words = " ".join(text.split())[:_QUERY_LENGTH] if isinstance(text, str) else ""
    return show(words) if words.lower().startswith(_SHOWN) else "a statement whose text is not shown"
