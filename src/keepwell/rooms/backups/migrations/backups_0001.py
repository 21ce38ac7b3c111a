"""Makings and provings of backups, and their copies."""

import sqlalchemy as sa
from alembic import op

revision = "backups_0001"
down_revision = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "backup_run",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("backup", sa.String(100), nullable=False),
        sa.Column("key", sa.String(300), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("copy", sa.String(64), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.UniqueConstraint("kind", "backup", "key", name="backup_run_key"),
    )
    op.create_index("backup_run_by_backup", "backup_run", ["backup", "id"])
    op.create_index("backup_run_by_state", "backup_run", ["state"])
    op.create_table(
        "backup_copy",
        sa.Column("backup", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger, nullable=False),
        sa.Column("archive_bytes", sa.BigInteger, nullable=False),
        sa.Column("files", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("doubt", sa.Text, nullable=False),
        sa.Column("proven_at", sa.BigInteger),
        sa.Column("recovery_seconds", sa.Double),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("gone_at", sa.BigInteger),
        sa.Column("gone_why", sa.Text, nullable=False),
        sa.Column("accepted", sa.Boolean, nullable=False),
    )
