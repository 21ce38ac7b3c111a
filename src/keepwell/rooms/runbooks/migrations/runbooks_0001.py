"""Runs of runbooks, their steps, and permissions."""

import sqlalchemy as sa
from alembic import op

revision = "runbooks_0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    _run()
    _step()
    _permission()


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(250), nullable=False, unique=True),
        sa.Column("runbook", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("started_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("arguments", sa.Text, nullable=False),
    )
    op.create_index("run_by_state", "run", ["state", "number"])
    op.create_index("run_by_runbook", "run", ["runbook", "number"])


def _step() -> None:
    op.create_table(
        "run_step",
        sa.Column("run", _NUMBER, sa.ForeignKey("run.number"), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("way", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("accepted_by", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger),
        sa.Column("deadline", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("status", sa.Integer),
        sa.Column("output_digest", sa.String(64), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("done_by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("confirmed", sa.Boolean, nullable=False),
    )


def _permission() -> None:
    op.create_table(
        "permission",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("subject", sa.String(250), nullable=False, unique=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.BigInteger),
        sa.Column("until", sa.BigInteger),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_index("permission_by_digest", "permission", ["digest"])
    op.create_index("permission_by_state", "permission", ["state", "number"])
