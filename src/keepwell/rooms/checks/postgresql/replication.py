"""Replication, seen from a primary or from a standby, and the log that slots hold back.

Log sequence numbers: PostgreSQL manual, 9.27.3 and 9.27.4. The functions of the other role raise errors, so each stands behind CASE.
"""

from collections.abc import Iterator, Sequence

from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.states import State
from keepwell.ports.databases import Statement
from keepwell.rooms.checks.limits import BytesLimits, Verdict, given_or, judge
from keepwell.rooms.checks.model import Earlier

from .options import LAG, LAG_BYTES, SLOTS, STANDBYS, PostgresOptions, ReplicationOptions
from .parts import Part, Reading, Row, counted, first, judged_duration, maybe, number, seconds, size, unknown, word

_WRITTEN = "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END"
# replay_lag is that of the last log that was replayed, and NULL where there was none lately; a copy that is being made (pg_basebackup,
# state "backup") is no standby.
_STANDBYS = f"""
SELECT coalesce(nullif(application_name, ''), 'a standby') AS name, host(client_addr) AS address, state,
  pg_wal_lsn_diff({_WRITTEN}, replay_lsn)::float8 AS bytes,
  CASE WHEN {_WRITTEN} <= replay_lsn THEN 0 ELSE extract(epoch FROM replay_lag)::float8 END AS seconds
FROM pg_stat_replication WHERE state IS NULL OR (state <> 'backup' AND replay_lsn IS NOT NULL) ORDER BY bytes DESC NULLS FIRST LIMIT 100
"""
# A standby that has replayed all that it received is up to date, however long ago the primary's last transaction was: but only while it
# receives. One without a receiver knows nothing newer than its last transaction.
_STANDBY = """
SELECT standby, receivers, paused, bytes, CASE WHEN bytes <= 0 AND receivers > 0 THEN 0 ELSE since END AS seconds
FROM (
  SELECT pg_is_in_recovery() AS standby, (SELECT count(*) FROM pg_stat_wal_receiver)::int8 AS receivers,
    CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS paused,
    CASE WHEN pg_is_in_recovery() THEN pg_wal_lsn_diff(
      greatest(pg_last_wal_receive_lsn(), (SELECT max(latest_end_lsn) FROM pg_stat_wal_receiver)), pg_last_wal_replay_lsn()
    )::float8 END AS bytes,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 AS since
) AS measured
"""
_SLOTS = """
SELECT slot_name::text AS name, active, pg_wal_lsn_diff(
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn
  )::float8 AS bytes, to_jsonb(slots) ->> 'wal_status' AS status
FROM pg_replication_slots AS slots ORDER BY bytes DESC NULLS LAST LIMIT 100
"""
_LOST = "lost"


def parts(options: PostgresOptions) -> Iterator[Part]:
    """The parts that the options name."""
    if options.replication is not None:
        yield Part("replication", Statement(_STANDBY), _read_standby)
        yield Part("the standbys", Statement(_STANDBYS), _read_standbys)
    if options.slots is not None:
        yield Part("the replication slots", Statement(_SLOTS), _read_slots)


def _read_standby(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    row = first(rows)
    if row.get("standby") is not True:
        return Reading([], {"standby": 0.0})
    limits = options.replication or ReplicationOptions()
    verdicts, values = _lag(row, limits, "this standby")
    if row.get("paused") is True:
        verdicts.append(Verdict(State.WARN, "replay is paused on this standby"))
    if number(row, "receivers") == 0:
        verdicts.append(Verdict(State.WARN, "this standby receives nothing from a primary (no WAL receiver runs)"))
    return Reading(verdicts, {"standby": 1.0, **values})


def _read_standbys(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    limits = options.replication or ReplicationOptions()
    seen = [row for row in rows if row.get("state") is not None]
    verdicts: list[Verdict] = []
    worst: dict[str, float] = {}
    for row in seen:
        name = word(row, "name") + (f" ({word(row, 'address')})" if word(row, "address") else "")
        state = "" if row.get("state") == "streaming" else f", which is in state {word(row, 'state')},"
        found, values = _lag(row, limits, f"the standby {name}{state}")
        verdicts += found
        worst = {key: max(values.get(key, 0.0), worst.get(key, 0.0)) for key in {*values, *worst}}
    if len(seen) < len(rows):
        hidden = counted(len(rows) - len(seen), "standby")
        verdicts.append(unknown(f"{hidden} cannot be seen into: GRANT pg_monitor to this user"))
    return Reading(verdicts, {**worst, "standbys": float(len(rows))})


def standby_count(options: PostgresOptions, values: dict[str, float]) -> Verdict | None:
    """Whether enough standbys replicate, once both questions are answered: of a standby itself none is expected."""
    if options.replication is None or "standbys" not in values or "standby" not in values:
        return None
    expected = options.replication.standbys
    if expected is None and values["standby"]:
        return None
    wanted = expected or STANDBYS
    held = wanted.holds(values["standbys"])
    replicate = "replicate" if values["standbys"] > 1 else "replicates"
    sentence = f"{counted(values['standbys'], 'standby')} {replicate} from this server, expected {wanted.text}"
    return Verdict(State.OK if held else State.FAIL, sentence)


def _lag(row: Row, limits: ReplicationOptions, who: str) -> tuple[list[Verdict], dict[str, float]]:
    behind, late = maybe(row, "bytes"), maybe(row, "seconds")
    if late is None and behind is not None and behind <= 0:
        late = 0.0
    verdicts, values = [], {}
    if late is not None:
        values["replication_lag_seconds"] = max(0.0, late)
        verdicts.append(judged_duration(f"{who} is {seconds(max(0.0, late))} behind", max(0.0, late), limits, LAG))
    if behind is not None:
        values["replication_lag_bytes"] = max(0.0, behind)
        given = limits.bytes or BytesLimits()
        seen = f"{who} has {size(max(0.0, behind))} of log left to replay"
        verdicts.append(judge(seen, max(0.0, behind), *given_or(given.warn, given.fail, LAG_BYTES)))
    if not verdicts:
        verdicts.append(unknown(f"nothing says how far {who} is behind"))
    return verdicts, values


def _read_slots(options: PostgresOptions, rows: Sequence[Row], earlier: Earlier | None) -> Reading:
    limits = options.slots or BytesLimits()
    lost = [word(row, "name") for row in rows if row.get("status") == _LOST]
    verdicts = [Verdict(State.FAIL, f"the log that the slot {name} needs was removed: what reads from it must begin anew") for name in lost]
    held = [(row, maybe(row, "bytes")) for row in rows if row.get("status") != _LOST]
    most = max((amount for _, amount in held if amount is not None), default=0.0)
    idle = [row for row in rows if row.get("active") is False]
    if not rows:
        verdicts.append(Verdict(State.OK, "there is no replication slot"))
    elif held:
        row = max(held, key=lambda pair: pair[1] if pair[1] is not None else -1.0)[0]
        unread = "" if row.get("active") is True else ", which nobody reads,"
        seen = f"the slot {word(row, 'name')}{unread} holds back {size(most)} of log"
        verdicts.append(judge(seen, most, *given_or(limits.warn, limits.fail, SLOTS)))
    if idle:
        shown = ", ".join(word(row, "name") for row in idle[:5])
        verdicts.append(Verdict(State.OK, f"{describe(len(idle), Unit.NUMBER)} of {counted(len(rows), 'slot')} without a reader: {shown}"))
    values = {"slots": float(len(rows)), "slots_inactive": float(len(idle)), "slot_retained_bytes": max(0.0, most)}
    return Reading(verdicts, values)
