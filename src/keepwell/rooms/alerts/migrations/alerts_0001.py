"""Alerts, their groups, silences and escalations, the outbox, and thresholds changed while Keepwell runs."""

import sqlalchemy as sa
from alembic import op

revision = "alerts_0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    _alert()
    _alert_group()
    _silence()
    _escalation()
    _outbox()
    _alert_override()
    _alert_counter()


def _alert() -> None:
    op.create_table(
        "alert",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
        sa.Column("active_since", sa.BigInteger, nullable=False),
        sa.Column("firing_since", sa.BigInteger),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("keep_firing_since", sa.BigInteger),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("value", sa.Double),
        sa.Column("generator_url", sa.Text, nullable=False),
        sa.Column("doubt", sa.Text, nullable=False),
        sa.Column("flapping", sa.Boolean, nullable=False),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("acknowledged_note", sa.Text),
        sa.Column("acknowledged_until", sa.BigInteger),
        sa.Column("assigned_to", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("muted_by", sa.Text, nullable=False),
        sa.Column("service_added", sa.Boolean, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("settled", sa.Boolean, nullable=False),
        sa.Column("memory", sa.Text, nullable=False),
    )
    op.create_index("alert_by_settled", "alert", ["settled", "number"])
    op.create_index("alert_by_name", "alert", ["name", "number"])
    op.create_index("alert_by_severity", "alert", ["severity", "number"])
    op.create_index("alert_by_service", "alert", ["service", "number"])
    op.create_index("alert_by_fingerprint", "alert", ["fingerprint", "number"])
    op.create_index("alert_by_firing", "alert", ["firing_since", "number"])
    op.create_index("alert_by_resolved", "alert", ["resolved_at"])


def _alert_group() -> None:
    op.create_table(
        "alert_group",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("flushed", sa.Boolean, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("told_firing", sa.Text),
        sa.Column("told_resolved", sa.Text),
        sa.Column("told_hidden", sa.Text),
    )


def _silence() -> None:
    op.create_table(
        "silence",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("matchers", sa.Text, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("maintenance", sa.Boolean, nullable=False),
        sa.Column("annotations", sa.Text, nullable=False),
    )
    op.create_index("silence_by_end", "silence", ["ends_at"])


def _escalation() -> None:
    op.create_table(
        "escalation",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(128), nullable=False, unique=True),
        sa.Column("receiver", sa.Text, nullable=False),
        sa.Column("group_digest", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("delivered_to", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )
    op.create_index("outbox_by_state", "outbox", ["state", "receiver", "group_digest", "id"])
    op.create_index("outbox_by_end", "outbox", ["ended_at"])


def _alert_override() -> None:
    op.create_table(
        "alert_override",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reverts", sa.Integer),
        sa.Column("content", sa.Text, nullable=False),
    )


def _alert_counter() -> None:
    op.create_table(
        "alert_counter",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
