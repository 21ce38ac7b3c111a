"""The tables of incidents. Every clock is a row, so that no restart forgets what is due."""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table

from keepwell.storage.database import FreeText, UtcInstant

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer, "sqlite")

INCIDENT = Table(
    "incident",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("severity", FreeText, nullable=False),
    Column("title", FreeText, nullable=False),
    Column("opened_at", UtcInstant, nullable=False),
    Column("opened_by", FreeText, nullable=False),
    Column("alert_group", String(64), nullable=False),
    Column("acknowledged_at", UtcInstant),
    Column("acknowledged_by", FreeText),
    Column("acknowledged_note", FreeText),
    Column("mitigated_at", UtcInstant),
    Column("mitigated_by", FreeText),
    Column("mitigated_note", FreeText),
    Column("resolved_at", UtcInstant),
    Column("resolved_by", FreeText),
    Column("resolved_note", FreeText),
    # The incident that it turned out to be part of.
    Column("part_of", NUMBER),
    Index("incident_by_opened", "opened_at"),
    Index("incident_by_resolved", "resolved_at", "number"),
    Index("incident_by_whole", "part_of"),
)
# An alert belongs to one incident: that it is here already is how nothing is opened twice.
ALERT = Table(
    "incident_alert",
    METADATA,
    Column("alert", NUMBER, primary_key=True, autoincrement=False),
    Column("incident", NUMBER, nullable=False),
    Column("name", FreeText, nullable=False),
    Column("severity", FreeText, nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("since", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Index("incident_alert_by_incident", "incident", "alert"),
)
CLOCK = Table(
    "incident_clock",
    METADATA,
    Column("incident", NUMBER, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True),
    Column("due_at", UtcInstant, nullable=False),
    Column("missed_at", UtcInstant),
    Column("ended_at", UtcInstant),
    Column("misses", Integer, nullable=False),
)
# What diagnostics found; the outputs themselves lie beside the journal, by digest.
EVIDENCE = Table(
    "incident_evidence",
    METADATA,
    Column("incident", NUMBER, primary_key=True, autoincrement=False),
    Column("occasion", String(64), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("host", FreeText, nullable=False),
    Column("at", UtcInstant, nullable=False),
    Column("sentence", FreeText, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
)
