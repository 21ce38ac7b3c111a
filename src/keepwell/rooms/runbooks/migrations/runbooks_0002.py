"""Steps know which start of their unit there was before them, so that an interrupted restart is told from one that never was."""

import sqlalchemy as sa
from alembic import op

revision = "runbooks_0002"
down_revision = "runbooks_0001"


def upgrade() -> None:
    """Adds the column; steps of before know nothing."""
    op.add_column("run_step", sa.Column("instance", sa.Text, nullable=False, server_default=""))
