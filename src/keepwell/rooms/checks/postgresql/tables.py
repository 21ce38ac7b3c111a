"""Tables and indexes: dead rows, upkeep, sizes, and indexes that nobody reads."""

import re
from collections.abc import Callable, Iterator, Sequence

from keepwell.kernel.comparisons import Comparison, Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import BytesLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier
from keepwell.rooms.checks.texts import show

from .options import DEAD, UNUSED, UPKEEP, DeadTuplesOptions, PostgresOptions, UnusedIndexesOptions, UpkeepOptions
from .parts import Part, Reading, Row, counted, first, judged_duration, maybe, number, seconds, size, word

_NAME = "quote_ident(schemaname) || '.' || quote_ident(relname)"
_DEAD = f"""
SELECT t.name, t.dead, t.live, (SELECT coalesce(sum(n_dead_tup), 0)::int8 FROM pg_stat_user_tables) AS total
FROM (VALUES (1)) AS always LEFT JOIN (
  SELECT {_NAME} AS name, n_dead_tup::int8 AS dead, n_live_tup::int8 AS live
  FROM pg_stat_user_tables WHERE n_dead_tup >= greatest(%(minimum)s::int8, 1)
  ORDER BY n_dead_tup::float8 / (n_live_tup + n_dead_tup) DESC LIMIT 1
) AS t ON true
"""
_UPKEEP = """
SELECT {name} AS name, {waiting}::int8 AS waiting,
  extract(epoch FROM clock_timestamp() - greatest(last_{what}, last_auto{what}))::float8 AS age
FROM pg_stat_user_tables WHERE {waiting} >= greatest(%(minimum)s::int8, 1) ORDER BY age DESC NULLS FIRST LIMIT 1
"""
# Sizing a table opens its files; where there are many, only those that were large at their last vacuum are sized.
_LARGEST = """
SELECT name, pg_total_relation_size(oid)::float8 AS bytes FROM (
  SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relpersistence <> 't'
  ORDER BY c.relpages DESC LIMIT 200
) AS candidates ORDER BY bytes DESC NULLS LAST LIMIT 1
"""
# Looked up in the user's own search_path, so every function is named with its schema.
_SIZES = """
SELECT name, coalesce(
  (SELECT pg_catalog.sum(pg_catalog.pg_total_relation_size(relid))
    FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(name))),
  pg_catalog.pg_total_relation_size(pg_catalog.to_regclass(name)))::pg_catalog.float8 AS bytes
FROM pg_catalog.unnest(%(names)s::pg_catalog.text[]) AS name
"""
_UNUSED = """
SELECT count(name)::int8 AS indexes, coalesce(sum(bytes), 0)::float8 AS bytes, min(name) AS name, min(age) AS age
FROM (
  SELECT quote_ident(s.schemaname) || '.' || quote_ident(s.indexrelname) AS name, pg_relation_size(s.indexrelid) AS bytes
  FROM pg_stat_user_indexes AS s JOIN pg_index AS i ON i.indexrelid = s.indexrelid
  WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = s.indexrelid)
    AND pg_relation_size(s.indexrelid) >= %(smallest)s::int8
) AS unused
RIGHT JOIN (
  SELECT extract(epoch FROM clock_timestamp() - stats_reset)::float8 AS age FROM pg_stat_database WHERE datname = current_database()
) AS statistics ON true
"""


