"""When a group is evaluated. Pure; instants and spans are milliseconds."""

from hashlib import blake2b

USUAL = 60_000
"""How often groups without an interval of their own are evaluated (Prometheus: ``evaluation_interval``)."""


def spread(key: tuple[str, str], interval: int) -> int:
    """How far a group's evaluations lie behind the multiples of its interval: always the same for the same group, and for many groups
    all over the interval."""
    digest = blake2b("\0".join(key).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % interval


def next_slot(now: int, interval: int, offset: int, last: int | None) -> int:
    """The group's next instant after ``now``; not the one that it had ``last`` (which may lie ahead where a clock was set back a little).
    Instants that went by unused are not made up for (prometheus/rules/group.go: ``EvalTimestamp``)."""
    after = now
    if last is not None and now < last < now + interval:
        after = last
    return (after - offset) // interval * interval + interval + offset
