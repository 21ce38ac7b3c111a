"""The options of the kind ``redis``, and what applies where a person gave none."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options, Reference, SecretReference
from keepwell.config.redis_addresses import RedisAddress
from keepwell.kernel.comparisons import parse_comparison
from keepwell.rooms.checks.limits import BytesLimits, NumberLimit, NumberLimits, RatioLimits, SecondsLimits

MEMORY = (parse_comparison("> 80%"), parse_comparison("> 95%"))
CLIENTS = (parse_comparison("> 80%"), parse_comparison("> 95%"))
HITS = (parse_comparison("< 80%"), parse_comparison("< 50%"))
EVICTIONS = (parse_comparison("> 0"), parse_comparison("> 100"))
REJECTED = (None, parse_comparison("> 0"))
LAG = (parse_comparison("> 10s"), parse_comparison("> 1m"))
SAVED = (parse_comparison("> 2h"), parse_comparison("> 1d"))
LASTING = (parse_comparison("> 0"), None)


class HitOptions(RatioLimits):
    """The share of lookups that found their key, since the check's last look."""

    lookups: int = Field(default=100, ge=1)
    """Where fewer keys were looked up, the share is measured and not judged: an idle cache proves nothing."""


class ReplicationOptions(SecondsLimits):
    """Replication. Of a replica: its link to the primary must be up, and it must have heard from it lately (warn and fail); of a primary:
    each replica must be online and have answered lately."""

    role: Literal["primary", "replica"] | None = None
    """What the server must be; another role fails. Without it either is right."""
    bytes: BytesLimits | None = None
    """Limits on how many bytes of the replication stream a replica is behind. No limit is usual."""
    replicas: NumberLimit | None = None
    """How many replicas must be connected to a primary, for example ``>= 1``. Without it any number is right."""


class KeysOptions(Options):
    """Keys of one pattern, walked through with SCAN, never with KEYS."""

    pattern: str = Field(min_length=1, max_length=1000)
    """Which keys, as a glob: ``session:*``, ``cache:[0-9]*``. Keys of the database that the address names are looked at."""
    without_expiry: NumberLimits | None = None
    """Limits on how many of them never expire. Without it: ``{warn: "> 0"}``."""
    count: NumberLimits | None = None
    """Limits on how many there are. No limit is usual."""
    largest: BytesLimits | None = None
    """Limits on the bytes of the largest, for example ``{warn: "> 10MB"}``. Only then sizes are asked for, one key after the other."""
    most: int = Field(default=20_000, ge=1, le=100_000)
    """How many of them are looked at. Where there are more, or where two thirds of the check's time have passed, only a part was seen,
    and the sentence says so."""


class RedisOptions(Options):
    """A Redis or Valkey server, and what to look at. Exactly one of target and address. Without more it says whether the server answers
    PING, its version and how long it has been up; everything else that INFO tells is kept as numbers. Every option further down judges
    something; ``{}`` stands for the limits that its text names."""

    target: Annotated[str, Reference("targets")] | None = None
    """A target; its ``redis`` holds the address."""
    address: RedisAddress | None = None
    """``redis://HOST:PORT/DATABASE``, ``rediss://HOST:PORT`` for TLS, ``unix:///PATH``, or a reference to a secret that holds one."""
    user: str | None = Field(default=None, min_length=1)
    """The user's name, where the server has users of its own (ACL). Without it: the default user."""
    password: SecretReference | None = None
    """The password, as a reference to a secret."""
    verify: bool = True
    """With ``rediss://``: whether the server's certificate must be valid, trusted and for this host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""
    ping: SecondsLimits | None = None
    """Limits on the time from PING to its answer, for example ``{warn: "> 10ms", fail: "> 100ms"}``. No limit is usual."""
    memory: RatioLimits | None = None
    """Limits on memory in use, as a share of ``maxmemory``. Without warn and fail: ``> 80%`` and ``> 95%``. Where the server has no
    ``maxmemory``, there is no share, and it is not judged. A cache that evicts is full on purpose: look at its evictions instead."""
    memory_bytes: BytesLimits | None = None
    """Limits on memory in use in bytes. No limit is usual."""
    evictions: NumberLimits | None = None
    """Limits on the keys evicted per second because memory was full. Without warn and fail: ``> 0`` and ``> 100``."""
    rejected: NumberLimits | None = None
    """Limits on the connections rejected per second because of ``maxclients``. Without warn and fail: fail ``> 0``."""
    hits: HitOptions | None = None
    """Limits on the share of lookups that found their key. Without warn and fail: ``< 80%`` and ``< 50%``."""
    clients: RatioLimits | None = None
    """Limits on connected clients, as a share of ``maxclients``. Without warn and fail: ``> 80%`` and ``> 95%``."""
    blocked: NumberLimits | None = None
    """Limits on clients that wait in a blocking command (BLPOP and its kin). Workers of a queue wait on purpose: no limit is usual."""
    replication: ReplicationOptions | None = None
    """Whether replication works. Without warn and fail, silence of ``> 10s`` and ``> 1m``."""
    persistence: SecondsLimits | None = None
    """Whether the last save (RDB), and the last write and rewrite of the append-only file where there is one, succeeded; and how old the
    last save is while there are changes that it does not hold. Without warn and fail: ``> 2h`` and ``> 1d``; with an append-only file
    the age is not judged."""
    keys: KeysOptions | None = None
    """Keys of one pattern: how many, whether all of them expire, how large the largest is."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.target is None) == (self.address is None):
            raise ValueError("give exactly one of target and address")
        if self.user is not None and self.password is None:
            raise ValueError("user needs a password")
        return self
