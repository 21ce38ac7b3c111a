"""Runs know who gave what their steps ask for, so that nobody permits values of their own."""

import sqlalchemy as sa
from alembic import op

revision = "runbooks_0003"
down_revision = "runbooks_0002"


def upgrade() -> None:
    """Adds the column; of values of before nobody is known but who started the run."""
    op.add_column("run", sa.Column("answered_by", sa.Text, nullable=False, server_default=""))
