"""Heartbeats: what was heard of each job, and its newest pings."""

import sqlalchemy as sa
from alembic import op

revision = "checks_0002"
down_revision = "checks_0001"


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "heartbeat",
        sa.Column("address", sa.String(64), primary_key=True),
        sa.Column("heard_at", sa.BigInteger, nullable=False),
        sa.Column("heard", sa.Text, nullable=False),
    )
    op.create_table(
        "heartbeat_ping",
        sa.Column("address", sa.String(64), sa.ForeignKey("heartbeat.address", ondelete="CASCADE"), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("signal", sa.String(8), nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("run", sa.String(36), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
