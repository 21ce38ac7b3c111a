"""Tasks and their occasions."""

import sqlalchemy as sa
from alembic import op

revision = "tasks_0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "task",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("cadence", sa.Text, nullable=False),
        sa.Column("decided_until", sa.BigInteger, nullable=False),
        sa.Column("last_success", sa.BigInteger),
    )
    op.create_table(
        "task_run",
        sa.Column("task", sa.String(200), primary_key=True),
        sa.Column("due_at", sa.BigInteger, primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("first_due_at", sa.BigInteger),
        sa.Column("occasions", sa.Integer, nullable=False),
    )
    op.create_index("task_run_by_due", "task_run", ["due_at"])
    op.create_index("task_run_by_state", "task_run", ["state", "task"])
