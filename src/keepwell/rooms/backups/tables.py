"""The tables of backups: every making and proving, and every copy that was ever known."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, MetaData, String, Table, UniqueConstraint

from keepwell.storage.database import FreeText, Json, UtcInstant

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer, "sqlite")

# One row an occasion: under the same key nothing is done twice.
RUN = Table(
    "backup_run",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("backup", String(100), nullable=False),
    Column("key", String(300), nullable=False),
    Column("made_by", FreeText, nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("started_at", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("copy", String(64), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("facts", Json, nullable=False),
    Column("arguments", Json, nullable=False),
    UniqueConstraint("kind", "backup", "key", name="backup_run_key"),
    Index("backup_run_by_backup", "backup", "id"),
    Index("backup_run_by_state", "state"),
)
# A copy that went (gone_at) stays as a row: what was deleted, when, and why.
COPY = Table(
    "backup_copy",
    METADATA,
    Column("backup", String(100), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("repository", FreeText, nullable=False),
    Column("started_at", UtcInstant, nullable=False),
    Column("finished_at", UtcInstant, nullable=False),
    Column("archive_bytes", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("doubt", FreeText, nullable=False),
    Column("proven_at", UtcInstant),
    Column("recovery_seconds", Double),
    Column("fault", FreeText, nullable=False),
    Column("gone_at", UtcInstant),
    Column("gone_why", FreeText, nullable=False),
    Column("accepted", Boolean, nullable=False),
)
