"""The tables of runs. What waits, and for what, stands here, so that nothing is forgotten by a restart."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, MetaData, String, Table

from keepwell.storage.database import FreeText, Json, UtcInstant

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer, "sqlite")

# One row an execution of a runbook; one occasion (key) has one run.
RUN = Table(
    "run",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("key", String(250), nullable=False, unique=True),
    Column("runbook", FreeText, nullable=False),
    Column("title", FreeText, nullable=False),
    Column("state", String(16), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("started_by", FreeText, nullable=False),
    Column("asked_at", UtcInstant, nullable=False),
    Column("began_at", UtcInstant),
    Column("ended_at", UtcInstant),
    Column("arguments", Json, nullable=False),
    Column("answered_by", FreeText, nullable=False, server_default=""),
    Index("run_by_state", "state", "number"),
    Index("run_by_runbook", "runbook", "number"),
)
# One row a step of a run; its output lies in the journal, by digest.
STEP = Table(
    "run_step",
    METADATA,
    Column("run", NUMBER, ForeignKey("run.number"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", FreeText, nullable=False),
    Column("title", FreeText, nullable=False),
    Column("way", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("ticket", FreeText, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("accepted_by", FreeText, nullable=False),
    Column("began_at", UtcInstant),
    Column("deadline", UtcInstant),
    Column("ended_at", UtcInstant),
    Column("status", Integer),
    Column("output_digest", String(64), nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("done_by", FreeText, nullable=False),
    Column("note", FreeText, nullable=False),
    Column("confirmed", Boolean, nullable=False),
    # Which start of its unit there was before it began.
    Column("instance", FreeText, nullable=False, server_default=""),
)
# A permission: one wish, and what a person decided; or one given ahead for a text (digest) until an instant.
PERMISSION = Table(
    "permission",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("subject", String(250), nullable=False, unique=True),
    Column("digest", String(64), nullable=False),
    Column("what", FreeText, nullable=False),
    Column("asked_by", FreeText, nullable=False),
    Column("asked_at", UtcInstant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", FreeText, nullable=False),
    Column("decided_at", UtcInstant),
    Column("until", UtcInstant),
    Column("note", FreeText, nullable=False),
    Index("permission_by_digest", "digest"),
    Index("permission_by_state", "state", "number"),
)
