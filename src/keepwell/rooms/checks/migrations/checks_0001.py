"""A check's identity, where it stands, its state changes, and the ring of its newest observations."""

import sqlalchemy as sa
from alembic import op

revision = "checks_0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "check_identity",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
        sa.Column("removed_at", sa.BigInteger),
    )
    op.create_table(
        "check_standing",
        sa.Column("check_id", sa.Integer, _identity(), primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("observed", sa.String(8), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("streak", sa.Integer, nullable=False),
        sa.Column("measured", sa.Text, nullable=False),
    )
    op.create_table(
        "check_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("check_id", sa.Integer, _identity(), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("before", sa.String(8)),
        sa.Column("after", sa.String(8), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
    )
    op.create_index("check_change_by_check", "check_change", ["check_id", "id"])
    op.create_table(
        "check_observation",
        sa.Column("check_id", sa.Integer, _identity(), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("measured", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
    )


def _identity() -> sa.ForeignKey:
    return sa.ForeignKey("check_identity.id", ondelete="CASCADE")
