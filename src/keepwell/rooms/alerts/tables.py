"""The tables of alerts. Every timer is a column here, so that nothing is forgotten by a restart."""

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, Integer, LargeBinary, MetaData, String, Table

from keepwell.storage.database import FreeText, Json, UtcInstant

METADATA = MetaData()

NUMBER = BigInteger().with_variant(Integer, "sqlite")

# One row an episode: those that may still change (settled is false), and behind them the history. A pending one that never fired is
# deleted.
ALERT = Table(
    "alert",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    Column("fingerprint", String(16), nullable=False),
    Column("source", FreeText, nullable=False),
    Column("state", String(8), nullable=False),
    Column("name", FreeText, nullable=False),
    Column("severity", FreeText, nullable=False),
    Column("service", FreeText, nullable=False),
    Column("labels", Json, nullable=False),
    Column("annotations", Json, nullable=False),
    Column("active_since", UtcInstant, nullable=False),
    Column("firing_since", UtcInstant),
    Column("resolved_at", UtcInstant),
    Column("updated_at", UtcInstant, nullable=False),
    Column("keep_firing_since", UtcInstant),
    Column("expires_at", UtcInstant),
    Column("value", Double),
    Column("generator_url", FreeText, nullable=False),
    Column("doubt", FreeText, nullable=False),
    Column("flapping", Boolean, nullable=False),
    Column("acknowledged_by", FreeText),
    Column("acknowledged_at", UtcInstant),
    Column("acknowledged_note", FreeText),
    Column("acknowledged_until", UtcInstant),
    Column("assigned_to", FreeText, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("muted_by", FreeText, nullable=False),
    Column("service_added", Boolean, nullable=False),
    Column("closed", Boolean, nullable=False),
    Column("settled", Boolean, nullable=False),
    Column("memory", Json, nullable=False),
    Index("alert_by_settled", "settled", "number"),
    Index("alert_by_name", "name", "number"),
    Index("alert_by_severity", "severity", "number"),
    Index("alert_by_service", "service", "number"),
    Index("alert_by_fingerprint", "fingerprint", "number"),
    Index("alert_by_firing", "firing_since", "number"),
    Index("alert_by_resolved", "resolved_at"),
)
# What was told last is Alertmanager's notification log; which alerts are in a group follows from their labels and the routes.
GROUP = Table(
    "alert_group",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("key", FreeText, nullable=False),
    Column("route", FreeText, nullable=False),
    Column("receiver", FreeText, nullable=False),
    Column("labels", Json, nullable=False),
    Column("next_at", UtcInstant, nullable=False),
    Column("flushed", Boolean, nullable=False),
    Column("told_at", UtcInstant),
    Column("told_firing", Json),
    Column("told_resolved", Json),
    Column("told_hidden", Json),
)
SILENCE = Table(
    "silence",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("matchers", Json, nullable=False),
    Column("starts_at", UtcInstant, nullable=False),
    Column("ends_at", UtcInstant, nullable=False),
    Column("updated_at", UtcInstant, nullable=False),
    Column("created_by", FreeText, nullable=False),
    Column("comment", FreeText, nullable=False),
    Column("maintenance", Boolean, nullable=False),
    Column("annotations", Json, nullable=False),
    Index("silence_by_end", "ends_at"),
)
ESCALATION = Table(
    "escalation",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("policy", FreeText, nullable=False),
    Column("started_at", UtcInstant, nullable=False),
    Column("step", Integer, nullable=False),
    Column("next_at", UtcInstant, nullable=False),
)
# A notice to be delivered; payload is the notice, packed (notice.py). One that was delivered, refused, expired or dropped stays as history.
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("key", String(128), nullable=False, unique=True),
    Column("receiver", FreeText, nullable=False),
    Column("group_digest", String(64), nullable=False),
    Column("created_at", UtcInstant, nullable=False),
    Column("next_at", UtcInstant, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("error", FreeText, nullable=False),
    Column("expires_at", UtcInstant, nullable=False),
    Column("ended_at", UtcInstant),
    Column("delivered_to", Json, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Index("outbox_by_state", "state", "receiver", "group_digest", "id"),
    Index("outbox_by_end", "ended_at"),
)
# Thresholds changed while Keepwell runs, a whole document each version; the newest is in force.
OVERRIDE = Table(
    "alert_override",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcInstant, nullable=False),
    Column("made_by", FreeText, nullable=False),
    Column("reason", FreeText, nullable=False),
    Column("reverts", Integer),
    Column("content", Json, nullable=False),
)
# The last number given to an alert and to a notice: rows go, their numbers are never given again.
COUNTER = Table(
    "alert_counter",
    METADATA,
    Column("name", String(16), primary_key=True),
    Column("last", BigInteger, nullable=False),
)