def parts(options: PostgresOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.dead_tuples is not None:
        yield Part("dead rows", Statement(_DEAD, {"minimum": options.dead_tuples.minimum}), _read_dead, primary_only=True)
    for what, limits, waiting in (("vacuum", options.vacuum, "n_dead_tup"), ("analyze", options.analyze, "n_mod_since_analyze")):
        if limits is not None:
            text = _UPKEEP.format(name=_NAME, waiting=waiting, what=what)
            yield Part(f"the last {what}", Statement(text, {"minimum": limits.minimum}), _upkeep(what, limits), primary_only=True)
    if options.largest_table is not None:
        yield Part("the largest table", Statement(_LARGEST), _read_largest)
    if options.tables:
        yield Part("the tables' sizes", Statement(_SIZES, {"names": tuple(options.tables)}, search_path=None), _read_sizes)
    if options.unused_indexes is not None:
        yield Part("unused indexes", Statement(_UNUSED, {"smallest": options.unused_indexes.smallest}), _read_unused)


def _read_dead(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row, limits = first(rows), options.dead_tuples or DeadTuplesOptions()
    values = {"dead_tuples": number(row, "total"), "dead_tuples_ratio": 0.0}
    dead = maybe(row, "dead")
    if dead is None:
        return Reading([Verdict(State.OK, f"no table has {describe(limits.minimum, Unit.NUMBER)} dead rows or more")], values)
    live = number(row, "live")
    if dead <= 0 or live < 0:
        raise ValueError("the counts of rows contradict each other")
    ratio = values["dead_tuples_ratio"] = dead / (dead + live)
    seen = f"{describe(ratio, Unit.RATIO)} of the rows of {word(row, 'name')} are dead ({describe(dead, Unit.NUMBER)})"
    return Reading([judge(seen, ratio, *given_or(limits.warn, limits.fail, DEAD))], values)


def _upkeep(what: str, limits: UpkeepOptions) -> Callable[[PostgresOptions, Sequence[Row], Earlier | None], Reading]:
    done, waiting = ("vacuumed", "dead") if what == "vacuum" else ("analyzed", "changed")

    def read(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
        if not rows:
            minimum = describe(limits.minimum, Unit.NUMBER)
            return Reading([Verdict(State.OK, f"no table has {minimum} {waiting} rows or more, so none waits to be {done}")])
        row = rows[0]
        name, age = word(row, "name"), maybe(row, "age")
        if age is None:
            rest = f"{counted(number(row, 'waiting'), f'{waiting} row')} wait"
            return Reading([Verdict(State.WARN, f"{name} has never been {done} since statistics began, and {rest}")])
        age = max(0.0, age)
        verdict = judged_duration(f"{name} was last {done} {seconds(age)} ago", age, limits, UPKEEP)
        return Reading([verdict], {f"oldest_{what}_seconds": age})

    return read


def _read_largest(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    limits = options.largest_table or BytesLimits()
    if not rows:
        return Reading([Verdict(State.OK, "there is no table")], {"largest_table_bytes": 0.0})
    amount = number(rows[0], "bytes")
    seen = f"the largest table, {word(rows[0], 'name')}, has {limits.describe(amount)}"
    return Reading([judge(seen, amount, limits.warn, limits.fail)], {"largest_table_bytes": amount})


def _read_sizes(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    found = {str(row.get("name")): row for row in rows}
    verdicts: list[Verdict] = []
    values: dict[str, float] = {}
    for name, limits in options.tables.items():
        amount = maybe(found[name], "bytes") if name in found else None
        if amount is None:
            verdicts.append(Verdict(State.FAIL, f"there is no table {show(name)[1:-1]}"))
            continue
        key = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"
        values[f"table_{key}_bytes"] = amount
        verdicts.append(judge(f"{show(name)[1:-1]} has {limits.describe(amount)}", amount, limits.warn, limits.fail))
    return Reading(verdicts, values)


def _read_unused(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row, limits = first(rows), options.unused_indexes or UnusedIndexesOptions()
    indexes, amount, age = number(row, "indexes"), number(row, "bytes"), maybe(row, "age")
    values = {"unused_indexes": indexes, "unused_indexes_bytes": amount}
    needed = limits.since.total_seconds()
    if age is not None and age < needed:
        sentence = f"statistics are {seconds(max(0.0, age))} old: too young to call an index unused (from {seconds(needed)} on)"
        return Reading([Verdict(State.OK, sentence)], values)
    example = f" ({size(amount)}), for example {word(row, 'name')}" if indexes and word(row, "name") else ""
    which = f"{counted(indexes, 'index', 'indexes')} of {size(limits.smallest)} or more"
    seen = f"{which} {'are' if indexes > 1 else 'is'} never read{example}"
    return Reading([judge(seen, indexes, *_unused_limits(limits))], values)


def _unused_limits(limits: UnusedIndexesOptions) -> tuple[Comparison | None, Comparison | None]:
    return (limits.warn, limits.fail) if limits.warn is not None or limits.fail is not None else (UNUSED, None)
