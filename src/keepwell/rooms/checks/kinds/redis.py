"""The ``redis`` kind: whether a Redis server (or Valkey) answers, and what INFO and a walk through its keys say.

Everything is asked over one connection, with commands that only read. The walk uses SCAN page by page, never KEYS, within a bound.
"""

from collections.abc import Callable, Iterator

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.redis import Inquiry, Replies, Scan
from keepwell.rooms.checks.limits import SecondsLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.redis import durability, load, walked
from keepwell.rooms.checks.redis.info import Server, server_of
from keepwell.rooms.checks.redis.options import RedisOptions
from keepwell.rooms.checks.redis.parts import Reading, seconds

_KEPT = {
    "used_memory": "memory_used_bytes",
    "maxmemory": "memory_max_bytes",
    "connected_clients": "clients",
    "blocked_clients": "clients_blocked",
    "uptime_in_seconds": "uptime_seconds",
    "instantaneous_ops_per_sec": "commands_per_second",
    "mem_fragmentation_ratio": "memory_fragmentation_ratio",
    "rdb_changes_since_last_save": "changes_since_save",
}
"""Numbers of INFO that are kept whatever is judged."""


def ask(options: RedisOptions, target: Target | None) -> tuple[Question, ...]:
    """One inquiry. Raises AskError where the target has no address."""
    address = options.address or (target.redis if target is not None else None)
    if address is None:
        raise AskError(f"the target {options.target} has no redis, so there is nothing to ask: give it its address")
    commands: tuple[tuple[str, ...], ...] = (("INFO",), ("TIME",))
    if options.clients is not None:
        commands += (("CONFIG", "GET", "maxclients"),)
    keys = options.keys
    scan = Scan(keys.pattern, keys.most, sizes=keys.largest is not None) if keys is not None else None
    return (Inquiry(address, commands, scan, options.user or "", options.password, verify=options.verify, authority=options.authority),)


def read(options: RedisOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """That it answers, then each part: the worst is the state."""
    replies = answers[0]
    if not isinstance(replies, Replies):
        reason = str(replies) if isinstance(replies, AnswerError) else "there is no answer of a Redis server"
        return Observation(State.FAIL, reason)
    try:
        server = server_of(replies)
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    readings = [_answers(options, server, replies), *_parts(options, server, earlier)]
    verdict = together(dict.fromkeys(verdict for reading in readings for verdict in reading.verdicts))
    values = {name: value for reading in readings for name, value in reading.values.items()}
    counters = {name: value for raw, name in load.COUNTERS.items() if (value := server.maybe(raw)) is not None}
    return Observation(verdict.state, verdict.sentence, values, counters)


def _answers(options: RedisOptions, server: Server, replies: Replies) -> Reading:
    version = server.word("valkey_version") or server.word("redis_version")
    name = "Valkey" if server.word("valkey_version") else "Redis"
    up = server.maybe("uptime_in_seconds")
    words = [
        f"{server.peer} answers PING in {seconds(server.ping)}",
        f"{name} {version}" if version else "",
        "a replica" if durability.role(server) == "replica" else "",
        f"up for {seconds(up)}" if up is not None and up >= 0 else "",
    ]
    limits = options.ping or SecondsLimits()
    kept = {name: value for raw, name in _KEPT.items() if (value := server.maybe(raw)) is not None}
    times = {"connect_seconds": replies.connect, "ping_seconds": server.ping}
    return Reading([judge(", ".join(filter(None, words)), server.ping, limits.warn, limits.fail)], {**times, **kept})


def _parts(options: RedisOptions, server: Server, earlier: Earlier | None) -> Iterator[Reading]:
    groups: tuple[Callable[[], Iterator[Reading]], ...] = (
        lambda: load.readings(options, server, earlier),
        lambda: durability.readings(options, server),
        lambda: iter([walked.reading(options.keys, server)] if options.keys is not None else []),
    )
    for group in groups:
        try:
            yield from group()
        except ValueError as error:
            yield Reading([Verdict(State.FAIL, str(error))])


DRIVER = Kind(
    summary="Whether a Redis server answers: memory, evictions, hits, clients, replication, persistence, and keys that never expire",
    options=RedisOptions,
    ask=ask,
    read=read,
    needs_earlier=load.rates_are_asked,
    target_key="redis",
    values={
        "connect_seconds": "how long connecting took",
        "ping_seconds": "the time from PING to its answer",
        "uptime_seconds": "how long ago the server was started",
        "commands_per_second": "the commands that it answers now",
        "clients": "connected clients",
        "clients_blocked": "clients that wait in a blocking command",
        "clients_used_ratio": "connected clients as a share of maxclients",
        "memory_used_bytes": "the memory in use",
        "memory_max_bytes": "maxmemory; 0 where there is none",
        "memory_fragmentation_ratio": "the resident memory divided by the memory in use; 1 means that none is lost",
        "evicted_keys_per_second": "keys evicted since the last look because memory was full",
        "rejected_connections_per_second": "connections rejected since the last look because of maxclients",
        "hit_ratio": "the share of lookups since the last look that found their key",
        "replicas": "of a primary: how many replicas are connected",
        "replication_link_up": "of a replica: 1 where the link to its primary is up, else 0",
        "replication_lag_seconds": "how long a replica and its primary have not heard of each other; of several the longest",
        "replication_lag_bytes": "the replication stream that a replica has not got; of several the most",
        "keys_matching": "how many keys match the pattern of option keys",
        "keys_without_expiry": "how many of them never expire",
        "largest_key_bytes": "the memory of the largest of them",
        "changes_since_save": "changes that the last save does not hold",
    },
    example="""\
targets:
  sessions: {redis: "redis://127.0.0.1:6379/0"}
checks:
  sessions:
    redis: {target: sessions, memory: {}, evictions: {}, keys: {pattern: "session:*"}}
    every: 1m
""",
)
