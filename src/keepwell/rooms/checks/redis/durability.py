"""What would be left after a crash: replication and persistence."""

from collections.abc import Iterator, Mapping

from keepwell.kernel.states import State
from keepwell.rooms.checks.limits import Verdict, judge
from keepwell.rooms.checks.texts import show

from .info import Server
from .options import LAG, SAVED, RedisOptions, ReplicationOptions
from .parts import Reading, counted, failed, judged, passed, seconds, unknown

_ROLES = {"master": "primary", "slave": "replica"}


def readings(options: RedisOptions, server: Server) -> Iterator[Reading]:
    """The parts that the options name."""
    if options.replication is not None:
        yield _replication(options.replication, server)
    if options.persistence is not None:
        yield Reading(list(_persistence(options, server)))


def role(server: Server) -> str:
    """``primary`` or ``replica``, in today's words."""
    return _ROLES.get(server.word("role"), server.word("role"))


def _replication(options: ReplicationOptions, server: Server) -> Reading:
    found = role(server)
    verdicts = []
    if options.role is not None and found != options.role:
        verdicts.append(failed(f"it is a {found}, expected a {options.role}"))
    part = _as_replica(options, server) if found == "replica" else _as_primary(options, server)
    return Reading([*verdicts, *part.verdicts], part.values)


def _as_replica(options: ReplicationOptions, server: Server) -> Reading:
    primary = f"{server.word('master_host')}:{server.word('master_port')}"
    if server.word("master_link_status") != "up":
        down = server.maybe("master_link_down_since_seconds")
        since = f" for {seconds(down)}" if down is not None and down >= 0 else ""
        return Reading([failed(f"this replica's link to its primary {primary} has been down{since}")], {"replication_link_up": 0.0})
    if server.word("master_sync_in_progress") == "1":
        return Reading(
            [Verdict(State.WARN, f"this replica is copying everything from its primary {primary}")], {"replication_link_up": 1.0}
        )
    silence = max(0.0, server.number("master_last_io_seconds_ago"))
    seen = f"this replica heard from its primary {primary} {seconds(silence)} ago"
    verdicts = [judged(seen, silence, options, LAG)]
    values = {"replication_link_up": 1.0, "replication_lag_seconds": silence}
    read, applied = server.maybe("slave_read_repl_offset"), server.maybe("slave_repl_offset")
    if read is not None and applied is not None:
        behind = max(0.0, read - applied)
        values["replication_lag_bytes"] = behind
        if options.bytes is not None:
            verdicts.append(judge(f"{options.bytes.describe(behind)} are not applied yet", behind, options.bytes.warn, options.bytes.fail))
    return Reading(verdicts, values)


def _as_primary(options: ReplicationOptions, server: Server) -> Reading:
    offset = server.number("master_repl_offset")
    replicas = list(server.replicas())
    number = float(len(replicas))
    seen = f"{counted(number, 'replica')} connected"
    verdicts = [passed(seen)]
    if options.replicas is not None:
        enough = options.replicas.holds(number)
        verdicts = [passed(f"{seen}, expected {options.replicas.text}") if enough else failed(f"{seen}, expected {options.replicas.text}")]
    values = {"replicas": number}
    for replica in replicas:
        verdicts += _replica(options, replica, offset, values)
    return Reading(verdicts, values)


def _replica(options: ReplicationOptions, replica: Mapping[str, str], offset: float, values: dict[str, float]) -> Iterator[Verdict]:
    name = show(f"{replica.get('ip', '')}:{replica.get('port', '')}")[1:-1]
    state = replica.get("state", "")
    if state != "online":
        yield failed(f"the replica {name} is not online: {show(state)}")
        return
    silence, reached = _whole(replica.get("lag", "")), _whole(replica.get("offset", ""))
    if silence is None or reached is None:
        yield failed(f"what the primary says of the replica {name} is not usable")
        return
    behind = max(0.0, offset - reached)
    values["replication_lag_seconds"] = max(silence, values.get("replication_lag_seconds", 0.0))
    values["replication_lag_bytes"] = max(behind, values.get("replication_lag_bytes", 0.0))
    yield judged(f"the replica {name} answered {seconds(silence)} ago", silence, options, LAG)
    if options.bytes is not None:
        yield judge(f"the replica {name} is {options.bytes.describe(behind)} behind", behind, options.bytes.warn, options.bytes.fail)


def _persistence(options: RedisOptions, server: Server) -> Iterator[Verdict]:
    assert options.persistence is not None
    appends = server.word("aof_enabled") == "1"
    if server.word("rdb_last_bgsave_status") != "ok":
        yield failed(f"the last save (RDB) failed: its status is {show(server.word('rdb_last_bgsave_status'))}")
    if appends:
        for name, words in (("aof_last_write_status", "write to"), ("aof_last_bgrewrite_status", "rewrite of")):
            right = server.word(name) == "ok"
            yield (
                passed(f"the last {words} the append-only file succeeded")
                if right
                else failed(f"the last {words} the append-only file failed")
            )
    changes, saved = server.number("rdb_changes_since_last_save"), server.number("rdb_last_save_time")
    if appends or changes == 0:
        yield passed(f"{counted(changes, 'change')} since the last save (RDB)")
    elif server.clock is None:
        yield unknown("the server does not tell the time, so the age of its last save is unknown")
    else:
        age = max(0.0, server.clock - saved)
        seen = f"{counted(changes, 'change')} since the last save (RDB) {seconds(age)} ago"
        yield judged(seen, age, options.persistence, SAVED)


def _whole(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None
