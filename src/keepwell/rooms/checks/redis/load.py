"""How hard the server works: memory, evictions, clients, rejected connections, and the share of lookups that found their key."""

from collections.abc import Iterator

from keepwell.rooms.checks.counted import since
from keepwell.rooms.checks.limits import judge
from keepwell.rooms.checks.model import Earlier

from .info import Server
from .options import CLIENTS, EVICTIONS, HITS, MEMORY, REJECTED, RedisOptions
from .parts import Limits, Reading, Usual, count, counted, judged, seconds, share, size, unknown

COUNTERS = {
    "evicted_keys": "evicted_keys",
    "rejected_connections": "rejected_connections",
    "keyspace_hits": "hits",
    "keyspace_misses": "misses",
}
"""INFO's running totals, and what they are called between two looks."""

_FIRST = "rates need two readings, and this is the first, or the server counts anew"


def rates_are_asked(options: RedisOptions) -> bool:
    """Whether something is judged that needs two looks."""
    return not (options.evictions is None and options.rejected is None and options.hits is None)


def readings(options: RedisOptions, server: Server, earlier: Earlier | None) -> Iterator[Reading]:
    """The parts that the options name."""
    if options.memory is not None or options.memory_bytes is not None:
        yield _memory(options, server)
    if options.clients is not None:
        yield _clients(options.clients, server)
    if options.blocked is not None:
        blocked = server.number("blocked_clients")
        yield Reading([judge(f"{counted(blocked, 'client')} blocked", blocked, options.blocked.warn, options.blocked.fail)])
    if options.evictions is not None:
        yield _rate("evicted_keys", ("key", "evicted"), server, earlier, (options.evictions, EVICTIONS))
    if options.rejected is not None:
        yield _rate("rejected_connections", ("connection", "rejected"), server, earlier, (options.rejected, REJECTED))
    if options.hits is not None:
        yield _hits(options, server, earlier)


def _memory(options: RedisOptions, server: Server) -> Reading:
    used, most = server.number("used_memory"), server.maybe("maxmemory") or 0.0
    verdicts = []
    if options.memory is not None:
        if most <= 0:
            verdicts.append(judge(f"{size(used)} of memory are in use, and the server has no maxmemory", used, None, None))
        else:
            seen = f"{size(used)} of {size(most)} (maxmemory) are in use ({share(used / most)})"
            verdicts.append(judged(seen, used / most, options.memory, MEMORY))
    if options.memory_bytes is not None:
        limits = options.memory_bytes
        verdicts.append(judge(f"{limits.describe(used)} of memory are in use", used, limits.warn, limits.fail))
    return Reading(verdicts)


def _clients(limits: Limits, server: Server) -> Reading:
    used, most = server.number("connected_clients"), server.most_clients
    if not most or most <= 0:
        return Reading([unknown("the server does not tell its maxclients (CONFIG GET is not allowed)")])
    seen = f"{count(used)} of {count(most)} clients are connected ({share(used / most)})"
    return Reading([judged(seen, used / most, limits, CLIENTS)], {"clients_used_ratio": used / most})


def _rate(name: str, words: tuple[str, str], server: Server, earlier: Earlier | None, limits: tuple[Limits, Usual]) -> Reading:
    grown = since(name, server.number(name), earlier)
    if grown is None:
        return Reading([unknown(_FIRST)])
    added, span = grown
    rate = added / span
    seen = f"{counted(added, words[0])} {words[1]} in the last {seconds(span)} ({count(rate)} a second)"
    return Reading([judged(seen, rate, *limits)], {f"{name}_per_second": rate})


def _hits(options: RedisOptions, server: Server, earlier: Earlier | None) -> Reading:
    assert options.hits is not None
    hits = since("hits", server.number("keyspace_hits"), earlier)
    misses = since("misses", server.number("keyspace_misses"), earlier)
    if hits is None or misses is None:
        return Reading([unknown(_FIRST)])
    lookups, span = hits[0] + misses[0], hits[1]
    if lookups < options.hits.lookups:
        seen = f"{counted(lookups, 'lookup')} in the last {seconds(span)}, too few to judge the share that found their key"
        return Reading([judge(seen, 0.0, None, None)])
    ratio = hits[0] / lookups
    seen = f"{share(ratio)} of {counted(lookups, 'lookup')} in the last {seconds(span)} found their key"
    return Reading([judged(seen, ratio, options.hits, HITS)], {"hit_ratio": ratio})
