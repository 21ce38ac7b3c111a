"""Findings, waivers, and the audits that were made."""

import sqlalchemy as sa
from alembic import op

revision = "audits_0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    _finding()
    _waiver()
    _run()


def _finding() -> None:
    op.create_table(
        "audit_finding",
        sa.Column("audit", sa.String(200), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("gone_at", sa.BigInteger),
        sa.Column("times", sa.Integer, nullable=False),
    )
    op.create_index("audit_finding_by_gone", "audit_finding", ["gone_at"])


def _waiver() -> None:
    op.create_table(
        "audit_waiver",
        sa.Column("audit", sa.String(200), primary_key=True),
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
    )


def _run() -> None:
    op.create_table(
        "audit_run",
        sa.Column("occasion", sa.String(300), primary_key=True),
        sa.Column("audit", sa.String(200), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("findings", sa.Integer, nullable=False),
        sa.Column("new", sa.Integer, nullable=False),
        sa.Column("waived", sa.Integer, nullable=False),
    )
    op.create_index("audit_run_by_audit", "audit_run", ["audit", "began_at"])
