"""Which patterns of files are watched already: what stands in files of a new one is not counted."""

import sqlalchemy as sa
from alembic import op

revision = "logs_0002"
down_revision = "logs_0001"


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "log_watched",
        sa.Column("log", sa.String(100), primary_key=True),
        sa.Column("pattern", sa.Text, primary_key=True),
    )
