"""The occasion of a task that began last is found by an index."""

from alembic import op

revision = "tasks_0002"
down_revision = "tasks_0001"


def upgrade() -> None:
    """Adds the index."""
    op.create_index("task_run_by_start", "task_run", ["task", "started_at"])
