"""Storage's own tables: the journal, the outputs beside it, and leases."""

from sqlalchemy import DDL, BigInteger, Column, Index, LargeBinary, MetaData, String, Table, Text, event

from .columns import UtcInstant

METADATA = MetaData()

JOURNAL = Table(
    "journal",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcInstant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("output_digest", String(64)),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("journal_by_subject", "subject", "number"),
    Index("journal_by_event", "event", "number"),
)
"""Never updated, never deleted from: triggers refuse it. They are a safeguard against mistakes; the chain of hashes is the proof."""

_GUARDS = {
    "sqlite": [
        f"""
CREATE TRIGGER journal_no_{name} BEFORE {name} ON journal
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END
"""
        for name in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        """
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$
""",
        """
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
""",
    ],
}
for _dialect, _statements in _GUARDS.items():
    for _statement in _statements:
        guard = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        event.listen(JOURNAL, "after_create", guard.execute_if(dialect=_dialect))

OUTPUTS = Table(
    "outputs",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("content", LargeBinary),
    Column("stored_at", UtcInstant, nullable=False),
    Column("erased_at", UtcInstant),
)
"""What commands printed, by SHA-256 of the bytes; compressed with zlib (RFC 1950); NULL once erased."""

LEASES = Table(
    "leases",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
)
"""A row stays when its lease ends, so that its fencing number goes on growing."""
