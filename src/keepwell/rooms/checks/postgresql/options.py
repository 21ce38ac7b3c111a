"""The options of the kind ``postgres``, and what applies where a person gave none."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import Duration, Options, Reference, SecretReference, Size
from keepwell.kernel.comparisons import parse_comparison
from keepwell.rooms.checks.limits import BytesLimits, NumberLimit, NumberLimits, RatioLimits, SecondsLimits
from keepwell.rooms.checks.texts import show

_LONGEST_SQL = 100_000

CONNECTIONS = (parse_comparison("> 80%"), parse_comparison("> 95%"))
QUERY = (parse_comparison("> 5m"), parse_comparison("> 30m"))
TRANSACTION = (parse_comparison("> 10m"), parse_comparison("> 1h"))
IDLE = (parse_comparison("> 5m"), parse_comparison("> 30m"))
LAG = (parse_comparison("> 30s"), parse_comparison("> 5m"))
LAG_BYTES = (parse_comparison("> 100MB"), parse_comparison("> 1GB"))
STANDBYS = parse_comparison(">= 1")
SLOTS = (parse_comparison("> 5GB"), parse_comparison("> 20GB"))
DEAD = (parse_comparison("> 20%"), parse_comparison("> 50%"))
UPKEEP = (parse_comparison("> 7d"), parse_comparison("> 30d"))
UNUSED = parse_comparison("> 0")
CACHE = (parse_comparison("< 95%"), parse_comparison("< 80%"))
SLOW = (parse_comparison("> 1s"), parse_comparison("> 10s"))
WRAPAROUND = (parse_comparison("> 25%"), parse_comparison("> 50%"))
DEADLOCKS = (parse_comparison("> 0"), parse_comparison("> 10"))
TEMPORARY = (parse_comparison("> 100MB"), parse_comparison("> 1GB"))


class ReplicationOptions(SecondsLimits):
    """How far a standby may be behind, in time (warn and fail) and in bytes; asked of a primary or of a standby."""

    bytes: BytesLimits | None = None
    """Limits on the bytes of write-ahead log that are not replayed yet. Without it: ``{warn: "> 100MB", fail: "> 1GB"}``."""
    standbys: NumberLimit | None = None
    """How many standbys must replicate from a primary; without it ``>= 1``. Of a standby itself nothing is expected."""


class DeadTuplesOptions(RatioLimits):
    """The share of dead rows in a table, the worst table deciding."""

    minimum: int = Field(default=10_000, ge=0)
    """Tables with fewer dead rows are not looked at."""


class UpkeepOptions(SecondsLimits):
    """How long ago a table was last vacuumed or analyzed (by a person or by autovacuum), the worst table deciding."""

    minimum: int = Field(default=1_000, ge=0)
    """Tables with fewer dead rows (for analyze: fewer rows changed since) have nothing to be done and are not looked at."""


class CacheOptions(RatioLimits):
    """The share of blocks that were found in PostgreSQL's own cache since the check's last look."""

    blocks: int = Field(default=10_000, ge=1)
    """Where fewer blocks were asked for, the share is measured and not judged: an idle database proves nothing."""


class UnusedIndexesOptions(NumberLimits):
    """How many indexes have never been read since statistics began. Those that enforce a constraint do not count."""

    smallest: Size = 10_000_000
    """Smaller indexes do not count; usually 10MB."""
    since: Duration = timedelta(days=7)
    """How long statistics must have been gathered before an index counts as unused; usually 7d."""


class SlowStatementsOptions(SecondsLimits):
    """The average duration of the slowest statement of this database, by the extension pg_stat_statements."""

    calls: int = Field(default=10, ge=1)
    """Statements that ran less often do not count."""


class PostgresOptions(Options):
    """A PostgreSQL database, and what to look at. Exactly one of target and address. Without more it says whether the server accepts
    connections, its version, and how long connecting took. Every option further down asks one statement more; ``{}`` stands for the
    limits that its text names."""

    target: Annotated[str, Reference("targets")] | None = None
    """A target; its ``postgres`` holds the connection string."""
    address: SecretReference | None = None
    """The connection string, as a reference to a secret: ``postgresql://USER:PASSWORD@HOST:PORT/NAME``. What it leaves out comes from
    libpq's own variables (PGUSER and its kin) and ``~/.pgpass``. A role that is a member of pg_monitor sees everything asked below."""
    connect: SecondsLimits | None = None
    """Limits on the time that connecting takes: name, TCP, TLS and password. No limit is usual."""
    connections: RatioLimits | None = None
    """Limits on the share of connections in use, of those that ordinary users may have (max_connections without the reserved ones; this
    check's own does not count); ``{}`` stands for ``{warn: "> 80%", fail: "> 95%"}``."""
    longest_query: SecondsLimits | None = None
    """Limits on the longest time that a statement has been running, on the whole server; ``{}`` stands for ``{warn: "> 5m", fail:
    "> 30m"}``."""
    longest_transaction: SecondsLimits | None = None
    """Limits on the age of the oldest open transaction, prepared ones included; ``{}`` stands for ``{warn: "> 10m", fail: "> 1h"}``."""
    idle_in_transaction: SecondsLimits | None = None
    """Limits on the longest time that a session has been idle in an open transaction; ``{}`` stands for ``{warn: "> 5m", fail:
    "> 30m"}``."""
    replication: ReplicationOptions | None = None
    """How far a standby may be behind; ``{}`` stands for ``{warn: "> 30s", fail: "> 5m", bytes: {warn: "> 100MB", fail: "> 1GB"}}``."""
    slots: BytesLimits | None = None
    """Limits on the write-ahead log that a replication slot holds back; ``{}`` stands for ``{warn: "> 5GB", fail: "> 20GB"}``. A slot whose
    log was removed always fails."""
    dead_tuples: DeadTuplesOptions | None = None
    """Limits on dead / (live + dead) rows of a table, as a primary counts them (a standby counts neither these nor the next two);
    ``{}`` stands for ``{warn: "> 20%", fail: "> 50%", minimum: 10000}``."""
    vacuum: UpkeepOptions | None = None
    """Limits on the time since a table with dead rows was vacuumed; ``{}`` stands for ``{warn: "> 7d", fail: "> 30d", minimum: 1000}``."""
    analyze: UpkeepOptions | None = None
    """Limits on the time since a changed table was analyzed; ``{}`` stands for ``{warn: "> 7d", fail: "> 30d", minimum: 1000}``."""
    size: BytesLimits | None = None
    """Limits on the size of the database. ``{}`` only measures."""
    largest_table: BytesLimits | None = None
    """Limits on the size of the largest table with its indexes and TOAST. ``{}`` only measures."""
    tables: dict[str, BytesLimits] = Field(default_factory=dict, max_length=50)
    """Limits on the sizes of tables by name, for example ``{public.orders: {warn: "> 10GB"}}``; partitions count. ``{}`` only measures; a
    table that does not exist fails."""
    cache_hit_ratio: CacheOptions | None = None
    """Limits on the share of blocks found in the cache since the last look; ``{}`` stands for ``{warn: "< 95%", fail: "< 80%", blocks:
    10000}``."""
    unused_indexes: UnusedIndexesOptions | None = None
    """Limits on how many indexes are never read; ``{}`` stands for ``{warn: "> 0", smallest: 10MB, since: 7d}``."""
    slow_statements: SlowStatementsOptions | None = None
    """Limits on the average duration of the slowest statement, where pg_stat_statements is there; ``{}`` stands for ``{warn: "> 1s", fail:
    "> 10s", calls: 10}``."""
    wraparound: RatioLimits | None = None
    """Limits on the age of the oldest transaction number of any database, as a share of the 2^31 that there are; ``{}`` stands for
    ``{warn: "> 25%", fail: "> 50%"}``."""
    deadlocks: NumberLimits | None = None
    """Limits on the deadlocks per minute since the last look; ``{}`` stands for ``{warn: "> 0", fail: "> 10"}``."""
    temporary_files: BytesLimits | None = None
    """Limits on the bytes per minute that were written to temporary files since the last look (sorts and joins that outgrow work_mem);
    ``{}`` stands for ``{warn: "> 100MB", fail: "> 1GB"}``."""
    sql: str | None = Field(default=None, min_length=1, max_length=_LONGEST_SQL)
    """One statement of your own. It runs in a read-only transaction, and only when a person accepted exactly this text."""
    value: NumberLimits | None = None
    """Limits on the number in the first column of the statement's first row, kept as ``value``. No row, or no number, fails."""
    rows: NumberLimits | None = None
    """Limits on how many rows the statement gives (1000 are counted at most), for example ``{fail: "> 0"}``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.target is None) == (self.address is None):
            raise ValueError("give exactly one of target and address")
        for name in ("value", "rows"):
            if self.sql is None and getattr(self, name) is not None:
                raise ValueError(f"{name} belongs to sql, which is not given")
        if self.sql is not None and "\0" in self.sql:
            raise ValueError("no statement can hold a zero character")
        for name in self.tables:
            if not name.strip() or "\0" in name or len(name) > 200:
                raise ValueError(f"{show(name)} cannot be the name of a table")
        return self
