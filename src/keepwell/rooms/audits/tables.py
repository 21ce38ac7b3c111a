"""The tables of audits."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table

from keepwell.storage.database import FreeText, UtcInstant

METADATA = MetaData()

# One row for each finding that ever was: digest is that of its key, which may be longer than an index takes.
FINDING = Table(
    "audit_finding",
    METADATA,
    Column("audit", String(200), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("key", FreeText, nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("first_seen", UtcInstant, nullable=False),
    Column("since", UtcInstant, nullable=False),
    Column("last_seen", UtcInstant, nullable=False),
    Column("gone_at", UtcInstant),
    Column("times", Integer, nullable=False),
    Index("audit_finding_by_gone", "gone_at"),
)
WAIVER = Table(
    "audit_waiver",
    METADATA,
    Column("audit", String(200), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("key", FreeText, nullable=False),
    Column("until", UtcInstant, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("made_by", FreeText, nullable=False),
    Column("made_at", UtcInstant, nullable=False),
)
# One row for each occasion: what was made under it is never made again.
RUN = Table(
    "audit_run",
    METADATA,
    Column("occasion", String(300), primary_key=True),
    Column("audit", String(200), nullable=False),
    Column("made_by", FreeText, nullable=False),
    Column("began_at", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("outcome", String(16), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("findings", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("waived", Integer, nullable=False),
    Index("audit_run_by_audit", "audit", "began_at"),
)
