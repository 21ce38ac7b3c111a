"""Work that was done to logs, how far watched files were read, and what was counted in them."""

import sqlalchemy as sa
from alembic import op

revision = "logs_0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "log_work",
        sa.Column("key", sa.String(400), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(256), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("plan", sa.Text, nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
    )
    op.create_index("log_work_by_name", "log_work", ["kind", "name", "began_at"])
    op.create_index("log_work_by_end", "log_work", ["ended_at"])
    op.create_table(
        "log_read",
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("device", sa.BigInteger, nullable=False),
        sa.Column("inode", sa.BigInteger, nullable=False),
        sa.Column("at_byte", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "log_counted",
        sa.Column("log", sa.String(100), primary_key=True),
        sa.Column("watch", sa.Text, primary_key=True),
        sa.Column("total", sa.Double, nullable=False),
    )
