"""Incidents, the alerts that belong to them, their clocks, and what diagnostics found."""

import sqlalchemy as sa
from alembic import op

revision = "incidents_0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    _incident()
    _incident_alert()
    _incident_clock()
    _incident_evidence()


def _incident() -> None:
    op.create_table(
        "incident",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("alert_group", sa.String(64), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger),
        sa.Column("acknowledged_by", sa.Text),
        sa.Column("acknowledged_note", sa.Text),
        sa.Column("mitigated_at", sa.BigInteger),
        sa.Column("mitigated_by", sa.Text),
        sa.Column("mitigated_note", sa.Text),
        sa.Column("resolved_at", sa.BigInteger),
        sa.Column("resolved_by", sa.Text),
        sa.Column("resolved_note", sa.Text),
    )
    op.create_index("incident_by_opened", "incident", ["opened_at"])
    op.create_index("incident_by_resolved", "incident", ["resolved_at", "number"])


def _incident_alert() -> None:
    op.create_table(
        "incident_alert",
        sa.Column("alert", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("incident", _NUMBER, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
    )
    op.create_index("incident_alert_by_incident", "incident_alert", ["incident", "alert"])


def _incident_clock() -> None:
    op.create_table(
        "incident_clock",
        sa.Column("incident", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("missed_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("misses", sa.Integer, nullable=False),
    )


def _incident_evidence() -> None:
    op.create_table(
        "incident_evidence",
        sa.Column("incident", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("occasion", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
